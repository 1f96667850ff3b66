"""The finalists against the present format on records that no round has seen; one is taken only if it is better.

Every finalist is tested on every task, and Holm's correction runs over all of these tests. Decides; asks no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sftloop.evaluate.failed_calls import too_many_failed
from sftloop.evaluate.holm import ALPHA, corrected_verdict, holm
from sftloop.evaluate.minimum_detectable import reach
from sftloop.evaluate.paired import paired_comparison
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario, Task
from sftloop.workflow.trials import score_of


def format_score(scenario: Scenario, records: Sequence[Record], predictions: Sequence[Prediction]) -> float:
    """Return the mean of the tasks' primary metrics, 0 where too many calls failed; larger is better.

    A failed call counts as a wrong answer, so that a format gains nothing by failing on hard records.
    """
    failed = sum(one.error is not None for one in predictions)
    if too_many_failed(failed, len(predictions)):
        return 0.0
    return score_of(scenario, records, [replace(one, error=None) for one in predictions])


def compare_finalists(
    tasks: Sequence[Task],
    records: Sequence[Record],
    current: Sequence[Prediction],
    finalists: Mapping[str, Sequence[Prediction]],
    *,
    seed: int,
) -> list[dict[str, Any]]:
    """Return [{"name", "tasks": {T: comparison with "p_adjusted", "verdict", "detectable", "needed"}}].

    Verdicts are after the correction; `detectable` is the smallest true difference found 8 times in 10 at the
    level that the correction leaves the smallest p-value.
    """
    compared = [
        (name, task.name, paired_comparison(task, records, current, predictions, seed=seed))
        for name, predictions in finalists.items()
        for task in tasks
    ]
    adjusted = holm([one["p"] for _, _, one in compared])
    found: dict[str, dict[str, Any]] = {name: {"name": name, "tasks": {}} for name in finalists}
    for (name, task_name, one), p in zip(compared, adjusted, strict=True):
        can_tell = reach(one, alpha=ALPHA / len(compared))
        found[name]["tasks"][task_name] = one | {
            "p_adjusted": p,
            "verdict": corrected_verdict(one, p),
            "detectable": can_tell.detectable,
            "needed": can_tell.needed,
        }
    return list(found.values())


def decide(
    compared: Sequence[Mapping[str, Any]], scores: Mapping[str, float], current: str
) -> dict[str, Any]:
    """Return {"accepted": name or None, "why", "best"}: better on a task, worse on none, and ahead overall.

    A finalist in whose comparison too many calls failed is not accepted.

    Args:
        compared: from `compare_finalists`.
        scores: format → its mean over the tasks, on the same records.
        current: the present format.
    """
    if not compared:
        return {"accepted": None, "why": "nothing_else", "best": None}
    best = max(compared, key=lambda one: scores[one["name"]])["name"]
    failed = {one["name"] for one in compared if any(map(_mostly_failed, one["tasks"].values()))}
    ahead = [
        one["name"]
        for one in compared
        if {each["verdict"] for each in one["tasks"].values()} in ({"better"}, {"better", "inconclusive"})
        and scores[one["name"]] > scores[current]
    ]
    if good := [name for name in ahead if name not in failed]:
        chosen = max(good, key=lambda name: scores[name])
        return {"accepted": chosen, "why": "better", "best": best}
    if ahead or len(failed) == len(compared):
        return {"accepted": None, "why": "failed", "best": best}
    mixed = any("better" in {each["verdict"] for each in one["tasks"].values()} for one in compared)
    return {"accepted": None, "why": "mixed" if mixed else "inconclusive", "best": best}


def _mostly_failed(one: Mapping[str, Any]) -> bool:
    excluded = one["errors"]["excluded"]
    return too_many_failed(excluded, one["n"] + excluded)


def detectable(compared: Sequence[Mapping[str, Any]], best: str | None) -> dict[str, Any]:
    """Return {T: {"metric", "detectable", "needed", "n"}} of the best finalist's comparisons."""
    one = next((one for one in compared if one["name"] == best), None)
    if one is None:
        return {}
    return {
        task: {key: each[key] for key in ("metric", "detectable", "needed", "n")}
        for task, each in one["tasks"].items()
    }
