"""What a plan rests on: records, their tokens, the model's shape, the machine. Plain data.

Knows no rules; who gathers the facts passes them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sftloop.plan.architecture import Architecture

SMALL = 1e9
"""Parameters below which a model counts as small: the smallest that the studies on methods trained."""
WRITTEN = ("extract", "generate")
"""Kinds whose answers are written out, not chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Lengths of the training records, in tokens."""

    prefix: int
    """What all records of a task share: the longest of the tasks."""
    prefix_mean: float
    """The same, averaged over records."""
    own: float
    """What a record adds behind it, answer included: mean."""
    own_longest: int
    answer: float
    """Of them learned: mean."""
    context: int | None
    """The longest sequence that the model takes, if that is known."""
    counted: bool
    """By the model's tokenizer; False: estimated from characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """Where the training will run."""

    device: str
    """`cpu`, `cuda` or `mps`."""
    name: str
    memory_bytes: int | None
    """Of one GPU, or the machine's; None: unknown."""
    cores: int
    gpus: int = 0
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of matrix products."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known before training."""

    records: Mapping[str, int]
    """Task → training records, after `max_records`."""
    kinds: Mapping[str, str]
    """Task → its kind."""
    validation: int
    """Validation records."""
    tokens: Tokens
    architecture: Architecture | None
    """None: a family that the planner doesn't know."""
    hardware: Hardware
    shareable: bool = True
    """Whether the model's architecture lets records share a prefix, where its files tell."""
    measured: str | None = None
    """The method that won on these records, if that was measured."""

    @property
    def total(self) -> int:
        """Training records of all tasks."""
        return sum(self.records.values())

    @property
    def parameters(self) -> int | None:
        """Of the base model."""
        return None if self.architecture is None else self.architecture.parameters

    @property
    def small(self) -> bool:
        """Is the base model below a billion parameters?"""
        return self.parameters is not None and self.parameters < SMALL

    @property
    def written(self) -> bool:
        """Does any task have its answer written out?"""
        return any(kind in WRITTEN for kind in self.kinds.values())

    def to_json(self) -> dict[str, Any]:
        """Return them as the plan's file has them."""
        return {
            "records": dict(self.records),
            "records_total": self.total,
            "validation_records": self.validation,
            "kinds": dict(self.kinds),
            "tokens": asdict(self.tokens),
            "parameters": self.parameters,
            "hardware": asdict(self.hardware),
            "measured_method": self.measured,
        }
