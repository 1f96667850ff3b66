"""Numbers as the report writes them: percentages, differences, intervals, durations, sizes.

Knows which metrics are shares; knows nothing of tasks and pages. A missing number is a dash.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sftloop.report.wording.words import FigureWords

PLAIN_METRICS = frozenset({"mae", "pearson", "spearman"})
"""Metrics that are no share of anything and are written as numbers."""
_UNITS = ("B", "KB", "MB", "GB", "TB")


class Figures:
    """Writes numbers in one language."""

    def __init__(self, words: FigureWords) -> None:
        self.words = words

    def value(self, metric: str, value: float | None) -> str:
        """Return a metric's value: `78.8%`, or `0.42` for metrics that are no share."""
        return self.number(value) if metric in PLAIN_METRICS else self.percent(value)

    def percent(self, value: float | None) -> str:
        """Return a share as `78.8%`; only what is all or nothing is `100.0%` or `0.0%`."""
        if value is None:
            return self.words.missing
        decimals = 1
        while 0 < value < 1 and round(value * 100, decimals) in (0, 100) and decimals < 3:
            decimals += 1
        return f"{_minus(value * 100, decimals)}%"

    def apart(self, metric: str, value: float | None, wanted: float) -> tuple[str, str]:
        """Return a metric's value and the one asked for, with as many decimals as tell them apart."""
        texts, decimals = (self.value(metric, value), self.value(metric, wanted)), 2
        while value is not None and value != wanted and texts[0] == texts[1] and decimals < 6:
            texts = _exactly(metric, value, decimals), _exactly(metric, wanted, decimals)
            decimals += 1
        return texts

    def number(self, value: float | None) -> str:
        """Return a number with two decimals, with more where it is small."""
        if value is None:
            return self.words.missing
        return _minus(value, 2) if value == 0 or abs(value) >= 0.1 else _minus(value, 3)

    def range(self, metric: str, low: float | None, high: float | None) -> str:
        """Return the ends of an interval as `68.6–86.3`, without the unit that the value carries."""
        if low is None or high is None:
            return ""
        ends = [_minus(end, 2) if metric in PLAIN_METRICS else _minus(end * 100, 1) for end in (low, high)]
        between = self.words.between
        return (f" {between} " if low < 0 else between).join(ends)

    def difference(self, metric: str, value: float | None, *, signed: bool) -> str:
        """Return a difference: `37.5 points`, `+3.7 points`, `0.49`."""
        if value is None:
            return self.words.missing
        text = self._end(metric, value, signed=signed)
        return text if metric in PLAIN_METRICS else self.words.points.format(n=text)

    def interval(self, metric: str, low: float | None, high: float | None, *, signed: bool) -> str:
        """Return a difference's interval: `95% interval 27.5 to 47.2`."""
        if low is None or high is None:
            return self.words.missing
        ends = (self._end(metric, end, signed=signed) for end in (low, high))
        return self.words.interval.format(**dict(zip(("low", "high"), ends, strict=True)))

    def _end(self, metric: str, value: float, *, signed: bool) -> str:
        plain = metric in PLAIN_METRICS
        text = _minus(value if plain else value * 100, 2 if plain else 1)
        return f"+{text}" if signed and value > 0 and not text.startswith("−") else text

    def p_value(self, p: float | None) -> str:
        """Return `p = 0.032`, or `p < 0.001` where it is smaller."""
        if p is None:
            return self.words.missing
        if p < 0.001:
            return self.words.below.format(p="0.001")
        return self.words.equals.format(p=f"{p:.3f}")

    def count(self, value: int | None) -> str:
        """Return an integer with its thousands separated."""
        return self.words.missing if value is None else f"{value:,}"

    def duration(self, seconds: float | None) -> str:
        """Return seconds as `8.4 s`, `3 min 20 s` or `2 h 05 min`."""
        if seconds is None:
            return self.words.missing
        whole = round(seconds)
        if whole < 60:
            return self.words.seconds.format(s=f"{seconds:.1f}" if whole < 10 else whole)
        if whole < 3600:
            return self.words.minutes.format(m=whole // 60, s=whole % 60)
        return self.words.hours.format(h=whole // 3600, m=whole % 3600 // 60)

    def size(self, size_bytes: int | None) -> str:
        """Return bytes in powers of 1000: `2.9 GB`."""
        if not size_bytes:
            return self.words.missing
        power = min(int(math.log10(size_bytes)) // 3, len(_UNITS) - 1)
        return f"{size_bytes / 1000**power:.{1 if power else 0}f} {_UNITS[power]}"

    def names(self, names: Sequence[str]) -> str:
        """Return names as `a, b and c`."""
        if len(names) < 2:
            return "".join(names)
        return self.words.comma.join(names[:-1]) + self.words.last_comma + names[-1]


def _exactly(metric: str, value: float, decimals: int) -> str:
    return _minus(value, decimals) if metric in PLAIN_METRICS else f"{_minus(value * 100, decimals)}%"


def _minus(value: float, decimals: int) -> str:
    """Return the number with a true minus sign, and never a negative zero."""
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")
