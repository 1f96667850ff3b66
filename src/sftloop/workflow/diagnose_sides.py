"""Which models are diagnosed: one, or one and what it is compared with.

Resolves names to folders; loads nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sftloop.core.errors import UsageError
from sftloop.scenario import Scenario
from sftloop.workflow.measure import input_hashes
from sftloop.workflow.trained import find_weights

BASE = "base"
"""What `--before` calls the model without training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One model with or without an adapter."""

    role: str
    """`after`, or `before` for what it is compared with: its folder in the run."""
    model: str
    path: Path
    adapter: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which model is to be diagnosed, as the user names it."""

    model: str | None = None
    """Instead of the scenario's."""
    adapter: Path | None = None
    """What was trained on that model: an adapter, a whole model's weights, or a run."""
    before: str | None = None
    """What to compare with: `base`, what was trained (as `adapter`), or a model's name or folder."""


def sides_of(scenario: Scenario, wanted: Wanted) -> list[Side]:
    """Return the models in the order they are asked: what is compared with comes first.

    Args:
        scenario: names the model where none is given.
        wanted: the user's choice.

    Raises:
        UsageError: both sides are the same.
        ModelError: a model or adapter is missing or unfit.
    """
    name = wanted.model or scenario.model
    chosen = [("after", name, wanted.adapter)]
    if wanted.before is not None:
        chosen.insert(0, ("before", *_before(scenario, name, wanted.adapter, wanted.before)))
    if len(chosen) == 2 and chosen[0][1:] == chosen[1][1:]:
        raise UsageError(
            f"--before {wanted.before} is the diagnosed model itself.",
            hint="Name a tuned model with --model or --adapter, or another one with --before.",
        )
    sides = []
    for role, named, own in chosen:
        found = find_weights(named, own)
        sides.append(Side(role=role, model=found.name, path=found.path, adapter=found.adapter))
    return sides


def side_inputs(scenario: Scenario, splits: Sequence[str], sides: Sequence[Side]) -> dict[str, str]:
    """Return SHA-256 sums of everything that the answers depend on."""
    found: dict[str, str] = {}
    for side in sides:
        hashes = input_hashes(scenario, splits, side.path, side.adapter)
        own = {"model", "adapter"} if side.role == "before" else set()
        found |= {f"before {key}" if key in own else key: value for key, value in hashes.items()}
    return found


def _before(scenario: Scenario, name: str, adapter: Path | None, before: str) -> tuple[str, Path | None]:
    if before == BASE:
        return (name if adapter is not None else scenario.model), None
    return (name, Path(before)) if Path(before).is_dir() else (before, None)
