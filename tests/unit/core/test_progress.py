"""Progress: plain lines where nobody looks at a terminal, a bar that is wiped on one, all on standard error."""

from __future__ import annotations

import io
import sys

import pytest

from sftloop.core import progress
from sftloop.core.progress import Progress, clock, say


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that the test sets by hand, in seconds."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.04, "0.0 s"),
        (0.4, "0.4 s"),
        (1, "1 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.7, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (360_000, "100 h 00 min"),
    ],
)
def test_clock(seconds: float, expected: str) -> None:
    assert clock(seconds) == expected


def test_say_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    say("Ready.")
    assert capsys.readouterr() == ("", "Ready.\n")


def test_plain_lines_every_ten_seconds(time: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("Evaluating", 8) as bar:
        for second in (4, 8, 12, 16, 20, 24, 28, 32):
            time[0] = 100 + second
            bar.advance(note="intent")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "Evaluating: 3/8, 20 s left · intent",
        "Evaluating: 6/8, 8 s left · intent",
        "Evaluating: 8 of 8 in 32 s · intent",
    ]
    assert "\r" not in err and "\x1b" not in err


def test_what_an_earlier_process_did_does_not_flatter_the_forecast(
    time: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress("Training", 100, done=90) as bar:
        time[0] += 20
        bar.advance(2)
    assert capsys.readouterr().err.splitlines() == [
        "Training: 90 of 100 already done, going on",
        "Training: 92/100, 1 min 20 s left",
        "Training: 92 of 100 in 20 s",
    ]


def test_no_forecast_from_the_first_few_items(time: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("Evaluating", 100) as bar:
        for count in (1, 3, 1, 95):
            time[0] += 20
            bar.advance(count)
    assert capsys.readouterr().err.splitlines() == [
        "Evaluating: 1/100",
        "Evaluating: 4/100",
        "Evaluating: 5/100, 19 min 00 s left",
        "Evaluating: 100 of 100 in 1 min 20 s",
    ]


def test_nothing_to_do_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("Evaluating", 5, done=5):
        pass
    with Progress("Evaluating", 0):
        pass
    assert capsys.readouterr() == ("", "")


def test_a_failure_is_not_reported_as_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError), Progress("Evaluating", 5) as bar:
        bar.advance()
        raise ValueError
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar_that_is_wiped(time: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with Progress("Evaluating", 4) as bar:
        time[0] += 1
        bar.advance(note="intent")
        time[0] += 0.05
        bar.advance()
        time[0] += 1
        bar.advance()
    drawn = screen.getvalue().split("\r\x1b[2K")
    assert drawn[1] == f"Evaluating: {'━' * 6:<24} 1/4, 3 s left · intent"
    assert drawn[2] == f"Evaluating: {'━' * 18:<24} 3/4, 1 s left · intent"
    assert drawn[3] == "Evaluating: 3 of 4 in 2 s · intent\n"
    assert len(drawn) == 4
