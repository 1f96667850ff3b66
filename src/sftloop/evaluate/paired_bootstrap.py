"""Comparing two systems on the same records by the bootstrap.

The draws come from resample.py; shapes as there. Doesn't know metrics or which direction is better.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sftloop.evaluate.resample import (
    RESAMPLES,
    FloatArray,
    IntArray,
    Statistic,
    distribution,
    tail_levels,
    units_of,
)


class PairedResult(NamedTuple):
    """Outcome of a paired bootstrap."""

    before: float
    after: float
    difference: float
    low: float
    high: float
    p: float


def paired_bootstrap(
    before: Statistic,
    after: Statistic,
    n: int,
    *,
    clusters: IntArray | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    differs: npt.NDArray[np.bool_] | None = None,
) -> PairedResult:
    """Compare two systems on the same records: metric(after) - metric(before), interval and p-value.

    Both sides see the same draws. The two-sided p-value is the level at which the widened percentile interval
    would just touch 0, so that p < 0.05 when the 95 % interval excludes it. With `differs`, p is never below
    2^(1-k), the least that any exchange test on the k units whose answers differ can give, and the interval
    is stretched to 0 where that bars a decision: a few lucky records prove nothing. Source: Efron and
    Tibshirani 1993, "An Introduction to the Bootstrap", chapters 15-16; for language tasks Berg-Kirkpatrick,
    Burkett and Klein 2012, "An empirical investigation of statistical significance in NLP", EMNLP.

    Args:
        before: weights[b, n] -> [b] for the first system.
        after: the same for the second.
        n: records, at least 1.
        clusters: each record's group as a code 0 .. U-1, or None.
        seed: seed of the draws.
        resamples: number of draws.
        level: confidence level.
        differs: whether the two sides answered record i differently, [n]; None skips that safeguard.
    """

    def both(weights: FloatArray) -> FloatArray:
        return np.stack([before(weights), after(weights)], axis=1)

    first, second = (float(side) for side in both(np.ones((1, n)))[0])
    difference, units = second - first, units_of(n, clusters)
    nothing = PairedResult(first, second, difference, math.nan, math.nan, 1.0)
    if units < 2 or math.isnan(difference):
        return nothing
    draws = distribution(both, n, clusters=clusters, seed=seed, resamples=resamples)
    differences = draws[:, 1] - draws[:, 0]
    differences = differences[~np.isnan(differences)]
    if not len(differences):
        return nothing
    low, high = np.quantile(differences, tail_levels(level, units))
    low, high = min(low, difference), max(high, difference)
    least = 0.0 if differs is None else least_p(differs, clusters)
    if least > 1 - level:
        low, high = min(low, 0.0), max(high, 0.0)
    p = max(_bootstrap_p(differences, units), least)
    return PairedResult(first, second, difference, float(low), float(high), p)


def least_p(differs: npt.NDArray[np.bool_], clusters: IntArray | None) -> float:
    """Return the smallest two-sided p-value that exchanging the sides unit by unit can give.

    Args:
        differs: whether the two sides answered record i differently, [n].
        clusters: each record's group, or None.
    """
    units = np.count_nonzero(differs) if clusters is None else len(np.unique(clusters[differs]))
    return float(min(1.0, 2.0 ** (1 - int(units))))


def _bootstrap_p(differences: FloatArray, units: int) -> float:
    """Return the two-sided p-value of 'no difference' from the drawn differences."""
    from scipy.special import ndtri, stdtr

    resamples = len(differences)
    tail = min(np.count_nonzero(differences <= 0), np.count_nonzero(differences >= 0))
    one_sided = (tail + 1) / (resamples + 1)
    if one_sided >= 0.5:
        return 1.0
    t = float(ndtri(one_sided)) * math.sqrt((units - 1) / units)
    return min(1.0, 2 * float(stdtr(units - 1, t)))
