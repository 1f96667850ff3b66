"""Bootstrap draws as weights, and the values of a metric over them.

A resample is a row of weights (how often each record was drawn), so one call of the metric evaluates many
resamples at once. With clusters, whole groups are drawn. Doesn't know what the metric means, nor what its
spread is used for.

Shapes: `n` records, `b` resamples in one call, `R` resamples in all, `m` columns (metrics computed together),
`U` units drawn (groups, or records when there are none), `K` sums.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Statistic = Callable[[FloatArray], FloatArray]
"""weights[b, n] -> values[b] or values[b, m]; NaN where a resample leaves the metric undefined."""

RESAMPLES = 2000
"""Enough that the Monte-Carlo error of a 95 % limit is about a thirtieth of the interval's half width."""
_CELLS = 1 << 20
"""Weights held at once (8 MiB), so that memory doesn't grow with the number of resamples."""


def additive(sums_nK: Any, metric: Callable[[FloatArray], FloatArray]) -> Statistic:
    """Return the statistic `metric(weights @ sums)` for a metric of per-record sums.

    Args:
        sums_nK: what each record adds to K sums; a numpy array or a scipy sparse matrix.
        metric: sums[b, K] -> values[b] or values[b, m].
    """
    if isinstance(sums_nK, np.ndarray):
        return lambda weights: metric(weights @ sums_nK)
    columns_Kn = sums_nK.T.tocsr()
    return lambda weights: metric(np.asarray(columns_Kn @ np.ascontiguousarray(weights.T)).T)


def draw_weights(
    n: int, *, clusters: IntArray | None = None, seed: int = 0, resamples: int = RESAMPLES
) -> Iterator[FloatArray]:
    """Yield the weights of `resamples` bootstrap draws in blocks [b, n].

    Source: Efron 1979, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7(1); whole
    clusters: Davison and Hinkley 1997, "Bootstrap Methods and their Application", section 3.8.

    Args:
        n: records.
        clusters: each record's group as a code 0 .. U-1 (all used), or None.
        seed: the draws depend on it, on `n` and on the clusters only.
        resamples: how many draws.
    """
    units = units_of(n, clusters)
    rng = np.random.default_rng(seed)
    block = max(1, min(resamples, _CELLS // max(n, 1)))
    for start in range(0, resamples, block):
        count = min(block, resamples - start)
        drawn = np.empty((count, units))
        for row in drawn:
            row[:] = np.bincount(rng.integers(0, units, size=units), minlength=units)
        yield drawn if clusters is None else drawn[:, clusters]


def units_of(n: int, clusters: IntArray | None) -> int:
    """Return how many units a bootstrap draws: groups, or records when there are none."""
    return n if clusters is None else int(clusters.max(initial=-1)) + 1


def distribution(
    statistic: Statistic,
    n: int,
    *,
    clusters: IntArray | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> FloatArray:
    """Return the statistic of every resample, [R, m] (m = 1 for a statistic of one value)."""
    draws = draw_weights(n, clusters=clusters, seed=seed, resamples=resamples)
    return np.concatenate([two_dimensional(statistic(weights)) for weights in draws])


def tail_levels(level: float, units: int) -> FloatArray:
    """Return the two quantile levels of a percentile interval, widened for few units.

    The normal quantile is replaced by sqrt(U/(U-1)) times Student's t with U-1 degrees: Hesterberg 2015,
    "What teachers should know about the bootstrap", American Statistician 69(4) ("expanded
    percentile interval").
    """
    return normal_cdf(np.array([-1.0, 1.0]) * widened_z(level, units))


def widened_z(level: float, units: int) -> float:
    """Return the quantile that takes the place of the normal one for `units` units, at least 2."""
    from scipy.special import stdtrit

    return math.sqrt(units / (units - 1)) * float(stdtrit(units - 1, (1 + level) / 2))


def normal_cdf(z: FloatArray) -> FloatArray:
    """Return the standard normal distribution function, elementwise."""
    from scipy.special import ndtr

    return np.asarray(ndtr(z), dtype=float)


def two_dimensional(values: FloatArray) -> FloatArray:
    """Return values[b] as [b, 1], values[b, m] as they are."""
    return values[:, None] if values.ndim == 1 else values
