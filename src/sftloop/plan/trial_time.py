"""How long one more training of a search will take, from those before it.

Knows counts and seconds; doesn't know what is trained.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_MEMORY = 0.9
"""Weight of each training in that of the next: a shared machine's speed changes within the hour."""
_EARLY_MARGIN, _LEAST_MARGIN, _SURE_FROM = 0.15, 0.03, 5
"""Of a forecast: while fewer than so many were compared with the clock, and then at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A training, and how long it took with loading and measuring."""

    records: int
    epochs: float
    batch_size: int
    seconds: float

    def features(self) -> tuple[float, float, float, float]:
        """Return what its time is a sum of: itself, validations, optimizer steps, records read."""
        steps = self.epochs * math.ceil(self.records / self.batch_size)
        return 1.0, self.epochs, steps, self.epochs * self.records


class Forecast(NamedTuple):
    """Seconds that a training will take."""

    seconds: float
    high: float
    """What it seldom exceeds."""


def forecast(done: Sequence[Timing], wanted: Timing) -> Forecast | None:
    """Return how long a training will take; None while nothing is known.

    After one training, time is taken to grow with the records read: of equal fits the solver takes that one.
    Then a non-negative least-squares fit of relative errors, recent trainings weighing more. The margin is the
    relative error that four fifths of the last ten trainings kept, each forecast from those before it.

    Args:
        done: in the order of training.
        wanted: its seconds are ignored.
    """
    expected = _expected(done, wanted)
    if expected is None:
        return None
    exceeded = sorted(
        each.seconds / before - 1
        for place, each in enumerate(done[-10:], start=max(0, len(done) - 10))
        if (before := _expected(done[:place], each))
    )
    if len(exceeded) < _SURE_FROM:
        return Forecast(expected, expected * (1 + _EARLY_MARGIN))
    return Forecast(expected, expected * (1 + max(_LEAST_MARGIN, exceeded[len(exceeded) * 4 // 5])))


def _expected(done: Sequence[Timing], wanted: Timing) -> float | None:
    import numpy as np
    from scipy.optimize import nnls

    if not done:
        return None
    rows = np.array([each.features() for each in done])
    seconds = np.array([max(each.seconds, 1e-3) for each in done])
    weights = _MEMORY ** np.arange(len(done) - 1, -1, -1) / seconds
    costs, _ = nnls(rows * weights[:, None], seconds * weights)
    return float(costs @ np.array(wanted.features())) or None
