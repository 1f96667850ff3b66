"""The end of `prompt improve`: one look at the test records.

Nothing here is learned from: the test records were not read before, and nothing is chosen by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sftloop.core.progress import say
from sftloop.evaluate import paired_comparison, primary_metric, task_metrics
from sftloop.evaluate.holm import corrected_verdict, holm
from sftloop.records import has_split, load_split
from sftloop.scenario import Scenario
from sftloop.workflow.answering import name_of_test
from sftloop.workflow.improve_rounds import Setting


def final_test(
    setting: Setting,
    before: Scenario,
    after: Scenario,
    tasks: Sequence[str],
    *,
    limit: int | None,
    skip_bad: bool,
) -> dict[str, Any] | None:
    """Compare the two prompts on the test records of the tasks that changed.

    Returns:
        {"n", "before": {task: metric}, "after": {task: metric}, "paired": {task: comparison}, "note"}, p
        corrected for the tasks; None where nothing was taken. Without test records only `note` says so.

    Raises:
        DataError: the test file is malformed.
    """
    if not tasks:
        return None
    nothing: dict[str, Any] = {"n": 0, "before": {}, "after": {}, "paired": {}}
    if not has_split(before, "test"):
        say("There is no test file: the improved prompt was not tested on records of its own.")
        return nothing | {"note": "no_test_file"}
    records = load_split(before, "test", limit=limit, skip_bad=skip_bad)
    found: dict[str, Any] = nothing | {"note": None}
    for name in tasks:
        own, task = [record for record in records if record.task == name], before.tasks[name]
        if not own:
            continue
        sides = [
            setting.asking.answers(setting.model, scenario, own, name_of_test(before), reasons=False)
            for scenario in (before, after)
        ]
        metric = primary_metric(task)
        for side, answers in zip(("before", "after"), sides, strict=True):
            found[side][name] = task_metrics(task, own, answers, seed=setting.seed)["metrics"][metric]
        found["paired"][name] = paired_comparison(task, own, sides[0], sides[1], seed=setting.seed)
        found["n"] += len(own)
    adjusted = holm([row["p"] for row in found["paired"].values()])
    for row, p in zip(found["paired"].values(), adjusted, strict=True):
        row["p_adjusted"] = p
        row["verdict"] = corrected_verdict(row, p)
    setting.history.add("test_split", n=found["n"], paired=found["paired"])
    return found
