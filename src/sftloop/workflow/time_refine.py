"""The forecast of a training while it runs: what is left, at the speed seen so far.

Knows a forecast and the Trainer's callback interface; stays silent where nothing was forecast.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from transformers import TrainerCallback, TrainerState

from sftloop.core.files import read_json
from sftloop.core.progress import clock, say
from sftloop.core.rundir import RunDirectory
from sftloop.plan.time_forecast import Part, refined, with_interval
from sftloop.workflow.time_history import earlier_scores, forecast_of

_TIMES = 10
"""Lines per training."""


class SayWhatIsLeft(TrainerCallback):
    """Says ten times how long the remaining steps will take, validations left out.

    Args:
        forecast: as `plan time` wrote it.
    """

    def __init__(self, forecast: dict[str, Any]) -> None:
        self.expected = np.asarray(forecast["step_seconds"])
        training = forecast["model_of_time"]["training"]
        self.spread = training["spread"]
        self.whole = Part(float(self.expected.sum()), forecast["deviation"], training["drift"])
        self.elapsed, self.begun, self.first = 0.0, 0.0, 0

    def on_step_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Start the clock of a step."""
        self.begun = time.monotonic()
        if not self.elapsed:
            self.first = state.global_step

    def on_step_end(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Add the step, and say what is left after each tenth."""
        self.elapsed += time.monotonic() - self.begun
        done, steps = state.global_step - self.first, len(self.expected) - self.first
        if state.max_steps != len(self.expected) or done >= steps or done % max(1, steps // _TIMES):
            return
        rest = refined(self.expected[self.first :], self.elapsed, done, self.whole, self.spread)
        left = with_interval(rest, earlier_scores())
        say(f"Training steps left: {clock(left.seconds)} [{clock(left.low)} – {clock(left.high)}]")


def refining(run: RunDirectory, scenario: str) -> list[TrainerCallback]:
    """Return what says how long a run's training still takes: nothing where it wasn't forecast."""
    place = forecast_of(run, scenario)
    return [SayWhatIsLeft(read_json(place, "a forecast"))] if place.exists() else []
