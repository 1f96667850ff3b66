"""How small a difference a comparison could have seen, and how many records would settle the one that was seen.

Works on a finished comparison; knows neither tasks nor records. Differences are absolute, in the metric's unit.

Shares of the same records: Connor 1987, "Sample size for testing differences in proportions for the
paired-sample design", Biometrics 43(1), 207-211, whose sample size depends on how often the two sides disagree.
Any other metric: the normal approximation, with the standard error that the interval implies and that falls with
the square root of the number of records.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

POWER = 0.8
_LEVEL = 0.95
"""Of the intervals that comparisons carry."""


class Reach(NamedTuple):
    """What a comparison can tell."""

    detectable: float | None
    """The smallest true difference that would be found 8 times in 10; None where there is none."""
    needed: int | None
    """Records at which the observed difference would be found 8 times in 10; None where no number would do."""


def reach(compared: Mapping[str, Any], *, alpha: float = 0.05, power: float = POWER) -> Reach:
    """Return what a comparison can tell at this number of records.

    Args:
        compared: a result of `paired_comparison`.
        alpha: two-sided level of the test; smaller where it is one of several.
        power: chance to find the difference.
    """
    n, difference = compared["n"], compared["difference"]
    if not n or difference is None:
        return Reach(None, None)
    if "wins" in compared:
        disagree = (compared["wins"] + compared["losses"]) / n
        size = abs(compared["wins"] - compared["losses"]) / n
        needed = math.ceil(pairs_needed(size, disagree, alpha=alpha, power=power)) if size else None
        return Reach(detectable_share(n, disagree, alpha=alpha, power=power), needed)
    if compared["low"] is None or compared["high"] is None:
        return Reach(None, None)
    error = (compared["high"] - compared["low"]) / (2 * _z((1 + _LEVEL) / 2))
    smallest = (_z(1 - alpha / 2) + _z(power)) * error
    if not error:
        return Reach(None, None)
    needed = math.ceil(n * (smallest / abs(difference)) ** 2) if difference else None
    return Reach(smallest, needed)


def pairs_needed(difference: float, disagree: float, *, alpha: float = 0.05, power: float = POWER) -> float:
    """Return the pairs at which McNemar's test finds a difference of two shares with the given power.

    Args:
        difference: of the shares, above 0.
        disagree: share of pairs on which one side alone is right; at least `difference`.
        alpha: two-sided level.
        power: chance to find it.
    """
    disagree = max(disagree, difference)
    spread = _z(1 - alpha / 2) * math.sqrt(disagree) + _z(power) * math.sqrt(disagree - difference**2)
    return (spread / difference) ** 2


def detectable_share(n: int, disagree: float, *, alpha: float = 0.05, power: float = POWER) -> float | None:
    """Return the smallest difference of two shares that `n` pairs find with the given power.

    A difference can't exceed the share of pairs that disagree; where it would have to, that share is taken to grow
    with it. None when not even a side that is always right against one that is always wrong would be told apart.
    """
    from scipy.optimize import brentq

    def missing(difference: float) -> float:
        return pairs_needed(difference, disagree, alpha=alpha, power=power) - n

    if missing(1.0) > 0:
        return None
    return float(brentq(missing, 1e-9, 1.0, xtol=1e-9))


def _z(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(level))
