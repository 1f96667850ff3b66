"""What a step's seconds are made of: a cost per unit of work, fitted to a few timed steps.

Seconds are linear in what a step does (passes through the model, tokens, token pairs). A pilot times too few steps
to tell all costs apart, so each is drawn towards what operation counts say of its size beside the others, as
strongly as the noise of the timings asks for; the level is the measurements' alone. Costs are never negative.

Knows amounts of work and seconds; doesn't know models, clocks or machines.

Shapes: `N` timed rows, `K` kinds of work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_ROUNDS = 6
_HUBER = 1.5
"""Rows further off than so many spreads count less for the costs (Huber 1964)."""
_CLIPPED = 6.0
"""The row furthest off may move the level by so many of its standard errors, or as far as the next one: a pause in
three timed steps says little of a thousand, but pauses that come again are part of the time (a truncated mean,
Catoni 2012, arXiv:1009.2048)."""
_TRUST = 0.7
"""Relative width of what operation counts say of a cost beside the others."""
_USUAL_SPREAD, _SPREAD_ROWS = 0.04, 2.0
_USUAL_DRIFT, _DRIFT_BLOCKS = 0.02, 2.0
"""What is taken for the noise before anything is measured, and as how many measurements it counts."""
_BLOCKS = 6


class Work(NamedTuple):
    """What one optimizer step or one batch of an evaluation does."""

    steps: float = 0.0
    """Optimizer steps, or calls of the predictor."""
    passes: float = 0.0
    """Passes through the model."""
    prefix_tokens: float = 0.0
    tokens: float = 0.0
    """Behind the prefix: suffixes, labels' and written tokens."""
    pairs: float = 0.0
    """Each token with each it attends to."""

    def plus(self, other: Work) -> Work:
        """Return both together."""
        return Work(*(a + b for a, b in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Seconds per unit of each kind of work, and how sure they are."""

    seconds_per: Work
    rows: int
    """Timed rows they come from."""
    spread: float
    """Standard deviation of one row's seconds, as a share of them."""
    drift: float
    """The same of a longer time's mean: what the machine changes by, beyond row to row."""
    covariance: Array
    """Of the costs, shape (K, K)."""

    def seconds(self, work: Sequence[Work]) -> Array:
        """Return the seconds of each row of work."""
        each: Array = _table(work) @ np.asarray(self.seconds_per)
        return each

    def uncertainty(self, work: Sequence[Work]) -> float:
        """Return the standard deviation of the sum's seconds, as a share of it, drift left out."""
        if not work:
            return 0.0
        each = self.seconds(work)
        total, sums = each.sum(), _table(work).sum(0)
        if total <= 0:
            return 0.0
        own_noise = self.spread**2 * (each**2).sum()
        return float(np.sqrt(sums @ self.covariance @ sums + own_noise) / total)


def fit_costs(work: Sequence[Work], seconds: Sequence[float], relative: Work) -> Costs:
    """Fit costs to timed rows, in the order they were run.

    Non-negative least squares on relative errors, reweighted after Huber, with a ridge towards `relative`.

    Args:
        work: of each row.
        seconds: that each took.
        relative: what a unit of each kind costs beside the others, by operation counts; zero: not part of it.
    """
    table, times = _table(work), np.asarray(seconds, dtype=float)
    used = np.flatnonzero(np.asarray(relative))
    costs, spread, certainty = _reweighted(table[:, used], times, np.asarray(relative)[used])
    level, off = _level(table[:, used] @ costs, times, spread)
    covariance = np.zeros((len(relative), len(relative)))
    covariance[np.ix_(used, used)] = (spread * level) ** 2 * np.linalg.inv(certainty)
    found = np.zeros(len(relative))
    found[used] = costs * level
    return Costs(
        seconds_per=Work(*found.tolist()),
        rows=len(times),
        spread=_spread(float(np.sqrt((off**2).mean())), len(off)),
        drift=_drift(off),
        covariance=covariance,
    )


def _reweighted(table: Array, times: Array, shape: Array) -> tuple[Array, float, Array]:
    """Return the costs, the spread of rows around them, and the normal matrix of the last fit."""
    from scipy.optimize import nnls

    prior = costs = float(np.median(times / (table @ shape))) * shape
    spread, weights = _USUAL_SPREAD, np.ones(len(times))
    for _ in range(_ROUNDS):
        expected = table @ costs
        rows = table * (np.sqrt(weights) / expected)[:, None]
        matrix = np.vstack([rows, np.diag(spread / _TRUST / prior)])
        wanted = np.concatenate([np.sqrt(weights) * times / expected, np.full(len(prior), spread / _TRUST)])
        costs = nnls(matrix * prior, wanted)[0] * prior
        off = np.abs(times / (table @ costs) - 1)
        spread = _spread(float(np.median(off)) / 0.6745, len(off))
        weights = np.minimum(1.0, _HUBER * spread / np.maximum(off, 1e-12))
    return costs, spread, matrix.T @ matrix


def _level(expected: Array, times: Array, spread: float) -> tuple[float, Array]:
    """Return by how much all costs must be raised, and how far each row is off then."""
    off = times / expected - 1
    most = _CLIPPED * spread * float(np.sqrt(len(off)))
    if len(off) > 1:
        most = max(most, float(np.sort(np.abs(off))[-2]))
    off = np.clip(off, -most, most)
    level = float(1 + (expected * off).sum() / expected.sum())
    return level, (1 + off) / level - 1


def _table(work: Sequence[Work]) -> Array:
    return np.asarray(work, dtype=float).reshape(-1, len(Work._fields))


def _spread(measured: float, rows: int) -> float:
    """Return the measured spread, drawn towards a usual one as far as the rows are few."""
    squares = _SPREAD_ROWS * _USUAL_SPREAD**2 + rows * measured**2
    return float(np.sqrt(squares / (_SPREAD_ROWS + rows)))


def _drift(off: Array) -> float:
    """Return how much more the means of consecutive blocks differ than independent rows would let them."""
    blocks = np.array_split(off, min(_BLOCKS, len(off) // 2)) if len(off) >= 4 else []
    free = max(0, len(blocks) - 1)
    beyond = 0.0
    if free:
        means = np.array([block.mean() for block in blocks])
        within = np.mean([block.var(ddof=1) / len(block) for block in blocks])
        beyond = max(0.0, float(means.var(ddof=1) - within))
    return float(np.sqrt((_DRIFT_BLOCKS * _USUAL_DRIFT**2 + free * beyond) / (_DRIFT_BLOCKS + free)))
