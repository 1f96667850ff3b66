"""`sftloop prompt improve`: learn from the reasons of wrong answers, one tested change at a time.

The validation records are divided: proposals are learned from one part and tested on the other. The test
records are opened once, at the end, and only if something was taken. The user's scenario.yaml stays as it
is unless it is asked to be replaced.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sftloop.core.files import atomic_write_json, atomic_write_text, read_text, sha256_file
from sftloop.core.rundir import RunDirectory
from sftloop.evaluate import primary_metric
from sftloop.records import Record, load_split, split_path
from sftloop.scenario import Scenario, load_scenario
from sftloop.scenario.yaml_edit import scenario_diff
from sftloop.workflow.api_systems import Services
from sftloop.workflow.improve_asking import Asking, find_voices
from sftloop.workflow.improve_decide import smallest_detectable
from sftloop.workflow.improve_final import final_test
from sftloop.workflow.improve_history import HISTORY, History
from sftloop.workflow.improve_proposal import Proposal
from sftloop.workflow.improve_records import divide, improvable_tasks
from sftloop.workflow.improve_rounds import Rounds, Setting
from sftloop.workflow.place import named_tasks, open_run
from sftloop.workflow.put_in_place import put_in_place


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How much is tried, and by whom."""

    model: str | None = None
    """Whose prompt it is; None: the scenario's model. `MODEL@URL` for one behind an API."""
    writer: str | None = None
    """Who proposes; None: the model itself."""
    services: Services = field(default_factory=Services)
    """Prices, keys and budget of those behind an API."""
    rounds: int = 2
    proposals: int = 4
    """Asked for in each round."""


def improve_prompt(
    directory: Path,
    search: Search,
    *,
    tasks: Collection[str] | None = None,
    limit: int | None = None,
    out: Path | None = None,
    seed: int = 0,
    skip_bad: bool = False,
    apply: bool = False,
) -> dict[str, Any]:
    """Look for better definitions and return what `prompt improve --json` prints.

    Args:
        directory: the scenario's directory.
        search: models, rounds, proposals.
        tasks: only these; None: all that have definitions.
        limit: at most so many validation, and later test, records per task.
        out: the run directory; by default one named after inputs and settings, so that repeating resumes.
        seed: of the division of the validation records and of the bootstrap.
        skip_bad: set bad rows aside instead of refusing the file.
        apply: put the improved prompt in the place of the scenario's, if something was taken.

    Raises:
        UsageError: nothing to improve, or a model or service can't be read.
        DataError: too few records to divide.
        ExternalError: a service failed for good; the same command goes on.
    """
    from sftloop.report.improve_page import IMPROVE_PAGE, build_improve_page
    from sftloop.report.saved_improvement import IMPROVE

    began = time.monotonic()
    scenario = load_scenario(directory)
    assert scenario.file is not None
    chosen = improvable_tasks(scenario, tasks)
    records = load_split(scenario, "validation", tasks=chosen, limit=limit, skip_bad=skip_bad)
    seen, held_out = divide(records, chosen, seed)
    model, writer = find_voices(search.model or scenario.model, search.writer, search.services)
    settings = {
        "tasks": named_tasks(tasks),
        "limit": limit,
        "rounds": search.rounds,
        "proposals": search.proposals,
        "seed": seed,
    }
    inputs = {
        "scenario": sha256_file(scenario.file),
        "validation": sha256_file(split_path(scenario, "validation")),
        "model": model.identity,
        "writer": writer.identity,
    }
    run = open_run("prompt improve", scenario, inputs, settings, out, name="improve")
    text = read_text(scenario.file, "the scenario")
    with Asking(run) as asking, History(run.file(HISTORY)) as history:
        setting = Setting(
            asking=asking,
            history=history,
            model=model,
            writer=writer,
            seen=seen,
            held_out=held_out,
            rounds=search.rounds,
            proposals=search.proposals,
            seed=seed,
        )
        rounds = Rounds(setting, scenario, text)
        rounds.run()
        accepted = [one for one in rounds.proposals if one.decision == "accepted"]
        names = list(dict.fromkeys(one.task for one in accepted))
        test = final_test(setting, scenario, rounds.scenario, names, limit=limit, skip_bad=skip_bad)
        costs = asking.costs
    result = {
        "scenario": scenario.name,
        "language": scenario.language,
        "model": model.name,
        "writer": writer.name,
        "seed": seed,
        "n": {"seen": sum(map(len, seen.values())), "held_out": sum(map(len, held_out.values()))},
        "tasks": {name: _task(scenario, name, seen[name], held_out[name]) for name in seen},
        **_told(rounds, search, held_out),
        "test": test,
        **_write(run, scenario, text, rounds.text, accepted),
        "costs": costs,
        "history": str(run.file(HISTORY)),
        "page": str(run.file(IMPROVE_PAGE)),
    }
    worse = [name for name, row in (test or {"paired": {}})["paired"].items() if row["verdict"] == "worse"]
    wanted = apply and bool(accepted)
    result["applied"] = put_in_place(scenario, inputs["scenario"], rounds.text, worse) if wanted else None
    result["seconds"] = round(time.monotonic() - began, 2)
    atomic_write_json(run.file(IMPROVE), result)
    build_improve_page(run.path)
    run.mark_done("improve", seconds=result["seconds"])
    return result


def _task(
    scenario: Scenario, name: str, seen: Sequence[Record], held_out: Sequence[Record]
) -> dict[str, Any]:
    task = scenario.tasks[name]
    return {
        "kind": task.kind,
        "metric": primary_metric(task),
        "key": task.key,
        "seen": len(seen),
        "held_out": len(held_out),
    }


def _told(rounds: Rounds, search: Search, held_out: Mapping[str, Sequence[Record]]) -> dict[str, Any]:
    """Return groups, proposals, what was taken and refused, and what could have been found."""
    made = rounds.proposals
    tested = [one for one in made if one.test is not None]
    return {
        "rounds": max((one.round for one in made), default=0),
        "reading": rounds.reading,
        "groups": rounds.groups,
        "proposals": [one.to_json() for one in made],
        "asked": sum(one.again is None for one in made),
        "tested": len(tested),
        "refused": dict(Counter(one.refused.kind for one in made if one.refused)),
        "accepted": [_accepted(one) for one in made if one.decision == "accepted"],
        "detectable": {
            name: smallest_detectable(
                [one.test for one in tested if one.task == name and one.test],
                len(records),
                planned=search.rounds * search.proposals,
            )
            for name, records in held_out.items()
        },
    }


def _accepted(one: Proposal) -> dict[str, Any]:
    assert one.test is not None and one.change is not None
    head = {"id": one.id, "task": one.task, "name": one.change.name, "part": one.change.part}
    figures = ("metric", "difference", "low", "high", "p_adjusted")
    return head | {"text": one.change.text, "diff": one.diff} | {key: one.test[key] for key in figures}


def _write(
    run: RunDirectory, scenario: Scenario, before: str, after: str, accepted: Sequence[Proposal]
) -> dict[str, Any]:
    """Write the improved file and its diff, if anything was taken; say how to put it in place."""
    if not accepted:
        return {"improved": None, "diff": None, "apply": None}
    assert scenario.file is not None
    improved, diff = run.file("improved.yaml"), run.file("improved.diff")
    atomic_write_text(improved, after)
    atomic_write_text(diff, scenario_diff(before, after, scenario.file.name))
    words = [part for part in sys.argv[1:] if part not in ("--json", "--apply")]
    return {
        "improved": str(improved),
        "diff": str(diff),
        "apply": shlex.join(["sftloop", *words, "--apply"]),
    }
