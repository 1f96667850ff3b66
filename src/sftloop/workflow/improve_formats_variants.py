"""The formats that are tried: every combination of the factors' levels that the scenario's tasks allow.

Makes scenarios that differ in their `format` alone; asks no model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, get_args

from sftloop.core.errors import UsageError, nearest
from sftloop.scenario import Format, Scenario, Task
from sftloop.scenario.format_block import shortest
from sftloop.scenario.prompt_format import Order
from sftloop.scenario.schema import MisplacedError

FACTORS = ("order", "labels", "reason", "answer", "wording")
MIXED = "by task"
"""The level of `answer` where tasks are written differently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatVariant:
    """One format of the scenario."""

    name: str
    """Its levels, the factors' in their order."""
    levels: Mapping[str, str]
    """Factor → level, for the factors that vary."""
    scenario: Scenario
    current: bool
    """Whether it is the one the scenario has."""

    @property
    def said(self) -> dict[str, str]:
        """What its `format` block has to say."""
        return shortest(self.scenario.format)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatSpace:
    """What is tried."""

    factors: Mapping[str, Sequence[str]]
    """Factor → its levels, the scenario's own first; factors with one level are left out."""
    variants: Sequence[FormatVariant]
    """The scenario's own first."""
    left_out: Sequence[Mapping[str, str]]
    """{"name", "why"} of combinations that the schema refuses."""


def format_space(scenario: Scenario, tasks: Collection[str], factors: Collection[str] = ()) -> FormatSpace:
    """Return every format to try.

    Args:
        scenario: as it is.
        tasks: the tasks that count.
        factors: vary only these; all by default.

    Raises:
        UsageError: an unknown factor, or nothing that can vary.
    """
    for factor in factors:
        if factor not in FACTORS:
            raise UsageError(f"There is no factor '{factor}'.", hint=nearest(factor, FACTORS))
    own = [scenario.tasks[name] for name in tasks]
    current = _current(scenario, own)
    levels = {
        factor: [current[factor], *(level for level in _levels(factor, own) if level != current[factor])]
        for factor in FACTORS
        if factor in (factors or FACTORS)
    }
    varied = {factor: found for factor, found in levels.items() if len(found) > 1}
    if not varied:
        raise UsageError(
            f"Nothing can vary: {', '.join(f'{factor!r}' for factor in levels)} has one level here.",
            hint="`labels` needs a task with labels, `reason` one whose answer asks for a reason or evidence.",
        )
    variants: list[FormatVariant] = []
    left_out: list[dict[str, str]] = []
    for combination in product(*varied.values()):
        chosen = dict(zip(varied, combination, strict=True))
        name = " · ".join(combination)
        changed: dict[str, Any] = {key: level for key, level in chosen.items() if level != current[key]}
        try:
            made = scenario.with_format(scenario.format.model_copy(update=changed)) if changed else scenario
        except MisplacedError as error:
            left_out.append({"name": name, "why": str(error)})
            continue
        variants.append(FormatVariant(name=name, levels=chosen, scenario=made, current=not changed))
    return FormatSpace(factors=varied, variants=variants, left_out=left_out)


def _current(scenario: Scenario, tasks: Sequence[Task]) -> dict[str, str]:
    written = {task.written_as for task in tasks}
    return {
        "order": scenario.order,
        "labels": scenario.format.labels,
        "reason": scenario.format.reason,
        "answer": written.pop() if len(written) == 1 else MIXED,
        "wording": scenario.format.wording or scenario.language,
    }


def _levels(factor: str, tasks: Sequence[Task]) -> Sequence[str]:
    if factor == "order":
        return get_args(Order)
    if factor == "labels":
        return ("names", "letters") if any(task.labels for task in tasks) else ()
    if factor == "reason":
        if any(task.answer.reason for task in tasks):
            return ("after", "before", "none")
        return ("after", "before") if any(task.answer.evidence for task in tasks) else ()
    return ("plain", "json") if factor == "answer" else ("en", "zh")


assert set(FACTORS) == set(Format.model_fields)
