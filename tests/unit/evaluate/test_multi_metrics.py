"""Figures of `multi` tasks against scikit-learn and by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, precision_recall_fscore_support
from sklearn.preprocessing import MultiLabelBinarizer
from tests.unit.evaluate.cases import UNPARSED, build_answered, build_task

from sftloop.evaluate import task_metrics
from sftloop.evaluate.proportions import wilson_interval

LABELS = ["x", "y", "z"]
TASK = build_task("multi", labels=dict.fromkeys(LABELS, "x"))
label_sets = st.lists(st.sampled_from(LABELS), unique=True).map(tuple)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(label_sets, label_sets), min_size=1, max_size=40))
def test_equals_scikit_learn(pairs):
    found = task_metrics(
        TASK, *build_answered(TASK, [a for a, _ in pairs], [b for _, b in pairs]), resamples=20
    )
    encode = MultiLabelBinarizer(classes=LABELS)
    expected, said = encode.fit_transform([a for a, _ in pairs]), encode.transform([b for _, b in pairs])
    values = {name: metric["value"] for name, metric in found["metrics"].items()}
    assert values["exact_match"] == pytest.approx(accuracy_score(expected, said))
    jaccard = jaccard_score(expected, said, average="samples", zero_division=1)
    assert values["jaccard"] == pytest.approx(jaccard)
    seen = [i for i in range(3) if expected[:, i].any() or said[:, i].any()]
    if not seen:
        assert values["micro_f1"] is None and values["macro_f1"] is None
    else:
        for average in ("micro", "macro"):
            reference = f1_score(expected, said, labels=seen, average=average, zero_division=0)
            assert values[f"{average}_f1"] == pytest.approx(reference)
    table = precision_recall_fscore_support(expected, said, zero_division=0)
    for column, key in enumerate(["precision", "recall", "f1", "support"]):
        assert [found["labels"][label][key] for label in LABELS] == pytest.approx(list(table[column]))


def test_by_hand():
    expected = [("x", "y"), ("z",), (), ("x",)]
    given_ = [("y", "x"), ("y", "z"), (), UNPARSED]
    found = task_metrics(TASK, *build_answered(TASK, expected, given_))
    values = {name: metric["value"] for name, metric in found["metrics"].items()}
    assert values["exact_match"] == 0.5
    assert values["jaccard"] == pytest.approx((1 + 0.5 + 1 + 0) / 4)
    assert values["micro_f1"] == pytest.approx(2 * 3 / (4 + 4))
    assert found["confusion"]["y"] == {"tp": 1, "fp": 1, "fn": 0, "tn": 2}
    assert found["confusion"]["x"] == {"tp": 1, "fp": 0, "fn": 1, "tn": 2}


def test_an_unparsable_answer_is_wrong_even_where_nothing_was_expected():
    found = task_metrics(TASK, *build_answered(TASK, [()], [UNPARSED]))
    assert found["metrics"]["exact_match"]["value"] == 0.0
    assert found["metrics"]["jaccard"]["value"] == 0.0


def test_abstaining_label():
    labels = {"x": "x", "none fits": {"means": "x", "abstain": True}}
    task = build_task("multi", labels=labels)
    expected = [("x",), ("none fits",), ("none fits",)]
    found = task_metrics(task, *build_answered(task, expected, [("x",), ("none fits",), ("x",)]))
    assert found["abstention"]["recall"]["value"] == 0.5
    assert found["abstention"]["precision"]["value"] == 1.0
    assert found["abstention"]["accuracy_answered"]["value"] == 0.5


def test_a_perfect_f1_rests_on_the_records_that_bear_on_it():
    """Of 60 records (30 groups of two) 2 carry x, 4 y, 54 nothing."""
    said = [("x",)] * 2 + [("y",)] * 4 + [()] * 54
    found = task_metrics(TASK, *build_answered(TASK, said, said))
    assert found["labels"]["x"]["f1_low"] == pytest.approx(wilson_interval(2, 2).low)
    lows = {name: metric["low"] for name, metric in found["metrics"].items()}
    assert lows["micro_f1"] == pytest.approx(wilson_interval(6, 6).low)
    assert lows["macro_f1"] == pytest.approx(wilson_interval(16 / 3, 16 / 3).low), "4 / (1/2 + 1/4)"
    assert lows["jaccard"] == pytest.approx(wilson_interval(60, 60).low)
    groups = [f"g{number // 2}" for number in range(60)]
    grouped = task_metrics(TASK, *build_answered(TASK, said, said, groups))
    assert grouped["labels"]["x"]["f1_low"] == pytest.approx(wilson_interval(1, 1).low)
