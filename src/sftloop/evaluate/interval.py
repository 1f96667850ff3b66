"""The one shape in which every score travels: a value, an interval, how it was made and from how many.

Doesn't know how intervals are computed (proportions.py, bootstrap.py) or what the score means.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

SMALL_N = 30
"""Fewer scored items than this and a result carries a note that it can't decide much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A score with its confidence interval; NaN where something is undefined."""

    value: float
    """The score itself."""
    low: float
    """Lower confidence limit, in the unit of `value`."""
    high: float
    """Upper confidence limit, in the unit of `value`."""
    method: str
    """How the limits were made, e.g. `wilson` or `bootstrap percentile, clustered by group`."""
    n: int
    """Number of items (records, fields, quotes) behind the value."""

    def to_json(self) -> dict[str, Any]:
        """Return {"value", "low", "high", "method", "n"}; NaN becomes None."""
        return {
            "value": number(self.value),
            "low": number(self.low),
            "high": number(self.high),
            "method": self.method,
            "n": self.n,
        }


def number(value: float) -> float | None:
    """Return a plain float for JSON, None for NaN and infinities."""
    return float(value) if math.isfinite(value) else None


def small_n_note(n: int, what: str = "scored records") -> str | None:
    """Return the sentence that warns of too few items, or None when there are enough."""
    if n >= SMALL_N:
        return None
    return f"Only {n} {what}, fewer than {SMALL_N}: the interval is wide and the value may be luck."
