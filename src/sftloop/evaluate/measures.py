"""What a task's answers are measured by: the shape that every kind hands to metrics and comparisons.

Holds no formula of its own (choice.py, multi.py, extract.py, generate.py, score.py do) and computes no
interval (metrics.py, paired.py do).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sftloop.evaluate.align import Scored
from sftloop.evaluate.interval import Interval
from sftloop.evaluate.resample import FloatArray, Statistic, additive, units_of
from sftloop.scenario.schema import Task

BoolArray = npt.NDArray[np.bool_]

FALLING = frozenset({"mae"})
"""Metrics that fall as answers improve."""


def _no_tables(item_f1: dict[str, Interval]) -> dict[str, Any]:
    """Free text and numbers have no labels to tabulate."""
    return {"labels": {}, "confusion": {}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """All metrics of the `n` scored records of one task."""

    shares: dict[str, BoolArray] = field(default_factory=dict)
    """Metrics that are plain shares of records: each record's outcome, [n]."""
    names: tuple[str, ...]
    """The other metrics, in the order of the statistic's first columns."""
    items: tuple[str, ...] = ()
    """Labels or fields whose F1 fills the statistic's remaining columns."""
    statistic: Statistic
    """weights[b, n] -> [b, names + items]."""
    bounded: bool = True
    """Whether all columns lie in [0, 1]."""
    bearing: FloatArray | None = None
    """Units (groups, or records) that bear on each column, [names + items]: on a label's F1 only those where it is
    expected or given. None: all units bear on all columns."""
    tables: Callable[[dict[str, Interval]], dict[str, Any]] = _no_tables
    """{item: its F1} -> the further keys of a task's result: labels, confusion, fields, abstention."""
    single: dict[str, Statistic] = field(default_factory=dict)
    """weights[b, n] -> [b] for metrics that are much cheaper alone than with all others."""
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Extra keys beside a metric's value, such as how many answers could not be used."""


def one_metric(measures: Measures, name: str) -> Statistic:
    """Return the statistic of one metric, weights[b, n] -> [b]."""
    if name in measures.shares:
        hits = measures.shares[name].astype(float)
        ones = np.ones_like(hits)
        return additive(np.column_stack([hits, ones]), lambda sums: sums[:, 0] / sums[:, 1])
    if name in measures.single:
        return measures.single[name]
    column = measures.names.index(name)

    def statistic(weights: FloatArray) -> FloatArray:
        return np.asarray(measures.statistic(weights)[:, column], dtype=float)

    return statistic


def units_for(measures: Measures, name: str, scored: Scored) -> float:
    """Return how many units (groups, or records) bear on one metric."""
    if name in measures.shares or measures.bearing is None:
        return units_of(len(scored), scored.clusters)
    return float(measures.bearing[measures.names.index(name)])


class Kind(Protocol):
    """What the module of one kind of task offers."""

    PRIMARY: str
    """The metric that decides comparisons."""
    METRICS: tuple[str, ...]
    """All metrics, in the order of results."""

    def measure(self, task: Task, scored: Scored) -> Measures:
        """Return the metrics of at least one scored record."""
        ...
