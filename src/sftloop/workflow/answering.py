"""Systems answer records: each run into a file of its own, no answer ever asked for twice.

The folder's name depends on what the answers depend on, so that a comparison to which a system is added, or taken
away, goes on from the answers that are there. What a service failed to answer is asked again each time.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path

from sftloop.core.errors import ExternalError
from sftloop.core.files import atomic_write_json, sha256_file
from sftloop.core.jsonl import write_jsonl
from sftloop.core.progress import say
from sftloop.core.rundir import RunDirectory
from sftloop.evaluate.predict import predict_records, read_predictions
from sftloop.records import Prediction, Record, split_path
from sftloop.scenario import Scenario
from sftloop.workflow.system import Opener, System


def answers_of(run: RunDirectory, system: System, records: Sequence[Record]) -> list[list[Prediction]]:
    """Return the system's predictions, a list per seed; a finished run is read, an unfinished one goes on.

    Args:
        run: gets `systems/NAME-xxxxxxxx/predictions.jsonl` per seed.
        system: what is asked.
        records: of the tasks that the system can answer.

    Raises:
        ExternalError: a service fails for all; of one that was only asked again, this is said and no more.
    """
    found = []
    for number, (opened, identity) in enumerate(zip(system.runs, system.identities, strict=True), start=1):
        step = f"systems/{_slug(system.name)}-{identity[:8]}"
        label = system.name + (f" (seed {number} of {len(system.runs)})" if len(system.runs) > 1 else "")
        path = run.file(f"{step}/predictions.jsonl")
        if not run.step_done(step):
            began = time.monotonic()
            answered = _asked(system, opened, records, records, path, label)
            atomic_write_json(run.file(f"{step}/system.json"), {"name": system.name, **system.about})
            run.mark_done(step, seconds=round(time.monotonic() - began, 2))
        else:
            answered = _kept(path, records)
            if missing := unanswered(system, answered):
                answered = _asked_again(system, opened, records, missing, path)
        found.append(answered)
    return found


def _asked(
    system: System,
    opened: Opener,
    records: Sequence[Record],
    todo: Sequence[Record],
    path: Path,
    label: str,
) -> list[Prediction]:
    """Return answers to all records, after the estimate for those to do."""
    with opened() as predictor:
        if estimate := getattr(predictor, "estimate", None):  # a service says first what it will take
            say(f"{system.name}: {estimate(system.scenario, todo)}")
        service = system.kind == "api"
        return predict_records(predictor, system.scenario, records, path, label=label, again=service)


def _asked_again(
    system: System, opened: Opener, records: Sequence[Record], missing: Sequence[Prediction], path: Path
) -> list[Prediction]:
    """Return all answers after another try for those that are missing; none is lost if the service fails."""
    wanted = {(one.task, one.id) for one in missing}
    todo = [record for record in records if (record.task, record.id) in wanted]
    try:
        answered = _asked(system, opened, records, todo, path, f"{system.name}, asked again")
    except ExternalError as error:
        many = "" if len(todo) == 1 else "s"
        say(f"{system.name}: still {len(todo)} record{many} without an answer. {error.message}")
        return _kept(path, records)
    write_jsonl(path, (one.to_json() for one in answered))  # without the lines that no longer count
    return answered


def name_of_test(scenario: Scenario) -> str:
    """Return what answers to the test records are called, so that a changed test file is asked anew.

    Raises:
        UsageError: the scenario names no test file.
    """
    return f"test-{sha256_file(split_path(scenario, 'test'))[:8]}"


def asks_again(kind: str, path: Path, seen: set[Path]) -> bool:
    """Whether what `path` holds as unanswered is asked for again: of a service, once per process.

    Args:
        kind: of the system; a model on this machine would leave out again what it left out.
        path: the answers.
        seen: the paths of earlier calls; gets this one.
    """
    first = path not in seen
    seen.add(path)
    return first and kind == "api"


def unanswered(system: System, run: Sequence[Prediction]) -> list[Prediction]:
    """Return what the same command asks again: calls to a service that came to nothing.

    What a model on this machine leaves out, an input too long for it, it would leave out again.
    """
    return [one for one in run if one.unanswered] if system.kind == "api" else []


def _kept(path: Path, records: Sequence[Record]) -> list[Prediction]:
    kept = {(one.task, one.id): one for one in read_predictions(path)}
    return [kept[record.task, record.id] for record in records]


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "system"
