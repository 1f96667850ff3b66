"""What a test must show before a change is taken, and what stops it nevertheless."""

from __future__ import annotations

from typing import Any

import pytest

from sftloop.evaluate.holm import holm
from sftloop.evaluate.minimum_detectable import detectable_share
from sftloop.records import Prediction, Record
from sftloop.scenario import Answer, Task
from sftloop.workflow.improve_decide import compare, corrected, judge, lost_anchors, smallest_detectable


def task(key: bool = False) -> Task:
    labels = {"a": "A.", "b": "B.", "c": "C."}
    return Task.model_validate(
        {"name": "t", "kind": "choice", "input": [{"name": "x"}], "labels": labels, "key": key}
    )


def records(labels: str, **tags: tuple[str, ...]) -> list[Record]:
    return [
        Record(id=f"r{n}", task="t", input={"x": "t"}, answer=Answer(label=label), tags=tags.get(f"r{n}", ()))
        for n, label in enumerate(labels)
    ]


def says(labels: str, lead: float | None = None) -> list[Prediction]:
    def one(number: int, label: str) -> Prediction:
        if label == "!":
            return Prediction(id=f"r{number}", task="t", error="timed out")
        table = None if lead is None else {label: 0.5 + lead / 2, "z": 0.5 - lead / 2}
        return Prediction(id=f"r{number}", task="t", answer=Answer(label=label), probabilities=table)

    return [one(number, label) for number, label in enumerate(labels)]


def judged(
    gold: str, before: str, after: str, *, key: bool = False, **more: Any
) -> tuple[dict[str, Any], str]:
    found = compare(task(key), records(gold, **more), says(before), says(after), seed=0, tests=1)
    return found, judge(found, found["p"])


def test_a_clear_gain_is_accepted_and_no_gain_is_not() -> None:
    found, decision = judged("a" * 40, "b" * 20 + "a" * 20, "a" * 40)
    assert (decision, found["wins"], found["losses"], found["verdict"]) == ("accepted", 20, 0, "better")
    assert judged("a" * 40, "a" * 20 + "b" * 20, "a" * 21 + "b" * 19)[1] == "inconclusive"
    assert judged("a" * 40, "a" * 40, "b" * 40)[1] == "worse"
    assert judge(found, 0.06) == "inconclusive", "the corrected p decides"


def test_tagged_records_must_stay_right() -> None:
    gold, before, after = "a" * 40, "a" + "b" * 39, "b" + "a" * 39
    assert judged(gold, before, after)[1] == "accepted"
    for tag in ("anchor", "reviewed"):
        found, decision = judged(gold, before, after, r0=(tag,))
        assert (found["anchors"], decision) == (["r0"], "anchors")
    assert judged(gold, before, after, r1=("anchor",))[1] == "accepted", "a wrong answer is none to keep"


def test_a_key_task_keeps_what_it_surely_had_right() -> None:
    gold = records("aa")
    before, after = says("aa"), says("ba")
    assert lost_anchors(task(), gold, before, after) == []
    assert lost_anchors(task(key=True), gold, before, after) == ["r0"]
    assert lost_anchors(task(key=True), gold, says("aa", 0.9), after) == ["r0"]
    assert lost_anchors(task(key=True), gold, says("aa", 0.1), after) == [], "a toss-up may turn"
    tagged = records("aa", r0=("anchor",))
    assert lost_anchors(task(key=True), tagged, says("aa", 0.1), after) == ["r0"]
    assert lost_anchors(task(key=True), gold, before, says("!a")) == [], "a failed call is no answer"


def test_a_label_that_becomes_less_precise_stops_a_gain() -> None:
    gold = "a" * 40 + "b" * 40 + "c" * 20
    before = "c" * 40 + "b" * 40 + "c" * 20
    after = "a" * 40 + "b" * 40 + "b" * 20
    found, decision = judged(gold, before, after)
    assert found["verdict"] == "better" and decision == "precision"
    [row] = [row for row in found["precision"] if row["label"] == "b"]
    assert (row["before"], row["after"], row["verdict"]) == (1.0, pytest.approx(40 / 60), "worse")


def test_too_many_failed_calls_decide_nothing() -> None:
    gold = "a" * 40
    assert judged(gold, "b" * 40, "a" * 35 + "!" * 5)[1] == "failed"
    assert judged(gold, "b" * 40, "a" * 36 + "!" * 4)[1] == "accepted"
    assert judged(gold, "!" * 40, "a" * 40)[1] == "failed"


def test_the_correction_is_for_the_tests_of_a_round_and_for_the_rounds() -> None:
    p_values = [0.01, 0.04, 0.5]
    assert corrected(p_values, 1) == holm(p_values)
    assert corrected(p_values, 3) == [min(1.0, 3 * p) for p in holm(p_values)]
    assert corrected([], 2) == []


def test_what_could_have_been_found() -> None:
    found = [
        judged("a" * 40, "b" * 5 + "a" * 35, "a" * 36 + "b" * 4)[0],
        judged("a" * 40, "a" * 40, "a" * 39 + "b")[0],
    ]
    assert smallest_detectable(found, 40, planned=8) == max(one["detectable"] for one in found)
    untested = smallest_detectable([], 40, planned=8)
    assert untested == detectable_share(40, 0.0, alpha=0.05 / 8)
    assert untested is not None and 0.1 < untested < 0.5
    assert smallest_detectable([], 0, planned=8) is None
