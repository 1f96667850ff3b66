"""Seconds, tokens and money of some answers, worked by hand; which answers count as right."""

from __future__ import annotations

import pytest
from tests.unit.evaluate.cases import ERROR, UNPARSED, build_answered, build_task

from sftloop.evaluate.right import right_answers
from sftloop.evaluate.usage import latency, price, time_spent, tokens
from sftloop.records.prediction import Prediction

PRICES = {"input": 2.0, "output": 8.0, "currency": "USD"}


def said(number: int, **parts: object) -> Prediction:
    whole = {"latency_seconds": 0.1 * (number + 1), "prompt_tokens": 100, "tokens": 10} | parts
    return Prediction(id=f"r{number}", task="t", **whole)  # type: ignore[arg-type]


def test_one_run_by_hand() -> None:
    run = [said(number) for number in range(4)]
    assert latency([run]) == {"median": pytest.approx(0.25), "p95": pytest.approx(0.385)}
    assert tokens([run]) == {"prompt": 400, "answer": 40, "per_record": 110}
    found = price([run], 2, PRICES)
    assert found == {
        "currency": "USD",
        "total": pytest.approx((400 * 2 + 40 * 8) / 1e6),
        "per_1000": pytest.approx(0.28),
        "per_correct": pytest.approx(0.00056),
    }
    assert time_spent([run], 2) == {
        "total": pytest.approx(1.0),
        "per_1000": pytest.approx(250),
        "per_correct": pytest.approx(0.5),
    }


def test_right_answers_pay_for_the_answers_that_are_right_or_wrong() -> None:
    run = [said(number) for number in range(4)]
    found, spent = price([run], 2, PRICES, judged=[run[:2]]), time_spent([run], 2, judged=[run[:2]])
    assert found is not None and spent is not None
    assert found["total"] == pytest.approx((400 * 2 + 40 * 8) / 1e6)
    assert found["per_correct"] == pytest.approx(0.00028)
    assert (spent["total"], spent["per_correct"]) == (pytest.approx(1.0), pytest.approx(0.15))


def test_seeds_count_once() -> None:
    run = [said(number) for number in range(4)]
    assert tokens([run, run, run]) == tokens([run])
    assert price([run, run], 2, PRICES) == price([run], 2, PRICES)


def test_failed_calls_pay_nothing_and_unknown_tokens_cost_nothing_known() -> None:
    run = [said(0), said(1, error="timed out", latency_seconds=None, prompt_tokens=None, tokens=None)]
    assert tokens([run]) == {"prompt": 100, "answer": 10, "per_record": 110}
    assert price([run], None, PRICES)["per_correct"] is None  # type: ignore[index]
    assert price([[said(0, tokens=None)]], 1, PRICES) is None
    assert price([run], 1, None) is None
    assert latency([[said(0, latency_seconds=None)]]) == {"median": None, "p95": None}


def test_right_answers() -> None:
    task = build_task("choice", labels={"a": "x", "b": "y"})
    records, predictions = build_answered(task, ["a", "a", "a", "b"], ["a", "b", ERROR, UNPARSED])
    assert right_answers(task, records, predictions) == {"r0": True, "r1": False, "r3": False}
    score = build_task("score", range=(0, 5))
    assert right_answers(score, *build_answered(score, [1.0], [2.0])) is None
