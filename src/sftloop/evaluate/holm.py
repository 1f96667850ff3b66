"""Several comparisons at once: p-values that keep the chance of any false alarm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ALPHA = 0.05
"""Chance of any false alarm over all comparisons together."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values, in the given order.

    Rejecting where the adjusted value is below a level keeps the chance of one or more false rejections below that
    level, whatever the dependence. Source: Holm 1979, "A simple sequentially rejective multiple test procedure",
    Scandinavian Journal of Statistics 6(2).
    """
    count, reached = len(p_values), 0.0
    adjusted = [1.0] * count
    for rank, index in enumerate(sorted(range(count), key=lambda i: p_values[i])):
        reached = max(reached, min(1.0, (count - rank) * p_values[index]))
        adjusted[index] = reached
    return adjusted


def corrected_verdict(found: Mapping[str, Any], p_adjusted: float) -> str:
    """Return a comparison's own verdict where its adjusted p-value still allows one, else `inconclusive`.

    Args:
        found: a comparison with its uncorrected "verdict", for which interval and test agree.
        p_adjusted: its p-value after the correction.
    """
    return str(found["verdict"]) if p_adjusted < ALPHA else "inconclusive"
