"""What a paired comparison shows: better, worse, or inconclusive. Knows an interval and a p-value only."""

from __future__ import annotations

import math
from typing import Literal

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
