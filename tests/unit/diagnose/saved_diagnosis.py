"""A diagnosis as the verb saves it, of answers made by hand: an eager model before, a careful one after."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.unit.diagnose.cases import POSTS, child, leave, message

from sftloop.diagnose.before_after import compare_diagnoses
from sftloop.diagnose.probes import Answered, Probes, probes_of
from sftloop.diagnose.suggestions import suggest
from sftloop.diagnose.task_diagnosis import diagnose_task
from sftloop.records import Prediction, Record
from sftloop.scenario import Answer, Scenario

MESSAGES = [
    message(f"m{n}", label, text, evidence)
    for n, (label, text, evidence) in enumerate(
        [
            ("cannot_tell", "Where is my order?", []),
            ("leaving", "The lamp broke. I am closing my account.", ["I am closing my account"]),
            ("cannot_tell", "The lamp broke again.", []),
        ]
    )
]


def answers(case: Scenario, records: Sequence[Record], careful: int) -> list[Prediction]:
    """Answer rightly on every record but each `careful`-th, where the first label is claimed."""
    found = []
    for number, record in enumerate(records):
        labels = case.tasks[record.task].labels
        label = record.answer.label if number % careful else next(iter(labels))
        table = {name: 0.8 if name == label else 0.2 / (len(labels) - 1) for name in labels}
        own = Answer(label=label, evidence=record.answer.evidence)
        found.append(Prediction(id=record.id, task=record.task, answer=own, probabilities=table))
    return found


def answered(case: Scenario, probes: Probes, careful: int) -> Answered:
    """Return one model's answers to everything."""
    return Answered(
        records=answers(case, probes.records, careful),
        validation=answers(case, probes.validation, careful),
        generated=answers(case, probes.generated(), careful),
        varied={v.name: (v.aspect, answers(case, probes.varied, careful)) for v in probes.variants},
    )


@cache
def _text(language: str, compared: bool) -> str:
    case, records = (child(), POSTS) if language == "zh" else (leave(), MESSAGES)
    [task] = case.tasks.values()
    probes = probes_of(case, task, records, records, quick=False, seed=0)
    sides = {role: answered(case, probes, careful) for role, careful in (("before", 1), ("after", 4))}
    found = {role: {task.name: diagnose_task(case, probes, side, seed=0)} for role, side in sides.items()}
    after = found["after"][task.name]
    tests = compare_diagnoses(
        {task.name: probes}, {task.name: sides["before"]}, {task.name: sides["after"]}, seed=0
    )
    failed = {one for row in after["traps"].values() for one in row["failed"]}
    result = {
        "scenario": case.name,
        "language": language,
        "model": "tiny",
        "adapter": "runs/x/adapter",
        "split": "test",
        "n": len(records),
        "tasks": found["after"],
        "compared": {"model": "tiny", "adapter": None, "tasks": found["before"], "tests": tests}
        if compared
        else None,
        "suggestions": [s.to_json() for s in suggest(case, probes, sides["after"], after, records, seed=0)],
        "records": {
            trap.record.id: {"task": task.name, "text": "text", "answer": "nothing", "given": "claim"}
            for trap in probes.traps
            if trap.record.id in failed
        },
    }
    return json.dumps(result, ensure_ascii=False)


def diagnosis(language: str = "en", *, compared: bool = True) -> dict[str, Any]:
    """Return a fresh copy of the saved result."""
    found: dict[str, Any] = json.loads(_text(language, compared))
    return found


def write_diagnosis(directory: Path, result: dict[str, Any]) -> Path:
    """Write it where `diagnose` would."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "diagnose.json").write_text(json.dumps(result, ensure_ascii=False), encoding="utf-8")
    return directory
