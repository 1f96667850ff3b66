"""Shares of yes/no outcomes: their intervals, the difference of two paired shares, and its test.

Doesn't know tasks or records: counts and boolean arrays in, numbers out. Resampling is in bootstrap.py.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sftloop.evaluate.interval import Interval

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


_STEP = 1e-10
"""How near to the estimate a limit is sought: on it Tango's variance may vanish, giving a false root."""


class Bounds(NamedTuple):
    """Lower and upper confidence limits, arrays of one shape."""

    low: FloatArray
    high: FloatArray


class McNemar(NamedTuple):
    """Two-sided p-values of the conditional McNemar test."""

    p: float
    """Mid-p value."""
    p_exact: float
    """Exact conditional p-value; never too small, often too large."""


def wilson_bounds(hits: npt.ArrayLike, n: npt.ArrayLike, *, level: float = 0.95) -> Bounds:
    """Return Wilson score limits for shares `hits / n`, elementwise; [0, 1] where n is 0.

    `n` may be fractional (an effective sample size). Source: Wilson 1927, "Probable inference, the law of
    succession, and statistical inference", JASA 22(158), 209-212; recommended for small n by Brown, Cai and
    DasGupta 2001, "Interval estimation for a binomial proportion", Statistical Science 16(2).

    Args:
        hits: successes, any shape.
        n: trials, same shape.
        level: confidence level.
    """
    z = _normal_quantile((1 + level) / 2)
    k, m = np.broadcast_arrays(np.asarray(hits, dtype=float), np.asarray(n, dtype=float))
    trials = np.where(m > 0, m, 1.0)
    share = k / trials
    centre = share + z * z / (2 * trials)
    half = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    # Rounding must not push a limit past the share it belongs to, nor off 0 or 1 where it is exact.
    low = np.where((m > 0) & (k > 0), np.minimum((centre - half) / scale, share), 0.0)
    high = np.where((m > 0) & (k < m), np.maximum((centre + half) / scale, share), 1.0)
    return Bounds(np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0))


def wilson_interval(hits: float, n: float, *, level: float = 0.95) -> Interval:
    """Return the share `hits / n` with its Wilson score interval (see `wilson_bounds`); value NaN for n = 0.

    Raises:
        ValueError: unless 0 <= hits <= n.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"The 'hits' of a share must lie between 0 and n = {n}, got {hits} instead.")
    low, high = wilson_bounds(hits, n, level=level)
    value = hits / n if n else math.nan
    return Interval(value=value, low=float(low), high=float(high), method="wilson", n=round(n))


def proportion_interval(
    hits: npt.NDArray[np.bool_], clusters: IntArray | None = None, *, level: float = 0.95
) -> Interval:
    """Return the share of True in `hits[n]`: Wilson, on the effective sample size when clusters are given.

    Args:
        hits: one outcome per item.
        clusters: each item's group as any integer, or None when items are independent.
        level: confidence level.
    """
    n, k = len(hits), int(np.count_nonzero(hits))
    if clusters is None or n == 0:
        return wilson_interval(k, n, level=level)
    codes = np.unique(clusters, return_inverse=True)[1]
    sizes = np.bincount(codes).astype(float)
    effective = effective_size(np.bincount(codes, weights=hits).astype(float), sizes, level=level)
    low, high = wilson_bounds(k / n * effective, effective, level=level)
    method = "wilson, effective n from groups"
    return Interval(value=k / n, low=float(low), high=float(high), method=method, n=n)


def effective_size(hits_C: FloatArray, trials_C: FloatArray, *, level: float = 0.95) -> float:
    """Return how many independent trials the trials of C clusters are worth, at most their number.

    The design effect is the ratio estimator's between-cluster variance over the binomial one; the result is
    also shrunk by (z/t)^2 for few clusters. Where all outcomes are equal the design effect is unknown: the
    number of clusters counts. Source: Korn and Graubard 1998, "Confidence intervals for proportions with
    small expected number of positive counts estimated from survey data", Survey Methodology 24(2), 193-201.

    Args:
        hits_C: successes per cluster.
        trials_C: trials per cluster, each at least 1.
        level: confidence level of the interval that will be made.
    """
    groups, trials = len(trials_C), float(trials_C.sum())
    share = float(hits_C.sum()) / trials
    binomial = share * (1 - share) * trials
    if groups < 2 or binomial == 0 or groups == trials:
        return float(groups)
    between = groups / (groups - 1) * float(np.square(hits_C - share * trials_C).sum())
    size = trials / max(between / binomial, 1.0)
    upper = (1 + level) / 2
    return min(trials, size * (_normal_quantile(upper) / _t_quantile(upper, groups - 1)) ** 2)


def mcnemar_exact(only_first: int, only_second: int) -> McNemar:
    """Test whether two paired shares are equal, from the pairs in which exactly one side succeeded.

    Conditional on the discordant pairs the winner is a fair coin under the null. `p` is the mid-p value,
    which Fagerland, Lydersen and Laake 2013 ("The McNemar test for binary matched-pairs data: mid-p and
    asymptotic are better than exact conditional", BMC Medical Research Methodology 13:91) recommend: it kept
    the 5 % level in all their 9,595 scenarios, where the exact one rejects far too rarely. McNemar 1947,
    "Note on the sampling error of the difference between correlated proportions", Psychometrika 12(2).

    Args:
        only_first: pairs in which only the first side succeeded.
        only_second: pairs in which only the second side succeeded.
    """
    from scipy.stats import binom

    total = only_first + only_second
    if total == 0:
        return McNemar(1.0, 1.0)
    fewer = min(only_first, only_second)
    exact = min(1.0, 2 * float(binom.cdf(fewer, total, 0.5)))
    point = float(binom.pmf(fewer, total, 0.5))
    mid = 1 - point / 2 if only_first == only_second else exact - point
    return McNemar(mid, exact)


def paired_difference(only_first: int, only_second: int, n: int, *, level: float = 0.95) -> Interval:
    """Return share(first) - share(second) of `n` pairs with Tango's score interval.

    The limits are the differences that a score test would just not reject; at difference 0 that test is
    McNemar's, so interval and p-value agree. It needs no correction for empty cells. Source: Tango 1998,
    "Equivalence test and confidence interval for the difference in proportions for the paired-sample design",
    Statistics in Medicine 17(8), 891-908; recommended by Fagerland, Lydersen and Laake 2014, "Recommended
    tests and confidence intervals for paired binomial proportions", Statistics in Medicine 33(16).

    Args:
        only_first: pairs in which only the first side succeeded.
        only_second: pairs in which only the second side succeeded.
        n: all pairs.
        level: confidence level.

    Raises:
        ValueError: when the counts are negative or exceed `n`.
    """
    if min(only_first, only_second) < 0 or only_first + only_second > n:
        raise ValueError(f"{only_first} + {only_second} discordant pairs don't fit into n = {n}.")
    if n == 0:
        return Interval(value=math.nan, low=-1.0, high=1.0, method="tango score", n=0)
    z = _normal_quantile((1 + level) / 2)
    value = (only_first - only_second) / n
    low = -1.0 if value <= -1 else _tango_root(only_first, only_second, n, z, -1.0, value - _STEP)
    high = 1.0 if value >= 1 else _tango_root(only_first, only_second, n, -z, value + _STEP, 1.0)
    return Interval(value=value, low=low, high=high, method="tango score", n=n)


def _tango_root(first: int, second: int, n: int, z: float, left: float, right: float) -> float:
    """Return the difference in [left, right] at which Tango's score statistic equals `z`."""
    from scipy.optimize import brentq

    def gap(delta: float) -> float:
        b = -first - second + (2 * n - first + second) * delta
        c = -second * delta * (1 - delta)
        only_second = (math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
        variance = n * (2 * only_second + delta * (1 - delta))
        return first - second - n * delta - z * math.sqrt(max(variance, 0.0))

    return float(brentq(gap, left, right, xtol=1e-12))


def _normal_quantile(p: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(p))


def _t_quantile(p: float, degrees: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, p))
