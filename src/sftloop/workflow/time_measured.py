"""What a pilot measured, and what the whole run will do: plain data that survives an interruption.

Knows amounts of work and seconds; doesn't know how they were measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sftloop.plan.time_model import Work
from sftloop.workflow.time_work import Shape

EVALUATIONS = ("before", "validation", "after")
"""When the predictor is asked: untouched, after every epoch, trained."""


@dataclass(slots=True, kw_only=True)
class Timed:
    """Work with the seconds that each piece took, in the order it was done."""

    work: list[Work] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, work: Work, seconds: float) -> None:
        """Add a piece."""
        self.work.append(work)
        self.seconds.append(seconds)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Timed:
        """Read it from plain data."""
        return cls(work=[Work(*row) for row in value["work"]], seconds=list(value["seconds"]))


@dataclass(slots=True, kw_only=True)
class WholeRun:
    """What the whole run will do."""

    train: list[Work] = field(default_factory=list)
    evaluations: dict[str, list[Work]] = field(default_factory=dict)
    """Each once: the calls of the predictor."""
    asked: int
    """Test records."""
    head_start: list[Work] = field(default_factory=list)
    """The passes that teach scoring heads before the first step."""
    validations: int = 0
    save_every: int = 0
    """Steps between checkpoints."""
    shape: Shape = field(default_factory=lambda: Shape(1, 1, 1, 1))


@dataclass(slots=True, kw_only=True)
class Pilot:
    """What one pilot measured, and what the whole run will do."""

    run: WholeRun
    records: int = 0
    """Trained on, those of the warm-up left out."""
    answers: int = 0
    """Most records per task asked in an evaluation."""
    took: float = 0.0
    """Seconds of the pilot itself."""
    crowd: float = 0.0
    """As in `Bench`."""
    train: Timed = field(default_factory=Timed)
    evaluations: dict[str, Timed] = field(default_factory=lambda: {name: Timed() for name in EVALUATIONS})
    once: dict[str, float] = field(default_factory=dict)
    """What happens a few times per run → seconds: loads, saves, what the first step takes beyond the others."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Pilot:
        """Read what `to_json` wrote."""
        run = dict(value["run"])
        run["shape"] = Shape(*run["shape"])
        for name in ("train", "head_start"):
            run[name] = [Work(*row) for row in run[name]]
        run["evaluations"] = {name: [Work(*row) for row in rows] for name, rows in run["evaluations"].items()}
        timed = {name: Timed.from_json(part) for name, part in value["evaluations"].items()}
        train = Timed.from_json(value["train"])
        return cls(**{**value, "run": WholeRun(**run), "train": train, "evaluations": timed})
