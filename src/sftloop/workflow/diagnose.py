"""`sftloop diagnose hallucination`: where a model claims more than its input says, and what would mend it.

Everything asked is kept in the run's directory, so that an interrupted diagnosis goes on; the figures are made
anew each time.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import UsageError
from sftloop.core.files import atomic_write_json
from sftloop.core.jsonl import write_jsonl
from sftloop.core.rundir import RunDirectory
from sftloop.records import Record, has_split, load_split
from sftloop.scenario import Scenario, load_scenario
from sftloop.workflow.diagnose_asking import ask
from sftloop.workflow.diagnose_sides import Side, Wanted, side_inputs, sides_of
from sftloop.workflow.place import named_tasks, open_run
from sftloop.workflow.shown import shown

if TYPE_CHECKING:
    from sftloop.diagnose.probes import Answered, Probes

_SHOWN_CHARACTERS = 600


def diagnose_hallucination(
    directory: Path,
    *,
    wanted: Wanted | None = None,
    split: str = "test",
    tasks: Collection[str] | None = None,
    limit: int | None = None,
    quick: bool = False,
    out: Path | None = None,
    seed: int = 0,
    skip_bad: bool = False,
) -> dict[str, Any]:
    """Diagnose a model and return what `diagnose hallucination --json` prints.

    Args:
        directory: the scenario's directory.
        wanted: which model, and what it is compared with; by default the scenario's alone.
        split: what is diagnosed.
        tasks: only these; None: all that claim something.
        limit: at most so many records per task.
        quick: ask the records only: no interventions, generated traps or variants.
        out: the run directory; by default one named after the inputs, so that repeating resumes.
        seed: of everything drawn.
        skip_bad: set bad rows aside instead of refusing the file.

    Raises:
        UsageError: no task claims something, or both models are the same.
    """
    began = time.monotonic()
    scenario = load_scenario(directory)
    records = load_split(scenario, split, tasks=tasks, limit=limit, skip_bad=skip_bad)
    judged = _judged(scenario, records)
    others = {
        "validation": _other(scenario, "validation", split, skip_bad),
        "train": _other(scenario, "train", split, skip_bad),
    }
    wanted = wanted or Wanted()
    sides = sides_of(scenario, wanted)
    settings = {
        "split": split,
        "tasks": named_tasks(tasks),
        "limit": limit,
        "quick": quick,
        "seed": seed,
        "before": wanted.before,
    }
    inputs = side_inputs(scenario, [split, *(name for name, own in others.items() if own)], sides)
    run = open_run("diagnose", scenario, inputs, settings, out)
    from sftloop.diagnose.probes import probes_of

    probes = {
        name: probes_of(scenario, scenario.tasks[name], records, others["validation"], quick=quick, seed=seed)
        for name in judged
    }
    _write_probes(run, probes)
    answered = {side.role: ask(run, scenario, probes, side, quick=quick, seed=seed) for side in sides}
    result = _result(scenario, split, probes, answered, sides, others["train"], seed)
    result["skipped"] = sorted({record.task for record in records} - set(judged))
    return _finish(run, result, began)


def _judged(scenario: Scenario, records: Sequence[Record]) -> list[str]:
    """Return the tasks with records whose answers claim something."""
    from sftloop.diagnose.claims import JUDGED

    present = [name for name in scenario.tasks if any(record.task == name for record in records)]
    judged = [name for name in present if scenario.tasks[name].kind in JUDGED]
    if not judged:
        kinds = ", ".join(f"'{name}' ({scenario.tasks[name].kind})" for name in present)
        raise UsageError(
            f"No task here claims something that can be checked: {kinds}.",
            hint=f"A diagnosis needs a task of kind {', '.join(JUDGED)}.",
        )
    return judged


def _other(scenario: Scenario, name: str, split: str, skip_bad: bool) -> list[Record]:
    """Return another split's records, all of them; none where it is the diagnosed one or has no file."""
    if name == split or not has_split(scenario, name):
        return []
    return load_split(scenario, name, skip_bad=skip_bad)


def _write_probes(run: RunDirectory, probes: Mapping[str, Probes]) -> None:
    """Keep the generated records, so that they can be read and judged."""
    write_jsonl(
        run.file("probes.jsonl"), (record.to_json() for own in probes.values() for record in own.generated())
    )


def _result(
    scenario: Scenario,
    split: str,
    probes: Mapping[str, Probes],
    answered: Mapping[str, Mapping[str, Answered]],
    sides: Sequence[Side],
    train: Sequence[Record],
    seed: int,
) -> dict[str, Any]:
    from sftloop.diagnose.before_after import compare_diagnoses
    from sftloop.diagnose.suggestions import suggest
    from sftloop.diagnose.task_diagnosis import diagnose_task

    found = {
        side.role: {
            name: diagnose_task(scenario, own, answered[side.role][name], seed=seed)
            for name, own in probes.items()
        }
        for side in sides
    }
    compared = None
    if "before" in found:
        tests = compare_diagnoses(probes, answered["before"], answered["after"], seed=seed)
        compared = {**_named(sides[0]), "tasks": found["before"], "tests": tests}
    suggestions = [
        suggestion.to_json()
        for name, own in probes.items()
        for suggestion in suggest(
            scenario, own, answered["after"][name], found["after"][name], train, seed=seed
        )
    ]
    return {
        "scenario": scenario.name,
        "language": scenario.language,
        **_named(sides[-1]),
        "split": split,
        "n": sum(len(own.records) for own in probes.values()),
        "tasks": found["after"],
        "compared": compared,
        "suggestions": suggestions,
        "records": _failed(scenario, probes, answered["after"], found["after"]),
    }


def _named(side: Side) -> dict[str, Any]:
    return {"model": side.model, "adapter": str(side.adapter) if side.adapter else None}


def _failed(
    scenario: Scenario,
    probes: Mapping[str, Probes],
    answered: Mapping[str, Answered],
    found: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Return the texts of the traps that results name, each with the answer given."""
    texts = {}
    for name, own in probes.items():
        named = {one for family in found[name]["traps"].values() for one in family["failed"]}
        given = {p.id: p for p in (*answered[name].generated, *answered[name].records)}
        for trap in own.traps:
            if trap.record.id in named:
                answer = given[trap.record.id].answer
                said = None if answer is None else answer.label or ", ".join(answer.labels or ())
                expected = ", ".join(trap.record.labels())
                text = shown(trap.record, scenario, _SHOWN_CHARACTERS)["text"]
                texts[trap.record.id] = {"task": name, "text": text, "answer": expected, "given": said or ""}
    return texts


def _finish(run: RunDirectory, result: dict[str, Any], began: float) -> dict[str, Any]:
    from sftloop.report.diagnose_page import DIAGNOSE_PAGE, build_diagnose_page

    drafts = [record for suggestion in result["suggestions"] for record in suggestion["records"]]
    write_jsonl(run.file("drafts.jsonl"), drafts)
    result |= {
        "probes": str(run.file("probes.jsonl")),
        "drafts": str(run.file("drafts.jsonl")),
        "seconds": round(time.monotonic() - began, 2),
        "page": str(run.file(DIAGNOSE_PAGE)),
    }
    atomic_write_json(run.file("diagnose.json"), result)
    build_diagnose_page(run.path)
    run.mark_done("diagnose", seconds=result["seconds"])
    return result
