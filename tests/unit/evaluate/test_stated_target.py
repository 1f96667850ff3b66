"""Targets as stated: what nothing can meet is refused with line and next step, and errors are shown with ≤."""

from __future__ import annotations

import pytest
from tests.unit.evaluate.cases import build_task

from sftloop.core.errors import ScenarioError
from sftloop.evaluate import require_targets, target_in_words, task_metrics
from sftloop.scenario import Scenario, load_scenario

LABELS = {"yes": "x", "no": "x"}
PARTS = {
    "choice": {"labels": LABELS},
    "multi": {"labels": LABELS},
    "extract": {"fields": {"city": "x"}},
    "generate": {},
    "score": {"range": (0, 5)},
}


def scenario(kind, metric, at_least, **parts):
    target = {"metric": metric, "at_least": at_least} | parts.pop("target", {})
    task = build_task(kind, target=target, **PARTS[kind], **parts)
    return Scenario(name="shop", model="tiny", tasks={task.name: task})


@pytest.mark.parametrize("kind", PARTS)
def test_every_metric_of_a_result_may_be_asked_for(kind):
    task = build_task(kind, answer={"evidence": True}, **PARTS[kind])
    for metric in (*task_metrics(task, [], [])["metrics"], "format_valid"):
        require_targets(scenario(kind, metric, 0.5, answer={"evidence": True}))


@pytest.mark.parametrize(
    ("kind", "metric", "target", "message"),
    [
        ("choice", "acuracy", {}, r"'acuracy', which is none of a task of kind 'choice'.*'accuracy'"),
        ("score", "accuracy", {}, r"'accuracy', which is none of a task of kind 'score'.*'mae'"),
        ("choice", "evidence_found", {}, r"'evidence_found', which is none"),
        (
            "choice",
            "accuracy",
            {"label": "yes"},
            r"'accuracy', which is none of the label 'yes'.*'precision'",
        ),
        (
            "choice",
            "accuracy",
            {"at_least": 95},
            r"accuracy 95; it must be from 0 to 1\. 95 % is written 0\.95",
        ),
        ("choice", "recall", {"label": "yes", "at_least": -0.1}, r"recall -0\.1; it must be from 0 to 1"),
        ("score", "mae", {"at_least": -1}, r"mae -1; it must be at least 0\."),
        ("score", "pearson", {"at_least": 1.5}, r"pearson 1\.5; it must be from -1 to 1"),
    ],
)
def test_what_nothing_can_meet_is_refused(kind, metric, target, message):
    with pytest.raises(ScenarioError, match=message):
        require_targets(scenario(kind, metric, 0.5, target=target))


def test_an_error_may_exceed_1_and_a_correlation_fall_below_0():
    require_targets(scenario("score", "mae", 3.5))
    require_targets(scenario("score", "spearman", -0.5))


def test_the_line_is_named(tmp_path):
    file = tmp_path / "scenario.yaml"
    file.write_text(
        "name: shop\nmodel: tiny\ntasks:\n  intent:\n    kind: generate\n    input: [message]\n"
        "    target: {metric: chfr, at_least: 0.5}\n"
    )
    with pytest.raises(ScenarioError, match=r"scenario\.yaml:7: .*'chfr'.*Did you mean 'chrf'"):
        require_targets(load_scenario(file))


def test_in_words():
    assert (
        target_in_words({"metric": "recall", "label": "high", "at_least": 0.85}) == "recall of 'high' ≥ 0.85"
    )
    assert target_in_words({"metric": "mae", "label": None, "at_least": 0.5}) == "mae ≤ 0.5"
