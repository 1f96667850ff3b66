"""What a search for hyper-parameters may try, in which order and over which ranges: plain data.

Knows the `training` section's keys and which method has which; doesn't know how the values are tried.
The order is the batch size, then the learning rate, then the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sftloop.scenario.training import METHOD_OPTIONS

STAGES = ("batch", "rate", "rest")

BATCH_MULTIPLE = 16
_LEAST_STEPS = 6
"""Optimizer steps per epoch that a batch size must leave."""
_LARGEST_BATCH = 128
_RATE_REACH = 10.0
"""The learning rate is searched from a tenth of the best so far to ten times."""
_RATE_PROBES = (3.0, 1 / 3)
"""Tried first, in times the best so far."""
_REDUCTION, _LEAST_RECORDS = 3, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """A parameter with a few values to choose from."""

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A parameter between two ends, searched on a logarithmic scale."""

    name: str
    low: float
    high: float


Parameter = Values | Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Parameters that are searched together while all others keep their best values."""

    name: str
    parameters: tuple[Parameter, ...]
    first: tuple[Mapping[str, Any], ...]
    """Tried before anything is drawn."""
    most: int
    """Trials; those of `first` included."""
    share: float
    """Of the search's time, up to this stage's end."""


def stage_of(
    name: str, method: str, settings: Mapping[str, Any], records: int, fixed: frozenset[str]
) -> Stage | None:
    """Return one of the `STAGES`, without what is fixed; None where nothing is left to try.

    Args:
        name: which.
        method: a name of `METHOD_OPTIONS`.
        settings: the best values so far: batch_size, learning_rate, epochs, the method's options, and
            alpha_over_rank where there is a rank.
        records: training records.
        fixed: keys that keep their value.
    """
    if name == "batch":
        sizes = batch_sizes(records, settings["batch_size"])
        if "batch_size" in fixed or not sizes:
            return None
        tried = tuple({"batch_size": size} for size in sizes)
        parameter = Values(name="batch_size", values=tuple(sorted({*sizes, settings["batch_size"]})))
        return Stage(name=name, parameters=(parameter,), first=tried, most=len(sizes), share=0.3)
    if name == "rate":
        return None if "learning_rate" in fixed else _rate_stage(settings["learning_rate"])
    rest = _rest(method, settings, fixed)
    return Stage(name=name, parameters=rest, first=(), most=100, share=1.0) if rest else None


def batch_sizes(records: int, default: int) -> tuple[int, ...]:
    """Return the batch sizes to try beside the default: multiples of 16, each twice the last, small ones first."""
    largest = min(_LARGEST_BATCH, records // _LEAST_STEPS)
    sizes = []
    size = BATCH_MULTIPLE
    while size <= largest:
        sizes.append(size)
        size *= 2
    return tuple(size for size in sizes if size != default)


def scaled_rate(rate: float, batch: int, reference: int) -> float:
    """Return the rate that suits another batch size: by the square root of the ratio.

    For Adam and its kin; Malladi et al. 2022, arXiv:2205.10287, section 5. Without it, a search over batch
    sizes at one rate is one over rates. The rate itself is searched afterwards.
    """
    return rate * math.sqrt(batch / reference)


def shares(records: int) -> tuple[float, ...]:
    """Return the shares of the data that a trial is trained on, one after the other: 1/9, 1/3, 1.

    A third of the trials goes on from each to the next (successive halving with η = 3: Li et al. 2018,
    arXiv:1603.06560; asynchronous, arXiv:1810.05934). Shares of too few records are left out.
    """
    possible = (_REDUCTION**-2, 1 / _REDUCTION)
    return (*(share for share in possible if share * records >= _LEAST_RECORDS), 1.0)


def goes_on(score: float, others: list[float]) -> bool:
    """Whether a score is among the best third of all that were measured on the same share; a tie counts as among.

    Args:
        score: of the trial, larger is better.
        others: scores of the other trials.
    """
    return sum(other > score for other in others) < max(1, (len(others) + 1) // _REDUCTION)


def as_training(tried: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was tried as keys of the `training` section.

    Args:
        tried: a stage's parameters and their values.
        settings: the default plan's values.
    """
    keys = dict(tried)
    if (ratio := keys.pop("alpha_over_rank", None)) is not None:
        keys["alpha"] = float(ratio * keys.get("rank", settings.get("rank")))
    if keys.get("optimizer", "adam-then-momentum") != "adam-then-momentum":
        keys["switch_at"] = None
    return keys


def _rate_stage(default: float) -> Stage:
    span = Range(name="learning_rate", low=default / _RATE_REACH, high=default * _RATE_REACH)
    first = tuple({"learning_rate": default * factor} for factor in _RATE_PROBES)
    return Stage(name="rate", parameters=(span,), first=first, most=8, share=0.65)


def _rest(method: str, settings: Mapping[str, Any], fixed: frozenset[str]) -> tuple[Parameter, ...]:
    epochs = settings["epochs"]
    usual: dict[str, tuple[Any, ...]] = {
        "rank": (8, 16, 32, 64),
        "virtual_tokens": (8, 16, 32, 64),
        "epochs": tuple(max(1.0, float(round(epochs * factor))) for factor in (0.5, 1, 2)),
        "warmup": (0.0, 0.05, 0.1, 0.2),
        "weight_decay": (0.0, 0.01, 0.1),
        "optimizer": ("adamw", "adam-then-momentum"),
    }
    theirs = {"rank", "virtual_tokens"} - set(METHOD_OPTIONS[method])
    found = [
        Values(name=name, values=_with(values, settings.get(name)))
        for name, values in usual.items()
        if name not in theirs | fixed
    ]
    if "alpha" in METHOD_OPTIONS[method] and "alpha" not in fixed:
        found.append(
            Values(name="alpha_over_rank", values=_with((1.0, 2.0, 4.0), settings["alpha_over_rank"]))
        )
    return tuple(each for each in found if len(each.values) > 1)


def _with(values: tuple[Any, ...], default: Any) -> tuple[Any, ...]:
    """Return the values and the default, each once, in order where they have one."""
    every = dict.fromkeys([*values, *([] if default is None else [default])])
    return tuple(every) if isinstance(values[0], str) else tuple(sorted(every))
