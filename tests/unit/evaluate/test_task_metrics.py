"""The contract of one task's result: keys, errors, evidence, notes, refusals."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.unit.evaluate.cases import ERROR, build_answered, build_task

from sftloop.core.errors import DataError
from sftloop.evaluate import primary_metric, task_metrics
from sftloop.evaluate.proportions import wilson_interval
from sftloop.scenario.answer import Answer

ASKED = {
    "choice": (
        {"labels": {"a": "x", "b": "x"}},
        ["a", "b"] * 20,
        {"accuracy", "macro_f1", "micro_f1"},
        "accuracy",
    ),
    "multi": (
        {"labels": {"a": "x", "b": "x"}},
        [("a",), ("b",)] * 20,
        {"exact_match", "micro_f1", "macro_f1", "jaccard"},
        "micro_f1",
    ),
    "extract": (
        {"fields": {"f": "x"}},
        [{"f": "v"}, {"f": "w"}] * 20,
        {"field_f1", "field_exact", "token_f1", "exact_match"},
        "field_f1",
    ),
    "generate": ({}, ["some text", "other"] * 20, {"chrf", "char_f1", "exact_match"}, "chrf"),
    "score": ({"range": (0, 5)}, [1.0, 4.0] * 20, {"mae", "pearson", "spearman"}, "mae"),
}


@pytest.mark.parametrize("kind", ASKED)
def test_keys_of_the_contract(kind):
    parts, answers, metrics, primary = ASKED[kind]
    task = build_task(kind, **parts)
    found = task_metrics(task, *build_answered(task, answers, answers), resamples=50)
    assert set(found) - {"fields"} == {
        "n",
        "n_scored",
        "errors",
        "metrics",
        "labels",
        "confusion",
        "format_valid",
        "seconds_per_record",
    }
    assert set(found["metrics"]) == metrics | {"format_valid"}
    for metric in found["metrics"].values():
        assert {"value", "low", "high", "method", "n"} <= set(metric)
    assert primary_metric(task) == primary
    perfect = 0.0 if kind == "score" else 1.0
    assert found["metrics"][primary]["value"] == pytest.approx(perfect)
    assert (found["n"], found["errors"], found["seconds_per_record"]) == (40, 0, 0.5)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize("kind", ASKED)
def test_nothing_scored_is_said_not_made_up(kind):
    parts, answers, metrics, _ = ASKED[kind]
    task = build_task(kind, **parts)
    found = task_metrics(task, *build_answered(task, answers, [ERROR] * 40))
    assert (found["n"], found["n_scored"], found["errors"]) == (40, 0, 40)
    assert {name: metric["value"] for name, metric in found["metrics"].items()} == dict.fromkeys(metrics)
    assert found["format_valid"] is None and found["seconds_per_record"] is None
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("kind", ASKED)
def test_one_record_gives_a_note_and_no_certainty(kind):
    parts, answers, _, primary = ASKED[kind]
    task = build_task(kind, **parts)
    found = task_metrics(task, *build_answered(task, answers[:1], answers[:1]))
    assert "Only 1 scored records" in found["note"]
    metric = found["metrics"][primary]
    assert metric["low"] is None or metric["low"] < 0.5
    json.dumps(found, allow_nan=False)


def test_few_groups_give_a_note():
    task = build_task("choice", labels={"a": "x", "b": "x"})
    groups = [f"g{i % 6}" for i in range(60)]
    found = task_metrics(task, *build_answered(task, ["a"] * 60, ["a"] * 60, groups))
    assert "Only 6 groups" in found["note"]


def test_other_tasks_and_order_do_not_matter():
    task = build_task("choice", labels={"a": "x", "b": "x"})
    records, predictions = build_answered(task, ["a", "b", "a"], ["a", "a", "b"])
    alien = [replace(record, task="other", id=f"o{record.id}") for record in records]
    found = task_metrics(task, [*alien, *records], predictions[::-1])
    assert found == task_metrics(task, records, predictions)


def test_a_record_without_prediction_is_refused_by_name():
    task = build_task("choice", labels={"a": "x", "b": "x"})
    records, predictions = build_answered(task, ["a", "b"], ["a", "a"])
    with pytest.raises(DataError, match=r"No prediction for record 'r1' of task 't' \(1 of 2"):
        task_metrics(task, records, predictions[:1])
    with pytest.raises(DataError, match=r"Two predictions for record 'r0'"):
        task_metrics(task, records, [*predictions, predictions[0]])


def test_invented_quotes_are_found_out():
    task = build_task("choice", labels={"a": "x", "b": "x"}, answer={"evidence": True})
    records, predictions = build_answered(task, ["a"] * 3, ["a"] * 3)
    records[0] = replace(records[0], input={"text": ["My  son is\nfive.", "Ｗｅ ｌｅｆｔ"]})
    quotes = [("My son is five.", "We left", "My daughter", ""), (), ("x",)]
    predictions = [
        replace(prediction, answer=Answer(label="a", evidence=said))
        for prediction, said in zip(predictions, quotes, strict=True)
    ]
    found = task_metrics(task, records, predictions)["metrics"]["evidence_found"]
    assert (found["value"], found["n"], found["without"]) == (0.6, 5, 1)
    naive = wilson_interval(3, 5)
    assert found["low"] <= naive.low and found["high"] >= naive.high
    # a quote that runs across two documents is in neither
    across = replace(predictions[0], answer=Answer(label="a", evidence=("five. We",)))
    found = task_metrics(task, records, [across, *predictions[1:]])["metrics"]["evidence_found"]
    assert found["value"] == 0.5


def test_same_seed_same_result():
    task = build_task("choice", labels={"a": "x", "b": "x"})
    data = build_answered(task, ["a", "b"] * 20, ["a", "a", "b", "b"] * 10)
    assert task_metrics(task, *data, seed=3) == task_metrics(task, *data, seed=3)
