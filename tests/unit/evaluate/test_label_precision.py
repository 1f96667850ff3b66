"""Precision per label, compared on the same records."""

from __future__ import annotations

import pytest
from tests.unit.evaluate.cases import ERROR, build_answered, build_task

from sftloop.evaluate.label_precision import precision_changes

CHOICE = build_task("choice", labels={"a": "A.", "b": "B.", "c": "C."})
MULTI = build_task("multi", labels={"a": "A.", "b": "B."})


def test_a_label_given_too_often_falls_the_others_are_left_out() -> None:
    gold = ["a"] * 30 + ["b"] * 30
    records, before = build_answered(CHOICE, gold, ["a"] * 30 + ["b"] * 30)
    _, after = build_answered(CHOICE, gold, ["a"] * 30 + ["a"] * 15 + ["b"] * 15)
    rows = {row["label"]: row for row in precision_changes(CHOICE, records, before, after)}
    assert set(rows) == {"a", "b"}, "c is never given"
    assert rows["a"]["before"] == 1.0 and rows["a"]["after"] == pytest.approx(30 / 45)
    assert rows["a"]["difference"] == pytest.approx(-1 / 3) and rows["a"]["verdict"] == "worse"
    assert rows["a"]["high"] < 0
    assert rows["b"]["difference"] == 0.0 and rows["b"]["verdict"] == "inconclusive"


def test_few_changed_records_prove_nothing() -> None:
    gold = ["a"] * 30 + ["b"] * 30
    records, before = build_answered(CHOICE, gold, gold)
    _, after = build_answered(CHOICE, gold, ["a"] * 30 + ["a"] * 3 + ["b"] * 27)
    [a] = [row for row in precision_changes(CHOICE, records, before, after) if row["label"] == "a"]
    assert a["difference"] < 0 and a["verdict"] == "inconclusive"


def test_several_labels_failed_calls_and_kinds_without_labels() -> None:
    records, before = build_answered(MULTI, [("a",)] * 20, [("a",)] * 20)
    _, after = build_answered(MULTI, [("a",)] * 20, [("a", "b")] * 19 + [ERROR])
    assert precision_changes(MULTI, records, before, after) == [], "a is given alike, b only once"
    extract = build_task("extract", fields={"who": "Who."})
    records, same = build_answered(extract, [{"who": "x"}], [{"who": "x"}])
    assert precision_changes(extract, records, same, same) == []
