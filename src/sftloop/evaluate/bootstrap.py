"""Bootstrap confidence intervals for any metric of weighted records.

The draws come from resample.py; comparisons of two systems are in paired_bootstrap.py. Shapes as there.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from sftloop.evaluate.interval import Interval
from sftloop.evaluate.proportions import wilson_bounds
from sftloop.evaluate.resample import (
    RESAMPLES,
    FloatArray,
    IntArray,
    Statistic,
    distribution,
    normal_cdf,
    tail_levels,
    two_dimensional,
    units_of,
    widened_z,
)

Method = Literal["percentile", "bca"]


class Estimates(NamedTuple):
    """Values with limits for `m` metrics, arrays of shape [m]."""

    value: FloatArray
    low: FloatArray
    high: FloatArray


def bootstrap_estimates(
    statistic: Statistic,
    n: int,
    *,
    clusters: IntArray | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    method: Method = "bca",
    share: npt.ArrayLike = False,
    bearing: FloatArray | None = None,
) -> Estimates:
    """Return values and limits of the `m` metrics that `statistic` computes together.

    Percentile limits are taken at levels widened for few units (`resample.tail_levels`).
    `bca` corrects bias and skewness:
    Efron 1987, "Better bootstrap confidence intervals", JASA 82(397), with the acceleration from a jackknife
    over at most 200 blocks; it is the default because F1 over many labels is biased downwards in every
    resample. Limits always include the value. One unit alone says nothing of its spread: its limits are NaN,
    or 0 and 1 for a share.

    Args:
        statistic: weights[b, n] -> [b] or [b, m].
        n: records, at least 1.
        clusters: each record's group as a code 0 .. U-1, or None.
        seed: seed of the draws.
        resamples: number of draws.
        level: confidence level.
        method: `bca` or `percentile`.
        share: per metric, whether it lies in [0, 1]. There a value of exactly 0 or 1 in every resample would
            get an interval of length 0; it gets the Wilson limit for the units that bear on it instead.
        bearing: per metric, how many units bear on it; None: all U.
    """
    value = two_dimensional(statistic(np.ones((1, n))))[0]
    units = units_of(n, clusters)
    is_share = np.broadcast_to(np.asarray(share, dtype=bool), value.shape)
    if units < 2:
        nan = np.full_like(value, math.nan)
        return Estimates(value, np.where(is_share, 0.0, nan), np.where(is_share, 1.0, nan))
    draws = distribution(statistic, n, clusters=clusters, seed=seed, resamples=resamples)
    levels_m2 = np.broadcast_to(tail_levels(level, units), (len(value), 2))
    if method == "bca":
        left_out = _jackknife(statistic, n, clusters, units)
        levels_m2 = _bca_levels(widened_z(level, units), value, draws, left_out)
    low, high = _column_quantiles(draws, levels_m2)
    low, high = np.fmin(low, value), np.fmax(high, value)
    edge = is_share & (low == high) & ((value == 0) | (value == 1))
    counted = np.full_like(value, units) if bearing is None else bearing
    wilson = wilson_bounds(np.where(edge, value, 0.0) * counted, counted, level=level)
    return Estimates(value, np.where(edge, wilson.low, low), np.where(edge, wilson.high, high))


def bootstrap_interval(
    statistic: Statistic,
    n: int,
    *,
    clusters: IntArray | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    method: Method = "bca",
    share: bool = False,
) -> Interval:
    """Return one metric with its bootstrap interval; arguments as in `bootstrap_estimates`."""
    found = bootstrap_estimates(
        statistic,
        n,
        clusters=clusters,
        seed=seed,
        resamples=resamples,
        level=level,
        method=method,
        share=share,
    )
    value, low, high = (float(array[0]) for array in found)
    return Interval(value=value, low=low, high=high, method=method_name(method, clusters), n=n)


def method_name(method: Method, clusters: IntArray | None) -> str:
    """Return the wording of a bootstrap's method for results."""
    return f"bootstrap {method}" + ("" if clusters is None else ", clustered by group")


def _jackknife(statistic: Statistic, n: int, clusters: IntArray | None, units: int) -> FloatArray:
    """Return the statistic with each of at most 200 blocks of units left out, [blocks, m]."""
    blocks = min(units, 200)
    of_unit = np.arange(units) * blocks // units
    of_record = of_unit if clusters is None else of_unit[clusters]
    return np.concatenate(
        [two_dimensional(statistic((of_record != block)[None, :].astype(float))) for block in range(blocks)]
    )


def _bca_levels(z: float, value: FloatArray, draws: FloatArray, left_out: FloatArray) -> FloatArray:
    """Return the BCa quantile levels, [m, 2]."""
    from scipy.special import ndtri

    below = (np.nansum(draws < value, axis=0) + 0.5 * np.nansum(draws == value, axis=0)) / len(draws)
    bias = ndtri(np.clip(below, 1 / (len(draws) + 1), 1 - 1 / (len(draws) + 1)))
    counted = np.maximum(np.count_nonzero(~np.isnan(left_out), axis=0), 1)
    pull = np.nansum(left_out, axis=0) / counted - left_out
    spread = np.power(np.nansum(pull**2, axis=0), 1.5)
    skew = np.nansum(pull**3, axis=0)
    acceleration = np.divide(skew, 6 * spread, out=np.zeros_like(skew), where=spread > 0)
    shifted = bias[:, None] + np.array([-z, z])
    return normal_cdf(bias[:, None] + shifted / (1 - acceleration[:, None] * shifted))


def _column_quantiles(draws: FloatArray, levels_m2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return per column the quantiles of its defined draws at its two levels."""
    limits = np.full((draws.shape[1], 2), math.nan)
    for column, levels in enumerate(levels_m2):
        defined = draws[:, column][~np.isnan(draws[:, column])]
        if len(defined):
            limits[column] = np.quantile(defined, levels)
    return limits[:, 0], limits[:, 1]
