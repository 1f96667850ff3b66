"""How long to wait for one answer before asking again: a multiple of what answers take, not minutes.

A call that hangs holds a place that others could use. Each new try waits twice as long, up to the whole time
that is allowed, so that an answer that really takes long still comes. Knows seconds only.
"""

from __future__ import annotations

from collections import deque

_ENOUGH = 16
"""Answers from which on their times are trusted."""
_KEPT = 128
_FACTOR = 5.0
_SHORTEST_SECONDS = 2.0


class Patience:
    """Remembers how long the last answers took.

    Args:
        longest: seconds, never waited beyond.
    """

    def __init__(self, longest: float) -> None:
        self.longest = longest
        self._last: deque[float] = deque(maxlen=_KEPT)

    def answered(self, seconds: float) -> None:
        """Count an answer's time."""
        self._last.append(seconds)

    def forget(self) -> None:
        """Expect other questions, whose answers may take longer."""
        self._last.clear()

    def seconds(self, tries: int) -> float:
        """Return how long to wait for an answer after so many tries that timed out."""
        if len(self._last) < _ENOUGH:
            return self.longest
        slow = sorted(self._last)[int(0.95 * (len(self._last) - 1))]
        return min(self.longest, max(_SHORTEST_SECONDS, _FACTOR * slow) * 2.0**tries)
