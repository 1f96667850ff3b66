"""The end of `prompt improve`: one look at the test records, and the improved file in the user's place if asked.

Nothing here is learned from: the test records were not read before, and nothing is chosen by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sftloop.core.errors import UsageError
from sftloop.core.files import atomic_write_text, disk_errors, sha256_file
from sftloop.core.progress import say
from sftloop.evaluate import paired_comparison, primary_metric, task_metrics
from sftloop.evaluate.holm import holm
from sftloop.records import load_split, split_path
from sftloop.scenario import Scenario
from sftloop.workflow.improve_rounds import Setting

_ALPHA = 0.05
_BOM = b"\xef\xbb\xbf"


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
    if before.data.test is None or not split_path(before, "test").exists():
        say("There is no test file: the improved prompt was not tested on records of its own.")
        return nothing | {"note": "no_test_file"}
    records = load_split(before, "test", limit=limit, skip_bad=skip_bad)
    found: dict[str, Any] = nothing | {"note": None}
    for name in tasks:
        own, task = [record for record in records if record.task == name], before.tasks[name]
        if not own:
            continue
        sides = [
            setting.asking.answers(setting.model, scenario, own, "test", reasons=False)
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
        row["verdict"] = row["verdict"] if p < _ALPHA else "inconclusive"
    setting.history.add("test_split", n=found["n"], paired=found["paired"])
    return found


def put_in_place(scenario: Scenario, known: str, text: str, test: dict[str, Any] | None) -> dict[str, Any]:
    """Replace scenario.yaml by the improved text, keeping the old one beside it.

    Args:
        scenario: as it was loaded.
        known: hash of the file then.
        text: the improved one.
        test: what the test records said.

    Returns:
        {"file", "backup"}, or {"file", "held_back": tasks} where the test records say that a task got worse.

    Raises:
        UsageError: the file changed meanwhile.
    """
    assert scenario.file is not None
    file = scenario.file.resolve()
    worse = [name for name, row in (test or {"paired": {}})["paired"].items() if row["verdict"] == "worse"]
    if worse:
        return {"file": str(scenario.file), "held_back": worse}
    if sha256_file(file) != known:
        raise UsageError(
            f"'{scenario.file}' changed since this command started; it was left alone.",
            hint="Run it again on the file as it is now.",
        )
    raw = file.read_bytes()
    backup = file.with_name(f"{file.name}.{known[:8]}.bak")
    with disk_errors(backup):
        backup.write_bytes(raw)
    atomic_write_text(file, ("\ufeff" if raw.startswith(_BOM) else "") + text)
    return {"file": str(scenario.file), "backup": str(backup)}
