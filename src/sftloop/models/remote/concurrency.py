"""How many calls may be under way at once: grows while the service keeps up, shrinks when it refuses.

Additive increase, multiplicative decrease (Chiu and Jain 1989), with two departures. After a refusal the
number isn't raised above where it happened for a while, as CUBIC does around its last maximum (RFC 9438):
every probe costs the pause the service asks for, so probes are kept rare.
And it isn't raised while answers take twice as long as they could, as TCP Vegas does: a server on one GPU
never refuses, it only queues. Pure arithmetic on times that are passed in.
"""

from __future__ import annotations

import math

_SHRINK, _SHRINK_AGAIN = 0.9, 0.7
"""Factors of a refusal after a calm time, and of one that follows another."""
_SECOND = 4.0
"""Calls at once behind the first answer, which is waited for alone: it shows what the service takes."""
_HOLD_SECONDS = 10.0
_PROBE_COST = 1 / 40
"""Share of the time that may go into pauses for having asked too much."""
_SLOWER = 2.0
_SOME, _MEMORY = 8, 16
"""Answers that make a mean, and how many the running mean reaches back."""


class Concurrency:
    """The number of calls allowed at once, and until when none may be sent.

    Args:
        most: never more than this.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.paused_until = -math.inf
        self._allowed = 1.0
        self._ceiling: float | None = None
        self._hold_until = self._last_cut = -math.inf
        self._count, self._mean, self._best = 0, 0.0, math.inf

    @property
    def allowed(self) -> int:
        """Calls that may be under way."""
        return int(self._allowed + 1e-9)

    def expect_other_latencies(self) -> None:
        """Forget how long answers take: another task follows."""
        self._count, self._mean, self._best = 0, 0.0, math.inf

    def answered(self, now: float, seconds: float, under_way: int) -> None:
        """Count an answer.

        Args:
            now: monotonic seconds.
            seconds: how long it took.
            under_way: calls at that moment, this one included.
        """
        self._count += 1
        self._mean += (seconds - self._mean) / min(self._count, _MEMORY)
        if self._count >= _SOME:
            self._best = min(self._best, self._mean)
        if self._mean > _SLOWER * self._best:
            if self._ceiling is None:
                self._ceiling = self._allowed = max(1.0, self._allowed / 2)
            return
        if under_way < self.allowed:
            return
        if self._ceiling is None:
            self._allowed = max(_SECOND, self._allowed + 1)
        elif self._allowed < self._ceiling:
            self._allowed = min(self._ceiling, self._allowed + 1 / self._allowed)
        elif now >= self._hold_until:
            self._ceiling = self._allowed = self._allowed + 1 / self._allowed
        self._allowed = min(self._allowed, self.most)

    def refused(self, now: float, sent: float, under_way: int, wait: float | None) -> None:
        """Count a refusal.

        Args:
            now: monotonic seconds.
            sent: when the refused call was sent.
            under_way: calls at that moment, this one included.
            wait: seconds the service asks to wait; None: it doesn't say.
        """
        if wait:
            self.paused_until = max(self.paused_until, now + wait)
        if sent < self._last_cut:
            return
        hold = max(_HOLD_SECONDS, (wait or 0.0) / _PROBE_COST)
        again = now - self._last_cut < hold
        others = float(under_way - 1)
        self._allowed = max(1.0, (_SHRINK_AGAIN if again else _SHRINK) * min(self._allowed, under_way))
        self._ceiling = max(self._allowed, (self._allowed + others) / 2 if again else others)
        self._last_cut, self._hold_until = now, now + hold
