"""From fitted costs to a forecast with an interval: before a run, while it runs, and what earlier ones teach.

The interval's width comes from the timings of the pilot; how far to trust that width comes from earlier forecasts
that were scored against the clock.

Knows costs and amounts of work; doesn't know what they are of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from sftloop.plan.time_model import Array, Costs, Work

LEVEL = 0.9
"""Share of intervals that should cover the clock."""
_EARLIER_UNSEEN = 4.0
"""As how many scored forecasts the pilot's own idea of its error counts."""


class Part(NamedTuple):
    """Something that takes time: work at fitted costs, or so many seconds as measured."""

    seconds: float
    own: float
    """Standard deviation of the seconds, as a share: errors that other parts don't have."""
    drift: float
    """The same of what all parts share: the machine becoming faster or slower."""


class Forecast(NamedTuple):
    """Seconds with an interval that should cover the clock in nine of ten cases."""

    seconds: float
    low: float
    high: float


def at_costs(costs: Costs, work: Sequence[Work]) -> Part:
    """Return the time of some work."""
    return Part(float(costs.seconds(work).sum()), costs.uncertainty(work), costs.drift)


def as_measured(seconds: Sequence[float], times: float = 1.0) -> Part:
    """Return `times` repetitions of what took these seconds; a single measurement may be off by a sixth."""
    mean = sum(seconds) / len(seconds)
    off = [each / mean - 1 for each in seconds] if mean else []
    own = math.sqrt((0.15**2 + sum(each**2 for each in off)) / len(seconds)) / math.sqrt(max(1.0, times))
    return Part(mean * times, own, 0.0)


def together(parts: Sequence[Part]) -> Part:
    """Return the sum: own errors even out, the shared one doesn't."""
    total = sum(part.seconds for part in parts)
    if not total:
        return Part(0.0, 0.0, 0.0)
    own = math.sqrt(sum((part.seconds * part.own) ** 2 for part in parts)) / total
    return Part(total, own, sum(part.seconds * part.drift for part in parts) / total)


def deviation(part: Part) -> float:
    """Return the standard deviation of the logarithm of clock over forecast."""
    return math.hypot(part.own, part.drift)


def with_interval(part: Part, earlier: Sequence[float] = ()) -> Forecast:
    """Return the forecast with its interval.

    Args:
        part: what is forecast.
        earlier: of forecasts that were scored, the logarithm of clock over forecast, in the deviations that
            each forecast stated.
    """
    from scipy.stats import t

    freedom = _EARLIER_UNSEEN + len(earlier)
    wider = math.sqrt((_EARLIER_UNSEEN + sum(each**2 for each in earlier)) / freedom)
    reach = float(t.ppf((1 + LEVEL) / 2, freedom)) * wider * deviation(part)
    return Forecast(part.seconds, part.seconds * math.exp(-reach), part.seconds * math.exp(reach))


def refined(expected: Array, elapsed: float, done: int, part: Part, spread: float) -> Part:
    """Return what is left of a run that has begun: the forecast of the rest, at the speed seen so far.

    Forecast and clock are weighed by their variances; the machine's drift stays, over ever less.

    Args:
        expected: seconds of every step, as forecast.
        elapsed: seconds that the steps so far took.
        done: steps so far.
        part: the forecast of all of them.
        spread: of one step.
    """
    rest = float(expected[done:].sum())
    if not done or not rest:
        return Part(rest, part.own, part.drift)
    before = deviation(part) ** 2
    seen = spread**2 / done + part.drift**2 * (1 - done / len(expected))
    share = before / (before + seen) if before else 0.0
    speed = math.exp(share * math.log(elapsed / float(expected[:done].sum())))
    own = math.sqrt(before * seen / (before + seen) if before else 0.0)
    return Part(rest * speed, own, part.drift * math.sqrt(1 - done / len(expected)))


def kept_steps(expected: Sequence[float], every: int, took: float, wait: float) -> int:
    """Return how many checkpoints a training writes.

    Args:
        expected: seconds of every step.
        every: steps between checkpoints.
        took: seconds that writing one takes.
        wait: least time between two, in times of `took`.
    """
    count, since = 0, math.inf
    for step, seconds in enumerate(expected, start=1):
        since += seconds
        if (step % every == 0 or step == len(expected)) and since >= wait * took:
            count, since = count + 1, 0.0
    return count
