"""Targets: met by the value, sure by the interval, and refused when they name nothing."""

from __future__ import annotations

import pytest
from tests.unit.evaluate.cases import ERROR, build_answered, build_task

from sftloop.core.errors import ScenarioError
from sftloop.evaluate import check_target, target_over_seeds, task_metrics
from sftloop.evaluate.proportions import wilson_interval

LABELS = {"yes": "x", "no": "x"}


def result(target, expected, given, kind="choice", **parts):
    task = build_task(kind, target=target, **(parts or {"labels": LABELS}))
    return check_target(task, task_metrics(task, *build_answered(task, expected, given)))


def test_no_target_no_verdict():
    assert result(None, ["yes"], ["yes"]) is None


def test_precision_of_a_label():
    target = {"metric": "precision", "label": "yes", "at_least": 0.9}
    found = result(target, ["yes"] * 19 + ["no"] * 21, ["yes"] * 20 + ["no"] * 20)
    assert (found["metric"], found["label"], found["at_least"]) == ("precision", "yes", 0.9)
    assert found["value"] == pytest.approx(0.95)
    assert found["low"] == pytest.approx(0.7639, abs=1e-4)  # Wilson, 19 of 20
    assert (found["met"], found["sure"]) == (True, False)


def test_a_perfect_f1_of_a_label_on_two_records_is_not_sure():
    said = ["yes"] * 2 + ["no"] * 98
    found = result({"metric": "f1", "label": "yes", "at_least": 0.9}, said, said)
    assert found["value"] == 1.0 and found["met"]
    assert found["low"] == pytest.approx(wilson_interval(2, 2).low) and not found["sure"]


def test_a_task_metric_missed():
    found = result({"metric": "accuracy", "at_least": 0.8}, ["yes"] * 10, ["yes"] * 7 + ["no"] * 3)
    assert (found["value"], found["met"], found["sure"]) == (0.7, False, False)


def test_format_can_be_a_target():
    found = result({"metric": "format_valid", "at_least": 0.99}, ["yes"] * 500, ["yes"] * 500)
    assert (found["met"], found["sure"]) == (True, True)


def test_an_error_must_not_exceed_its_target():
    target = {"metric": "mae", "at_least": 0.5}
    found = result(target, [1.0, 2.0, 3.0] * 10, [1.0, 2.0, 4.0] * 10, kind="score", range=(0, 5))
    assert found["value"] == pytest.approx(1 / 3)
    assert found["low"] > found["value"]
    assert found["met"] is True


def test_an_unknown_metric_is_refused_with_the_nearest():
    with pytest.raises(ScenarioError, match=r"'acuracy'.*Did you mean 'accuracy'"):
        result({"metric": "acuracy", "at_least": 0.8}, ["yes"], ["yes"])
    with pytest.raises(ScenarioError, match=r"'accuracy' of one label"):
        result({"metric": "accuracy", "label": "yes", "at_least": 0.8}, ["yes"], ["yes"])


@pytest.mark.parametrize("value", [0.95, 0.7])
def test_seeds_that_all_reach_it_just_so_reach_it(value: float) -> None:
    task = build_task("choice", labels=LABELS, target={"metric": "accuracy", "at_least": value})
    said = ["yes"] * round(value * 100) + ["no"] * round(100 - value * 100)
    one = task_metrics(task, *build_answered(task, ["yes"] * 100, said))
    assert target_over_seeds(task, [one, one, one])["met"]


def test_what_few_calls_answered_reaches_nothing() -> None:
    target = {"metric": "accuracy", "at_least": 0.9}
    found = result(target, ["yes"] * 100, ["yes"] * 40 + [ERROR] * 60)
    assert (found["value"], found["met"], found["sure"]) == (None, False, False)
    assert result(target, ["yes"] * 100, ["yes"] * 95 + [ERROR] * 5)["met"]
