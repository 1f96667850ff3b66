"""The minutes of a search: what is spent, earlier processes included, and whether one more training fits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sftloop.core.files import atomic_write_json, read_json
from sftloop.plan.trial_time import Timing, forecast


class SearchClock:
    """Counts against a budget; what a killed process spent since its last `keep` is not counted.

    Args:
        path: where the seconds are kept.
        budget: seconds.
        now: the clock.
    """

    def __init__(self, path: Path, budget: float, now: Callable[[], float] = time.monotonic) -> None:
        self.path, self.budget, self._now = path, budget, now
        self._before = float(read_json(path, "the search's clock")["seconds"]) if path.exists() else 0.0
        self._began = now()
        self.timings: list[Timing] = []

    def spent(self) -> float:
        """Return the seconds spent."""
        return self._before + self._now() - self._began

    def left(self) -> float:
        """Return the seconds left, not below 0."""
        return max(0.0, self.budget - self.spent())

    def keep(self) -> None:
        """Write down what is spent."""
        atomic_write_json(self.path, {"seconds": round(self.spent(), 2)})

    def fits(self, wanted: Sequence[Timing], reserve: float) -> bool:
        """Whether the trainings end in time and leave the reserve; unknown ones are taken to fit.

        What is foreseen may exceed the forecast once, so the largest margin counts, not their sum.
        """
        known = [found for each in wanted if (found := forecast(self.timings, each))]
        needed = sum(found.seconds for found in known)
        margin = max((found.high - found.seconds for found in known), default=0.0)
        return needed + margin <= self.left() - reserve
