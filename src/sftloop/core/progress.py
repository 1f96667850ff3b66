"""Progress with a forecast: a bar on a terminal, plain lines elsewhere; always on standard error.

Knows counts and seconds, not what is being done.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType

_PLAIN_INTERVAL_SECONDS = 10.0
_FORECAST_FROM = 0.05
"""Share of the work behind which a forecast is made: the first items carry the start's cost."""


def say(message: str) -> None:
    """Print one line for the user on standard error."""
    print(message, file=sys.stderr, flush=True)


class Progress:
    """Counts finished items towards a known total.

    Args:
        label: what is being done, in a few words.
        total: number of items.
        done: items already finished by an earlier process (left out of the forecast).
    """

    def __init__(self, label: str, total: int, done: int = 0) -> None:
        self.label, self.total, self.done, self._start_done = label, total, done, done
        self._began = self._last_line = time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._note = ""

    def __enter__(self) -> Progress:
        if self._start_done and self._start_done < self.total:
            say(f"{self.label}: {self._start_done} of {self.total} already done, going on")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = time.monotonic() - self._began
        if self._terminal:
            sys.stderr.write("\r\x1b[2K")
        if kind is None and self.done > self._start_done:
            say(f"{self.label}: {self.done} of {self.total} in {clock(seconds)}{self._note}")

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count `count` more items; `note` is shown behind the forecast."""
        self.done += count
        self._note = f" · {note}" if note else self._note
        now = time.monotonic()
        pause = 0.1 if self._terminal else _PLAIN_INTERVAL_SECONDS
        if now - self._last_line < pause or self.done >= self.total:
            return
        self._last_line = now
        if self._terminal:
            sys.stderr.write("\r\x1b[2K" + self._line(now, bar=True))
            sys.stderr.flush()
        else:
            say(self._line(now, bar=False))

    def _line(self, now: float, *, bar: bool) -> str:
        fresh = self.done - self._start_done
        forecast = ""
        if fresh >= max(1, _FORECAST_FROM * (self.total - self._start_done)):
            forecast = f", {clock((now - self._began) / fresh * (self.total - self.done))} left"
        share = self.done / max(self.total, 1)
        picture = f"{'━' * int(24 * share):<24} " if bar else ""
        return f"{self.label}: {picture}{self.done}/{self.total}{forecast}{self._note}"


def clock(seconds: float) -> str:
    """Return seconds as `45 s`, `3 min 20 s` or `2 h 05 min`."""
    whole = round(seconds)
    if whole < 1:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
