"""The statistics that scores and comparisons rest on, gathered under one name.

Intervals of shares and McNemar's test come from proportions.py, resampling from bootstrap.py and
paired_bootstrap.py; this module adds the verdict. Knows nothing of tasks and records.
"""

from __future__ import annotations

import math
from typing import Literal

from sftloop.evaluate.bootstrap import (
    Estimates,
    bootstrap_estimates,
    bootstrap_interval,
)
from sftloop.evaluate.interval import SMALL_N, Interval, small_n_note
from sftloop.evaluate.paired_bootstrap import PairedResult, paired_bootstrap
from sftloop.evaluate.proportions import (
    McNemar,
    mcnemar_exact,
    paired_difference,
    proportion_interval,
    wilson_bounds,
    wilson_interval,
)
from sftloop.evaluate.resample import RESAMPLES, Statistic, additive

__all__ = [
    "RESAMPLES",
    "SMALL_N",
    "Estimates",
    "Interval",
    "McNemar",
    "PairedResult",
    "Statistic",
    "Verdict",
    "additive",
    "bootstrap_estimates",
    "bootstrap_interval",
    "mcnemar_exact",
    "paired_bootstrap",
    "paired_difference",
    "proportion_interval",
    "small_n_note",
    "verdict",
    "wilson_bounds",
    "wilson_interval",
]

Verdict = Literal["better", "worse", "inconclusive"]


def verdict(low: float, high: float, p: float, *, alpha: float = 0.05) -> Verdict:
    """Say what a paired comparison shows; a difference counts only when interval and test agree on it.

    Args:
        low: lower limit of the difference, oriented so that positive is better.
        high: upper limit.
        p: two-sided p-value of no difference.
        alpha: significance level.

    Returns:
        `better` or `worse` when the interval lies on one side of 0 and p < alpha, else `inconclusive`; NaN
        limits are inconclusive.
    """
    if math.isnan(low) or math.isnan(high) or not p < alpha:
        return "inconclusive"
    if low > 0:
        return "better"
    return "worse" if high < 0 else "inconclusive"
