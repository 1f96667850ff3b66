"""Before against after: contract, orientation, errors, groups."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import f1_score
from tests.unit.evaluate.cases import ERROR, UNPARSED, build_answered, build_task

from sftloop.core.errors import UsageError
from sftloop.evaluate import paired_comparison

KEYS = {"metric", "before", "after", "difference", "low", "high", "p", "test", "interval", "n", "verdict"}
CHOICE = build_task("choice", labels=dict.fromkeys("abcd", "x"))


def compare(task, expected, before, after, groups=None, **options):
    records, first = build_answered(task, expected, before, groups)
    return paired_comparison(task, records, first, build_answered(task, expected, after)[1], **options)


def test_accuracy_by_hand():
    # of 161: 59 right twice, 16 won, 6 lost, 80 wrong twice
    before = ["a"] * 59 + ["b"] * 16 + ["a"] * 6 + ["b"] * 80
    after = ["a"] * 59 + ["a"] * 16 + ["b"] * 6 + [UNPARSED] * 80
    found = compare(CHOICE, ["a"] * 161, before, after)
    assert KEYS | {"errors", "wins", "losses", "p_exact"} == set(found)
    assert found["test"] == "mcnemar exact (mid-p)"
    assert (found["wins"], found["losses"], found["n"]) == (16, 6, 161)
    assert found["p"] == pytest.approx(0.034690, abs=1e-6)
    assert found["difference"] == pytest.approx(10 / 161)
    assert (found["low"], found["high"]) == (
        pytest.approx(0.0054, abs=5e-5),
        pytest.approx(0.1240, abs=5e-5),
    )
    assert found["verdict"] == "better"
    mirrored = compare(CHOICE, ["a"] * 161, after, before)
    assert (mirrored["verdict"], mirrored["p"]) == ("worse", found["p"])


def test_a_failed_call_on_either_side_takes_the_record_out():
    before = ["a", ERROR, "b", "a", "b"]
    after = ["a", "a", ERROR, ERROR, "a"]
    found = compare(CHOICE, ["a"] * 5, before, after)
    assert found["errors"] == {"before": 1, "after": 2, "excluded": 3}
    assert (found["n"], found["before"], found["after"]) == (2, 0.5, 1.0)
    assert found["verdict"] == "inconclusive"
    assert "Only 2 compared records" in found["note"]


def test_nothing_left_to_compare():
    found = compare(CHOICE, ["a", "a"], [ERROR, "a"], ["a", ERROR])
    assert (found["n"], found["verdict"], found["p"], found["difference"]) == (0, "inconclusive", 1.0, None)
    json.dumps(found, allow_nan=False)


def test_f1_is_compared_by_a_paired_bootstrap():
    rng = np.random.default_rng(0)
    expected = [str(label) for label in rng.choice(list("abcd"), size=200)]
    before = [label if rng.random() < 0.5 else "a" for label in expected]
    after = [label if rng.random() < 0.8 else "a" for label in expected]
    found = compare(CHOICE, expected, before, after, metric="macro_f1")
    assert set(found) == KEYS | {"errors"}
    assert found["test"] == "paired bootstrap"
    values = [f1_score(expected, said, average="macro") for said in (before, after)]
    assert (found["before"], found["after"]) == (pytest.approx(values[0]), pytest.approx(values[1]))
    assert found["difference"] == pytest.approx(values[1] - values[0])
    assert 0 < found["low"] < found["difference"] < found["high"]
    assert (found["verdict"], found["p"] < 0.01) == ("better", True)


def test_groups_are_respected():
    # ten groups of ten identical records: eight groups equal, two won - two lucky groups, not twenty records
    groups = [f"g{i}" for i in range(10) for _ in range(10)]
    before, after = ["a"] * 80 + ["b"] * 20, ["a"] * 100
    naive = compare(CHOICE, ["a"] * 100, before, after)
    grouped = compare(CHOICE, ["a"] * 100, before, after, groups)
    assert naive["verdict"] == "better"
    assert (grouped["test"], grouped["verdict"]) == ("clustered bootstrap", "inconclusive")
    assert grouped["p"] >= 0.5
    assert "Only 10 groups" in grouped["note"]


def test_a_falling_error_is_an_improvement():
    task = build_task("score", range=(0, 10))
    rng = np.random.default_rng(1)
    expected = rng.uniform(2, 8, size=60)
    before, after = expected + rng.normal(0, 2, 60), expected + rng.normal(0, 0.5, 60)
    found = compare(task, list(expected), list(before), list(after))
    assert found["metric"] == "mae"
    assert found["difference"] == pytest.approx(found["before"] - found["after"])
    assert found["low"] > 0 and found["verdict"] == "better"
    assert "mae falls as answers improve" in found["note"]
    mirrored = compare(task, list(expected), list(after), list(before))
    assert mirrored["verdict"] == "worse"
    correlation = compare(task, list(expected), list(before), list(after), metric="spearman")
    assert correlation["difference"] == pytest.approx(correlation["after"] - correlation["before"])


@pytest.mark.parametrize(
    ("kind", "parts", "right", "wrong"),
    [
        ("multi", {"labels": {"x": "d", "y": "d"}}, ("x",), ("y",)),
        ("extract", {"fields": {"f": "d"}}, {"f": "v"}, {"f": "w"}),
        ("generate", {}, "good answer", "quite wrong"),
    ],
)
def test_other_kinds_use_their_primary_metric(kind, parts, right, wrong):
    task = build_task(kind, **parts)
    found = compare(task, [right] * 40, [wrong] * 30 + [right] * 10, [right] * 40)
    assert (found["verdict"], found["test"]) == ("better", "paired bootstrap")
    same = compare(task, [right] * 40, [wrong] * 30 + [right] * 10, [wrong] * 30 + [right] * 10)
    assert (same["verdict"], same["p"], same["difference"]) == ("inconclusive", 1.0, 0.0)


def test_an_unknown_metric_is_answered_with_the_names():
    with pytest.raises(UsageError, match=r"choice task has no metric 'macrof1'.*Did you mean 'macro_f1'"):
        compare(CHOICE, ["a"], ["a"], ["a"], metric="macrof1")
