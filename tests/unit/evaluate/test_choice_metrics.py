"""Figures of `choice` tasks against scikit-learn and by hand."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support
from tests.unit.evaluate.cases import ERROR, UNPARSED, build_answered, build_task

from sftloop.evaluate import task_metrics
from sftloop.evaluate.proportions import wilson_interval

LABELS = ["a", "b", "c", "d"]
TASK = build_task("choice", labels=dict.fromkeys(LABELS, "x"))

outcomes = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from([*LABELS, UNPARSED])), min_size=1, max_size=60
)


@settings(max_examples=40, deadline=None)
@given(outcomes)
def test_equals_scikit_learn(pairs):
    expected, given_ = [a for a, _ in pairs], [b for _, b in pairs]
    found = task_metrics(TASK, *build_answered(TASK, expected, given_), resamples=20)
    said = [label or "(invalid)" for label in given_]
    seen = sorted({*expected, *said} - {"(invalid)"})
    values = {name: metric["value"] for name, metric in found["metrics"].items()}
    assert values["accuracy"] == pytest.approx(accuracy_score(expected, said))
    macro = f1_score(expected, said, labels=seen, average="macro", zero_division=0)
    assert values["macro_f1"] == pytest.approx(macro)
    micro = f1_score(expected, said, labels=LABELS, average="micro", zero_division=0)
    assert values["micro_f1"] == pytest.approx(micro)
    table = precision_recall_fscore_support(expected, said, labels=LABELS, zero_division=0)
    for column, key in enumerate(["precision", "recall", "f1", "support"]):
        assert [found["labels"][label][key] for label in LABELS] == pytest.approx(list(table[column]))
    matrix = confusion_matrix(expected, said, labels=[*LABELS, "(invalid)"])
    assert [[found["confusion"][r][c] for c in (*LABELS, "(invalid)")] for r in LABELS] == matrix[:4].tolist()


@settings(max_examples=25, deadline=None)
@given(outcomes)
def test_every_interval_holds_its_value(pairs):
    found = task_metrics(
        TASK, *build_answered(TASK, [a for a, _ in pairs], [b for _, b in pairs]), resamples=50
    )
    for metric in found["metrics"].values():
        assert 0 <= metric["low"] <= metric["value"] <= metric["high"] <= 1
    for row in found["labels"].values():
        for key in ("precision", "recall", "f1"):
            assert 0 <= row[f"{key}_low"] <= row[key] <= row[f"{key}_high"] <= 1


def test_accuracy_has_wilsons_interval():
    found = task_metrics(TASK, *build_answered(TASK, ["a"] * 40, ["a"] * 30 + ["b"] * 10))
    wilson = wilson_interval(30, 40)
    assert found["metrics"]["accuracy"] == wilson.to_json()
    assert found["labels"]["a"]["recall_low"] == wilson.low
    assert found["labels"]["c"] == {
        "precision": 0.0,
        "precision_low": 0.0,
        "precision_high": 1.0,
        "recall": 0.0,
        "recall_low": 0.0,
        "recall_high": 1.0,
        "f1": 0.0,
        "f1_low": 0.0,
        "f1_high": 1.0,
        "support": 0,
        "given": 0,
    }


def test_an_error_is_no_answer_and_an_unparsable_answer_is_wrong():
    found = task_metrics(TASK, *build_answered(TASK, ["a"] * 4, ["a", "a", UNPARSED, ERROR]))
    assert (found["n"], found["n_scored"], found["errors"]) == (4, 3, 1)
    assert found["metrics"]["accuracy"]["value"] == pytest.approx(2 / 3)
    assert found["metrics"]["accuracy"]["n"] == 3
    assert found["confusion"]["a"] == {"a": 2, "b": 0, "c": 0, "d": 0, "(invalid)": 1}
    assert found["format_valid"] == pytest.approx(2 / 3)


def test_a_label_of_another_task_is_invalid():
    found = task_metrics(TASK, *build_answered(TASK, ["a", "b"], ["zzz", "b"]))
    assert found["confusion"]["a"]["(invalid)"] == 1
    assert found["metrics"]["accuracy"]["value"] == 0.5


def test_abstention_is_counted_apart():
    task = build_task("choice", labels={"yes": "x", "no": "x", "unclear": {"means": "x", "abstain": True}})
    expected = ["yes", "yes", "no", "unclear", "unclear", "unclear", "no", "no"]
    given_ = ["yes", "no", "unclear", "unclear", "unclear", "yes", "no", UNPARSED]
    found = task_metrics(task, *build_answered(task, expected, given_))["abstention"]
    shares = {name: (share["value"], share["n"]) for name, share in found.items()}
    assert shares == {
        "rate": (3 / 8, 8),
        "expected_rate": (3 / 8, 8),
        "accuracy_answered": (2 / 5, 5),  # yes, no right; no, yes and the unparsable answer wrong
        "precision": (pytest.approx(2 / 3), 3),
        "recall": (pytest.approx(2 / 3), 3),
    }
    assert "abstention" not in task_metrics(TASK, *build_answered(TASK, ["a"], ["a"]))


def test_groups_widen_every_interval():
    rng = np.random.default_rng(0)
    expected = [LABELS[i] for i in rng.integers(0, 4, size=30)]
    given_ = [e if rng.random() < 0.7 else LABELS[rng.integers(4)] for e in expected]
    groups = [f"g{i}" for i in range(30)]
    once = task_metrics(TASK, *build_answered(TASK, expected, given_))
    five = task_metrics(TASK, *build_answered(TASK, expected * 5, given_ * 5, groups * 5))
    naive = task_metrics(TASK, *build_answered(TASK, expected * 5, given_ * 5))
    for name in ("accuracy", "macro_f1", "micro_f1"):
        widths = [m["metrics"][name]["high"] - m["metrics"][name]["low"] for m in (once, five, naive)]
        assert widths[1] == pytest.approx(widths[0], rel=0.25)
        assert widths[2] < 0.6 * widths[1]
        assert "group" in five["metrics"][name]["method"]
    assert five["groups"] == 30 and "groups" not in naive
    assert five["labels"]["a"]["recall_low"] < naive["labels"]["a"]["recall_low"]


def test_two_hundred_labels_and_fifty_thousand_records_take_seconds():
    rng = np.random.default_rng(0)
    labels = [f"label {i}" for i in range(200)]
    task = build_task("choice", labels=dict.fromkeys(labels, "x"))
    expected = rng.integers(0, 200, size=50_000)
    given_ = np.where(rng.random(50_000) < 0.8, expected, rng.integers(0, 200, size=50_000))
    data = build_answered(task, [labels[i] for i in expected], [labels[i] for i in given_])
    start = time.process_time()
    found = task_metrics(task, *data)
    assert time.process_time() - start < 5
    assert found["metrics"]["macro_f1"]["value"] == pytest.approx(f1_score(expected, given_, average="macro"))
