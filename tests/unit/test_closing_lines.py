"""The closing lines of a run, where something is missing or lost."""

from __future__ import annotations

from typing import Any

import pytest

from sftloop.workflow.run import last_lines


def summary(verdict: str, difference: float | None, *, key: bool = False) -> dict[str, Any]:
    shift = None if difference is None else 0.5 + difference
    paired = {
        "metric": "accuracy",
        "verdict": verdict,
        "before": None if shift is None else 0.5,
        "after": shift,
    }
    paired |= {"difference": difference, "low": difference, "high": difference}
    return {
        "tasks": {"intent": {"paired": paired, "target": None, "key": key}},
        "train": {"seconds": 61.0},
        "seconds": {"total": 125.0},
        "report": "runs/a/report.html",
    }


def one_group() -> dict[str, Any]:
    found = summary("inconclusive", 0.25)
    found["tasks"]["intent"]["paired"] |= {"low": None, "high": None}
    return found


def test_an_error_that_is_aimed_at_must_not_exceed_its_target() -> None:
    given = summary("inconclusive", None)
    given["tasks"]["intent"]["target"] = {
        "metric": "mae", "label": None, "at_least": 0.5, "value": 0.75, "met": False
    }  # fmt: skip
    assert "; target mae ≤ 0.5: 0.750, not met" in last_lines(given)[0]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            summary("worse", -0.25, key=True),
            "intent: accuracy 0.500 → 0.250, difference -0.250 [-0.250, -0.250], worse "
            "(a key task: it must not lose)",
        ),
        (
            summary("better", 0.25, key=True),
            "intent: accuracy 0.500 → 0.750, difference +0.250 [+0.250, +0.250], better",
        ),
        (
            one_group(),
            "intent: accuracy 0.500 → 0.750, difference +0.250 (no interval from one record or group), "
            "inconclusive",
        ),
        (summary("inconclusive", None), "intent: no record could be scored both before and after"),
    ],
    ids=["a key task lost", "a key task won", "one group", "nothing to compare"],
)
def test_a_task(given: dict[str, Any], expected: str) -> None:
    assert last_lines(given) == [
        expected,
        "Trained in 1 min 01 s, all steps 2 min 05 s",
        "Report: runs/a/report.html",
    ]
