"""Systems answer records: each run into a file of its own, never asked twice.

The folder's name depends on what the answers depend on, so that a comparison to which a system is added, or taken
away, goes on from the answers that are there.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from sftloop.core.files import atomic_write_json
from sftloop.core.progress import say
from sftloop.core.rundir import RunDirectory
from sftloop.evaluate.predict import predict_records, read_predictions
from sftloop.records import Prediction, Record
from sftloop.workflow.system import System


def answers_of(run: RunDirectory, system: System, records: Sequence[Record]) -> list[list[Prediction]]:
    """Return the system's predictions, a list per seed; a finished run is read, an unfinished one goes on.

    Args:
        run: gets `systems/NAME-xxxxxxxx/predictions.jsonl` per seed.
        system: what is asked.
        records: of the tasks that the system can answer.
    """
    found = []
    for number, (opened, identity) in enumerate(zip(system.runs, system.identities, strict=True), start=1):
        step = f"systems/{_slug(system.name)}-{identity[:8]}"
        path = run.file(f"{step}/predictions.jsonl")
        if run.step_done(step):
            kept = {(one.task, one.id): one for one in read_predictions(path)}
            found.append([kept[record.task, record.id] for record in records])
            continue
        began = time.monotonic()
        which = f" (seed {number} of {len(system.runs)})" if len(system.runs) > 1 else ""
        with opened() as predictor:
            if estimate := getattr(predictor, "estimate", None):  # a service says first what it will take
                say(f"{system.name}: {estimate(system.scenario, records)}")
            answered = predict_records(
                predictor, system.scenario, records, path, label=f"{system.name}{which}"
            )
        atomic_write_json(run.file(f"{step}/system.json"), {"name": system.name, **system.about})
        run.mark_done(step, seconds=round(time.monotonic() - began, 2))
        found.append(answered)
    return found


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "system"
