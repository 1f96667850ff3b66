"""How many calls may fail before the answers that came say too little.

Failed calls are left out of every metric: a system that answers only what it likes would look good. Counts only.
"""

from __future__ import annotations

MOST_FAILED = 0.1
"""Share of failed calls beyond which nothing is chosen, accepted or measured against."""


def too_many_failed(failed: float, asked: int) -> bool:
    """Whether nothing was asked, or more than `MOST_FAILED` of `asked` calls failed."""
    return not asked or failed > MOST_FAILED * asked
