"""`sftloop compare`: models, fine-tuned ones, services, wordings and classifiers on the same records; a decision.

Each system's answers are kept, so that the same command goes on, and another system can be added to a comparison.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sftloop.core.files import atomic_write_json, sha256_file
from sftloop.evaluate import primary_metric, require_targets
from sftloop.evaluate.all_pairs import all_pairs
from sftloop.evaluate.decision import MARGIN, Candidate, Decision, decide
from sftloop.evaluate.failed_calls import too_many_failed
from sftloop.evaluate.measures import FALLING
from sftloop.records import Prediction, Record, load_split, split_path
from sftloop.records.suites import require_format, write_suite
from sftloop.scenario import Scenario, load_scenario
from sftloop.workflow.answering import answers_of
from sftloop.workflow.contestants import Contestants, gather_systems
from sftloop.workflow.place import named_tasks, open_run
from sftloop.workflow.side_by_side import side_by_side
from sftloop.workflow.system import System
from sftloop.workflow.system_figures import system_figures

Answered = Mapping[str, Sequence[Sequence[Prediction]]]


def compare_scenario(
    directory: Path,
    contestants: Contestants,
    *,
    split: str = "test",
    tasks: Collection[str] | None = None,
    limit: int | None = None,
    out: Path | None = None,
    seed: int = 0,
    skip_bad: bool = False,
    exports: Sequence[tuple[str, Path]] = (),
) -> dict[str, Any]:
    """Compare systems and return what `compare --json` prints.

    Args:
        directory: the scenario's directory.
        contestants: the systems.
        split: what they are asked.
        tasks: only these; None: all.
        limit: at most so many records per task.
        out: the run directory; by default one named after the records, whatever the systems.
        seed: of the bootstrap and the classifiers' cross-validation.
        skip_bad: set bad rows aside instead of refusing the file.
        exports: format and file: the same questions for another tool.
    """
    from sftloop.report.compare_decision import in_words
    from sftloop.report.compare_page import COMPARE_PAGE, build_compare_page
    from sftloop.report.saved_comparison import COMPARE, SIDE_BY_SIDE

    for format, _ in exports:
        require_format(format)
    scenario = load_scenario(directory)
    require_targets(scenario)
    records = load_split(scenario, split, tasks=tasks, limit=limit, skip_bad=skip_bad)
    systems, left_out = gather_systems(scenario, contestants, split, tasks, seed, skip_bad)
    settings = {"split": split, "tasks": named_tasks(tasks), "limit": limit, "seed": seed}
    assert scenario.file is not None
    inputs = {"scenario": sha256_file(scenario.file), split: sha256_file(split_path(scenario, split))}
    run = open_run("compare", scenario, inputs, settings, out)
    run.manifest["command"] = list(sys.argv)  # of the last comparison: its systems are those on the page
    for format, path in exports:
        write_suite(scenario, records, format, path)
    began = time.monotonic()
    # services first: a wrong name or key shows before the hours that models on this machine may take
    order = sorted(systems, key=lambda system: system.kind != "api")
    asked = {system.name: answers_of(run, system, _own(records, system)) for system in order}
    answered = {system.name: asked[system.name] for system in systems}
    result = {
        "scenario": scenario.name,
        "language": scenario.language,
        "split": split,
        "n": len(records),
        **_compared(scenario, records, systems, answered, seed),
        "left_out": left_out,
        "page": str(run.file(COMPARE_PAGE)),
    }
    result["decision"] |= in_words(result)
    result["seconds"] = round(time.monotonic() - began, 2)
    first_seed = {name: runs[0] for name, runs in answered.items()}
    atomic_write_json(run.file(SIDE_BY_SIDE), side_by_side(scenario, records, first_seed))
    atomic_write_json(run.file(COMPARE), result)
    build_compare_page(run.path)
    run.mark_done("compare", seconds=result["seconds"])
    return result


def _compared(
    scenario: Scenario, records: Sequence[Record], systems: Sequence[System], answered: Answered, seed: int
) -> dict[str, Any]:
    """Return tasks, systems, pairs and the decision."""
    figures = [
        system_figures(scenario, system, _own(records, system), answered[system.name], seed=seed)
        for system in systems
    ]
    tasks = [name for name in scenario.tasks if any(record.task == name for record in records)]
    ranked = {name: _ranked(scenario, name, figures) for name in tasks}
    pairs = []
    for name in tasks:
        runs = {one: answered[one] for one in ranked[name]}
        pairs += all_pairs(scenario.tasks[name], records, runs, seed=seed)
    decision = _decision(scenario, figures, tasks, pairs)
    return {
        "tasks": {name: _task(scenario, name, records, ranked[name]) for name in tasks},
        "systems": figures,
        "pairs": pairs,
        "decision": asdict(decision),
    }


def _own(records: Sequence[Record], system: System) -> list[Record]:
    return [record for record in records if record.task in system.tasks]


def _task(scenario: Scenario, name: str, records: Sequence[Record], ranked: Sequence[str]) -> dict[str, Any]:
    task = scenario.tasks[name]
    return {
        "metric": primary_metric(task),
        "kind": task.kind,
        "n": sum(record.task == name for record in records),
        "ranked": list(ranked),
    }


def _ranked(scenario: Scenario, task: str, figures: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the systems that answered a task, the best by its primary metric first.

    Those that too many calls failed on come last: the first is what all others are measured against.
    """
    metric = primary_metric(scenario.tasks[task])
    own = [one for one in figures if task in one["tasks"]]
    own.sort(key=lambda one: (not _usable(one["tasks"][task]), _badness(one, task, metric)))
    return [one["name"] for one in own]


def _badness(one: Mapping[str, Any], task: str, metric: str) -> float:
    """Return a number that rises as a system gets worse on a task, infinite where nothing was scored."""
    value = one["tasks"][task]["metrics"][metric]["value"]
    if value is None:
        return math.inf
    return float(value) if metric in FALLING else -float(value)


def _decision(
    scenario: Scenario,
    figures: Sequence[Mapping[str, Any]],
    tasks: Sequence[str],
    pairs: Sequence[Mapping[str, Any]],
) -> Decision:
    against = {(pair["a"], pair["task"]): pair for pair in pairs if pair["against_best"]}
    places = {task: _places(figures, task, primary_metric(scenario.tasks[task])) for task in tasks}
    candidates = []
    for one in figures:
        targets = {task: found["target"] for task, found in one["tasks"].items() if found["target"]}
        compared = {task: against[one["name"], task] for task in tasks if (one["name"], task) in against}
        candidates.append(
            Candidate(
                name=one["name"],
                kind=one["kind"],
                ranks={task: places[task][one["name"]] for task in tasks if one["name"] in places[task]},
                met={task: bool(target["met"]) for task, target in targets.items()},
                sure={task: bool(target["sure"]) for task, target in targets.items()},
                worse=[task for task, pair in compared.items() if pair["verdict"] == "worse"],
                behind=[task for task, pair in compared.items() if _behind(pair, figures)],
                seconds=one["latency"]["median"],
                needs_model="model" in one["about"],
            )
        )
    stated = {task for one in figures for task, found in one["tasks"].items() if found["target"]}
    return decide(candidates, tasks, stated)


def _places(figures: Sequence[Mapping[str, Any]], task: str, metric: str) -> dict[str, int]:
    """Return the place on a task of each system that may be chosen, equal values sharing the better one."""
    values = {
        one["name"]: _badness(one, task, metric)
        for one in figures
        if task in one["tasks"] and _usable(one["tasks"][task])
    }
    return {name: 1 + sum(other < value for other in values.values()) for name, value in values.items()}


def _usable(found: Mapping[str, Any]) -> bool:
    """Whether a system answered enough of a task's records to be chosen, and to be measured against."""
    return not too_many_failed(found["errors"], found["n"])


def _behind(pair: Mapping[str, Any], figures: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a system that isn't told apart from the best trails it by more than a simpler one may."""
    if pair["verdict"] != "inconclusive" or pair["difference"] is None:
        return False
    best = next(one for one in figures if one["name"] == pair["b"])
    value = best["tasks"][pair["task"]]["metrics"][pair["metric"]]["value"]
    scale = abs(value or 0.0) if pair["metric"] in FALLING else 1.0
    return bool(pair["difference"] < -MARGIN * scale)
