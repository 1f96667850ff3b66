"""`sftloop audit`: what is wrong with a data set, in order of harm, as JSON and as a page.

The quick checks run anew each time; what the base model was asked is kept, so that an interrupted audit goes on.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import ModelError, UsageError
from sftloop.core.files import atomic_write_json, sha256_file
from sftloop.core.rundir import RunDirectory
from sftloop.records import SPLITS, Record, has_split, load_split, split_path
from sftloop.scenario import Scenario, load_scenario
from sftloop.workflow.apply_rewrites import require_new_file, require_own_file
from sftloop.workflow.audit_checks import (
    Checked,
    Tokenised,
    ask_model,
    check_records,
    check_trainable,
    sampled,
)
from sftloop.workflow.audit_reach import check_reach
from sftloop.workflow.audit_rewrites import Asking, rewrite_outliers
from sftloop.workflow.base_model import base_model
from sftloop.workflow.measure import input_hashes
from sftloop.workflow.place import named_tasks, open_run
from sftloop.workflow.shown import shown

if TYPE_CHECKING:
    from sftloop.curate.finding import DataFinding

_SHOWN_RECORDS, _SHOWN_CHARACTERS = 2000, 600
"""Records that the page can show, and how much of each."""


def audit_scenario(
    directory: Path,
    *,
    model: str | None = None,
    with_model: bool = False,
    split: str = "train",
    tasks: Collection[str] | None = None,
    limit: int | None = None,
    out: Path | None = None,
    seed: int = 0,
    skip_bad: bool = False,
    asking: Asking | None = None,
) -> dict[str, Any]:
    """Audit a split and return what `audit --json` prints.

    Args:
        directory: the scenario's directory.
        model: ask this model instead of the scenario's.
        with_model: ask the scenario's model; naming one means it too.
        split: what is audited; the other splits are looked at for leaks, and for what is unlike it.
        tasks: only these; None: all.
        limit: at most so many records per task.
        out: the run directory; by default one named after the inputs.
        seed: of everything drawn.
        skip_bad: set bad rows aside instead of refusing the file.
        asking: how much the model is asked; None: the defaults of `Asking`.

    Raises:
        UsageError: rewrites are wanted without a model, or into a file of the user's.
    """
    from sftloop.curate.finding import in_order_of_harm

    began = time.monotonic()
    scenario = load_scenario(directory)
    splits = _load(scenario, split, tasks, limit, skip_bad)
    name = model or (scenario.model if with_model else None)
    asking = asking or Asking()
    _require_possible(name, asking, scenario)
    path = _resolve(name, scenario)
    settings = {
        "split": split,
        "tasks": named_tasks(tasks),
        "limit": limit,
        "seed": seed,
        "measured": asking.measured if name else None,
    }
    inputs = _inputs(scenario, splits, path if name else None)
    run = open_run("audit", scenario, inputs, settings, out)
    if tasks:
        scenario = scenario.model_copy(update={"tasks": {task: scenario.tasks[task] for task in tasks}})
    if asking.apply_to is not None:
        require_own_file(asking.apply_to, run)
    records = splits[split]
    checked = Checked()
    tokenised = _tokenised(checked, scenario, records, path)
    trainable = check_trainable(checked, scenario, records, tokenised)
    difficulty = local = None
    if name and path:
        from sftloop.models import LocalModel

        local = LocalModel.load(path, name=name)
        drawn = sampled(checked, trainable, asking.measured, seed)
        difficulty = ask_model(run, checked, scenario, drawn, local, seed)
    else:
        checked.left_out(
            "difficulty and knowledge",
            "no model was asked; --with-model asks the scenario's",
            "难度与知识",
            "没有调用模型；加 --with-model 即可使用场景中的模型",
        )
    check_records(checked, scenario, split, splits, difficulty=difficulty, seed=seed, whole=limit is None)
    check_reach(run, checked, scenario, split, splits, local=local, seed=seed)
    checked.findings = in_order_of_harm(checked.findings)
    told = None
    if local is not None:
        checked.findings, told = rewrite_outliers(
            run, scenario, split, records, checked.findings, local, asking, seed=seed, skip_bad=skip_bad
        )
    return _finish(run, scenario, split, splits, checked, name, told, began)


def _require_possible(model: str | None, asking: Asking, scenario: Scenario) -> None:
    if model is None and (asking.rewrites or asking.apply_to):
        raise UsageError(
            "Rewrites need a model.", hint="Add --model NAME, or --with-model for the scenario's own."
        )
    if asking.apply_to is not None:
        require_new_file(asking.apply_to, scenario)


def _load(
    scenario: Scenario, split: str, tasks: Collection[str] | None, limit: int | None, skip_bad: bool
) -> dict[str, list[Record]]:
    """Return the audited split, then the other ones whose files are there."""
    splits = {split: load_split(scenario, split, tasks=tasks, limit=limit, skip_bad=skip_bad)}
    for other in SPLITS:
        if other != split and has_split(scenario, other):
            splits[other] = load_split(scenario, other, skip_bad=skip_bad)
    return splits


def _resolve(name: str | None, scenario: Scenario) -> Path | None:
    """Return the model's folder: fetched if it is to be asked, else only if it is here (for its tokenizer)."""
    from sftloop.models import resolve_model

    if name:
        return base_model(name)
    try:
        return resolve_model(scenario.model, allow_download=False)
    except ModelError:
        return None


def _tokenised(
    checked: Checked, scenario: Scenario, records: Sequence[Record], path: Path | None
) -> Tokenised | None:
    if path is not None:
        return Tokenised.of(scenario, {record.task for record in records}, path)
    checked.left_out(
        "lengths in tokens",
        f"the model '{scenario.model}' is not on this machine",
        "词元长度",
        f"本机没有模型“{scenario.model}”",
    )
    return None


def _inputs(scenario: Scenario, splits: Collection[str], model: Path | None) -> dict[str, str]:
    if model is not None:
        return input_hashes(scenario, list(splits), model, None)
    assert scenario.file is not None
    files = {split: sha256_file(split_path(scenario, split)) for split in splits}
    return {"scenario": sha256_file(scenario.file), **files}


def _finish(
    run: RunDirectory,
    scenario: Scenario,
    split: str,
    splits: Mapping[str, Sequence[Record]],
    checked: Checked,
    model: str | None,
    rewrites: dict[str, Any] | None,
    began: float,
) -> dict[str, Any]:
    from sftloop.report import AUDIT_PAGE, build_audit_page

    findings = checked.findings
    result = {
        "scenario": scenario.name,
        "language": scenario.language,
        "model": model,
        "split": split,
        "n": len(splits[split]),
        "findings": [finding.to_json() for finding in findings],
        "summary": {**_summary(findings, checked), "rewrites": rewrites},
        "not_checked": checked.not_checked,
        "records": _shown(findings, splits, split, scenario),
        "seconds": round(time.monotonic() - began, 2),
        "page": str(run.file(AUDIT_PAGE)),
    }
    atomic_write_json(run.file("audit.json"), result)
    build_audit_page(run.path)
    run.mark_done("audit", seconds=result["seconds"])
    return result


def _summary(findings: Sequence[DataFinding], checked: Checked) -> dict[str, Any]:
    from sftloop.curate.finding import OF_OTHER_SPLITS

    kinds: dict[str, dict[str, Any]] = {}
    of_this_split = [finding for finding in findings if finding.kind not in OF_OTHER_SPLITS]
    for finding in findings:
        kind = kinds.setdefault(finding.kind, {"findings": 0, "records": set()})
        kind["findings"] += 1
        kind["records"].update(finding.records)
    tasks = {
        name: {
            "knowledge": None,
            "cap": None,
            "coverage": None,
            "styles": {},
            **facts,
            "difficulty": _with_measured(facts.get("difficulty"), facts.pop("measured_difficulty", None)),
        }
        for name, facts in checked.facts.items()
    }
    return {
        "records_touched": len({name for finding in of_this_split for name in finding.records}),
        "by_severity": dict(Counter(finding.severity for finding in findings)),
        "by_kind": {name: {**kind, "records": len(kind["records"])} for name, kind in kinds.items()},
        "tasks": tasks,
    }


def _with_measured(counted: dict[str, Any] | None, measured: dict[str, Any] | None) -> dict[str, Any] | None:
    """Join the counts per label with what the model measured."""
    return {**(counted or {}), **measured} if measured else counted


def _shown(
    findings: Sequence[DataFinding], splits: Mapping[str, Sequence[Record]], split: str, scenario: Scenario
) -> dict[str, dict[str, Any]]:
    """Return the texts of the first records that findings name."""
    from sftloop.curate.finding import OF_OTHER_SPLITS

    known = {record.id: record for record in splits[split]}
    names = dict.fromkeys(
        name
        for finding in findings
        if finding.kind not in OF_OTHER_SPLITS
        for name in finding.records
        if name in known
    )
    return {
        name: {
            "task": known[name].task,
            "tags": list(known[name].tags),
            **shown(known[name], scenario, _SHOWN_CHARACTERS),
        }
        for name in list(names)[:_SHOWN_RECORDS]
    }
