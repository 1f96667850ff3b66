"""The ladder: the cheapest steps, one after the other, until a training fits.

Knows how steps are taken, undone where they weren't needed, and compared; the steps are in `steps`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod

from sftloop.core.errors import UsageError
from sftloop.plan.architecture import Architecture
from sftloop.plan.command import command_line
from sftloop.plan.ledger import Ledger, simulate
from sftloop.plan.setup import Setup
from sftloop.plan.steps import STEPS, Plan, Step

_WORTHWHILE = 0.995
"""A step that saves less than half a percent is left out."""

_FROM_THE_START = ("LoRA", "QLoRA")
"""Steps that may be taken before all others; what they cost in time counts as if they were rungs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A step that was taken."""

    step: str
    costs: str
    saves: int
    """Bytes of the allocated peak."""
    command: str
    """Command line of the plan up to here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A plan and the steps that lead to it."""

    title: str
    architecture: Architecture
    setup: Setup
    ledger: Ledger
    rungs: tuple[Rung, ...]
    fits: bool
    time: float
    """Time per record over that of the plan asked for, about."""
    touches_quality: bool
    command: str


def climb(
    architecture: Architecture,
    setup: Setup,
    gpu_bytes: int,
    title: str = "cheapest steps",
    steps: Sequence[Step] = STEPS,
) -> Fitted:
    """Take the cheapest steps until the training fits, then drop those that turned out unnecessary.

    Args:
        architecture: the model.
        setup: what was asked for.
        gpu_bytes: memory of a GPU.
        title: what to call the result.
        steps: those that may be taken, cheapest first.
    """
    start = (architecture, setup)
    taken = _until_it_fits(start, gpu_bytes, steps)
    if _fits(_apply(start, taken), gpu_bytes):
        taken = _needed(start, taken, gpu_bytes)
    plan = _apply(start, taken)
    assert plan is not None
    ledger = simulate(*plan, gpu_bytes)
    return Fitted(
        title=title,
        architecture=plan[0],
        setup=plan[1],
        ledger=ledger,
        rungs=tuple(_rungs(start, taken)),
        fits=ledger.fits(gpu_bytes),
        time=prod(step.time for step in taken),
        touches_quality=any(step.quality for step in taken),
        command=command_line(*plan),
    )


def choices(architecture: Architecture, setup: Setup, gpu_bytes: int) -> list[Fitted]:
    """Return plans that fit, to choose from: by the cheapest steps, and with adapters from the start."""
    found = [climb(architecture, setup, gpu_bytes)]
    plan, ahead = (architecture, setup), 1.0
    for step in (step for step in STEPS if step.name in _FROM_THE_START):
        changed = step.change(plan)
        if changed is not None:
            plan, ahead = changed, ahead * step.time
            fitted = climb(*plan, gpu_bytes, f"{step.name} from the start")
            found.append(replace(fitted, time=ahead * fitted.time, touches_quality=True))
    distinct = {(each.architecture, each.setup): each for each in reversed(found) if each.fits}
    return list(reversed(distinct.values()))


def _until_it_fits(start: Plan, gpu_bytes: int, steps: Sequence[Step]) -> list[Step]:
    """Take the first step that saves anything, again and again: a dear one may make a cheap one pay."""
    taken: list[Step] = []
    plan = start
    while not _fits(plan, gpu_bytes):
        found = next(((step, after) for step in steps if (after := _smaller(plan, step)) is not None), None)
        if found is None:
            break
        step, plan = found
        taken.append(step)
    return taken


def _smaller(plan: Plan, step: Step) -> Plan | None:
    """Return the plan after a step, if it is possible and saves anything."""
    changed = step.change(plan)
    before, after = _size(plan), _size(changed)
    return changed if after is not None and (before is None or after < _WORTHWHILE * before) else None


def _needed(start: Plan, taken: list[Step], gpu_bytes: int) -> list[Step]:
    """Drop steps that cost something and aren't needed, the dearest first."""
    kept = list(taken)
    for step in sorted(taken, key=lambda step: (step.quality, step.time), reverse=True):
        if not step.quality and step.time <= 1:
            continue
        place = len(kept) - 1 - kept[::-1].index(step)
        without = kept[:place] + kept[place + 1 :]
        if _fits(_apply(start, without), gpu_bytes):
            kept = without
    return kept


def _apply(start: Plan, steps: list[Step]) -> Plan | None:
    """Return the plan after some steps; None where one of them has become impossible."""
    plan: Plan | None = start
    for step in steps:
        plan = step.change(plan) if plan is not None else None
    return plan


def _fits(plan: Plan | None, gpu_bytes: int) -> bool:
    ledger = None if plan is None else _ledger(plan)
    return ledger is not None and ledger.fits(gpu_bytes)


def _size(plan: Plan | None) -> int | None:
    ledger = None if plan is None else _ledger(plan)
    return None if ledger is None else ledger.peak_allocated


@lru_cache(maxsize=1024)
def _ledger(plan: Plan) -> Ledger | None:
    """Return a plan's ledger, or None where the plan is impossible."""
    try:
        return simulate(*plan)
    except UsageError:
        return None


def _rungs(start: Plan, taken: list[Step]) -> Iterator[Rung]:
    plan = start
    for step in taken:
        changed = step.change(plan)
        assert changed is not None
        saved = (_size(plan) or 0) - (_size(changed) or 0)
        yield Rung(step=step.name, costs=step.costs, saves=saved, command=command_line(*changed))
        plan = changed
