"""A trial of a search: what it changes, how far it came, and both in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one training of a trial gave."""

    score: float
    """On the validation records; larger is better."""
    seconds: float
    settings: Values
    """What was trained with, defaults filled in; empty where it failed."""


@dataclass(slots=True, kw_only=True)
class Trial:
    """One set of values, and how far it came."""

    stage: str
    values: Values
    """What differs from the default plan."""
    rungs: list[dict[str, float]] = field(default_factory=list)
    """{"share", "score", "seconds"} of each training, on more and more of the data."""

    @property
    def score(self) -> float | None:
        """The score on all of the data; None where it was given up before."""
        return self.rungs[-1]["score"] if self.rungs and self.rungs[-1]["share"] == 1.0 else None


def told_values(values: Values) -> str:
    """Return what a trial changes, in words."""
    return ", ".join(f"{name} {_short(value)}" for name, value in values.items()) or "the default plan"


def told(trial: Trial) -> str:
    """Return what a trial changed and reached, in words."""
    values = told_values(trial.values)
    score = trial.rungs[-1]["score"]
    if trial.score is None:
        return f"{values}: {score:.3f} on {trial.rungs[-1]['share']:.0%} of the data, given up"
    return f"{values}: {score:.3f}"


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
