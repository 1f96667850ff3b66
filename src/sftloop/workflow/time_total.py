"""From pilots to the time of a whole run: every part at the costs that were fitted, as often as it happens.

Knows what `run` does and in which order; doesn't know how costs are fitted or pilots run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from sftloop.plan.time_forecast import Part, as_measured, at_costs, kept_steps, together
from sftloop.plan.time_model import Array, Costs, fit_costs
from sftloop.train.callbacks import SAVING_SHARE
from sftloop.workflow.time_measured import EVALUATIONS, Pilot, Timed
from sftloop.workflow.time_work import relative_costs

_UNITS = {
    "steps": "seconds per step",
    "passes": "seconds per pass through the model",
    "prefix_tokens": "seconds per prefix token",
    "tokens": "seconds per token behind the prefix",
    "pairs": "seconds per pair of tokens",
}
_COLD = ("start", "load", "set up", "first step", "load trained", "linear baseline", "metrics")
"""Taken from the first pilot: there, as in a run, they happen for the first time in the process."""
_PER_NEIGHBOUR, _MOST_NEIGHBOURS = 0.1, 3.0
"""What another busy process per core adds to the drift: it may end at any time, or others may come."""


class Outlook:
    """What the pilots so far say of the whole run.

    Args:
        pilots: of the same run, the first in the order its parts have there.
    """

    def __init__(self, pilots: Sequence[Pilot]) -> None:
        self.pilots = list(pilots)
        self.run = pilots[0].run

    @cached_property
    def training(self) -> Costs:
        """Costs of an optimizer step."""
        return self._fit([pilot.train for pilot in self.pilots], training=True)

    @cached_property
    def evaluations(self) -> dict[str, Costs]:
        """Costs of each evaluation's calls; one that has no records is left out."""
        timed = {name: [pilot.evaluations[name] for pilot in self.pilots] for name in EVALUATIONS}
        return {name: self._fit(parts, training=False) for name, parts in timed.items() if parts[0].seconds}

    def step_seconds(self) -> Array:
        """Return the seconds of every optimizer step of the run, as forecast."""
        return self.training.seconds(self.run.train)

    def parts(self) -> dict[str, Part]:
        """Return the run's time by what it is spent on, and in total."""
        evaluation = [self._evaluation(name) for name in EVALUATIONS]
        found = {
            "train": self._steps(),
            "evaluate": together([*evaluation, *self._once("linear baseline", "metrics")]),
            "load_save": together([*self._once("start", "load", "set up", "load trained"), *self._saves()]),
        }
        found = {name: self._among_others(part) for name, part in found.items()}
        return {**found, "total": together(list(found.values()))}

    def phases(self) -> dict[str, Part]:
        """Return the same time by the run's steps, as its manifest has them; `total` holds what is between too."""
        training = [self._steps(), self._evaluation("validation"), *self._saves()]
        found = {
            "linear": together(self._once("linear baseline")),
            "before": together([self._evaluation("before"), *self._once("load")]),
            "train": together(training),
            "after": together([self._evaluation("after"), *self._once("load trained")]),
        }
        found = {name: self._among_others(part) for name, part in found.items()}
        return {**found, "total": self.parts()["total"]}

    def per_answer(self) -> float:
        """Return seconds per record that the trained model is asked."""
        return self._evaluation("after").seconds / max(1, self.run.asked)

    def coefficients(self) -> dict[str, Any]:
        """Return every fitted cost with its unit."""
        fitted = {"training": self.training, **self.evaluations}
        return {name: _named(costs) for name, costs in fitted.items()}

    def pilot_seconds(self, steps: int, answers: int) -> float:
        """Return how long another pilot of so many steps and answers per task would take."""
        first = self.pilots[0]
        per_step = sum(first.train.seconds) / len(first.train.seconds)
        asking = sum(sum(timed.seconds) for timed in first.evaluations.values())
        rest = first.took - asking - sum(first.train.seconds)
        return rest + steps * per_step + asking * answers / max(1, first.answers)

    def _among_others(self, part: Part) -> Part:
        crowd = min(_MOST_NEIGHBOURS, self.pilots[0].crowd)
        return part._replace(drift=math.hypot(part.drift, _PER_NEIGHBOUR * crowd))

    def _steps(self) -> Part:
        parts = [at_costs(self.training, self.run.train), *self._once("first step")]
        if self.run.head_start and self.evaluations:
            forward = self.evaluations.get("validation") or next(iter(self.evaluations.values()))
            parts.append(at_costs(forward, self.run.head_start))
        return together(parts)

    def _evaluation(self, name: str) -> Part:
        work = self.run.evaluations[name]
        times = self.run.validations if name == "validation" else 1
        return (
            at_costs(self.evaluations[name], work * times)
            if name in self.evaluations
            else Part(0.0, 0.0, 0.0)
        )

    def _saves(self) -> list[Part]:
        keep, checkpoint = self._measured("keep weights"), self._measured("checkpoint")
        mean = sum(checkpoint) / len(checkpoint)
        count = kept_steps(self.step_seconds().tolist(), self.run.save_every, mean, SAVING_SHARE)
        return [as_measured(keep, self.run.validations), as_measured(checkpoint, count)]

    def _once(self, *names: str) -> list[Part]:
        return [as_measured(self._measured(name)) for name in names]

    def _measured(self, name: str) -> list[float]:
        pilots = self.pilots[:1] if name in _COLD else self.pilots
        return [pilot.once[name] for pilot in pilots]

    def _fit(self, parts: Sequence[Timed], *, training: bool) -> Costs:
        work = [row for part in parts for row in part.work]
        seconds = [each for part in parts for each in part.seconds]
        return fit_costs(work, seconds, relative_costs(self.run.shape, training=training))


def _named(costs: Costs) -> dict[str, Any]:
    """Return costs with units; what never occurs in the run has none."""
    found = zip(_UNITS.items(), costs.seconds_per, strict=True)
    return {
        "rows": costs.rows,
        "spread": round(costs.spread, 4),
        "drift": round(costs.drift, 4),
        **{name: {"value": float(f"{value:.4g}"), "unit": unit} for (name, unit), value in found},
    }
