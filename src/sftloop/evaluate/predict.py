"""Predictions over records, written as they come, so that an interrupted evaluation goes on.

Knows a predictor by its one method; doesn't know what is behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from sftloop.core.jsonl import JsonlAppender, kept_rows, read_jsonl
from sftloop.core.progress import Progress
from sftloop.records.prediction import Prediction
from sftloop.records.schema import Record
from sftloop.scenario.schema import Scenario

_CHUNK = 256
"""Records handed to a predictor at a time, unless it names its own number (`chunk`): enough to batch by length,
bounded in memory."""


class Predictor(Protocol):
    """Anything that answers records of one task."""

    def predict(self, scenario: Scenario, task: str, records: Sequence[Record]) -> Iterator[Prediction]:
        """Yield one prediction per record, in any order."""
        ...


def predict_records(
    predictor: Predictor,
    scenario: Scenario,
    records: Sequence[Record],
    path: Path | None,
    *,
    label: str = "Evaluating",
    again: bool = False,
) -> list[Prediction]:
    """Answer all records, going on from what `path` already holds.

    Args:
        predictor: the model.
        scenario: gives the prompts' wording.
        records: of any tasks.
        path: JSON Lines of predictions, appended to as they come; None keeps them in memory only.
        label: what the progress line says.
        again: ask once more for what `path` holds as unanswered; of two lines on one record the later counts.

    Returns:
        One prediction per record, in the records' order.

    Raises:
        ExternalError: the disk is full; what is written stays.
    """
    done = _already(path)
    if again:
        done = {key: prediction for key, prediction in done.items() if not prediction.unanswered}
    todo: dict[str, list[Record]] = {}
    for record in records:
        if (record.task, record.id) not in done:
            todo.setdefault(record.task, []).append(record)
    sink = JsonlAppender(path) if path is not None and todo else None
    left = sum(map(len, todo.values()))
    try:
        with Progress(label, len(records), done=len(records) - left) as progress:
            for task, chunk in _chunks(todo, getattr(predictor, "chunk", _CHUNK)):
                for prediction in predictor.predict(scenario, task, chunk):
                    if sink is not None:
                        sink.append(prediction.to_json())
                    done[prediction.task, prediction.id] = prediction
                    progress.advance(note=task)
    finally:
        if sink is not None:
            sink.close()
    return [done[record.task, record.id] for record in records]


def read_predictions(path: Path) -> list[Prediction]:
    """Return the predictions of a finished file, one per record: the later line counts."""
    rows = (Prediction.from_json(row) for _, row in read_jsonl(path, what="predictions"))
    return list({(one.task, one.id): one for one in rows}.values())


def _already(path: Path | None) -> dict[tuple[str, str], Prediction]:
    rows = () if path is None else kept_rows(path, what="predictions")
    return {(one.task, one.id): one for one in map(Prediction.from_json, rows)}


def _chunks(todo: dict[str, list[Record]], size: int) -> Iterator[tuple[str, list[Record]]]:
    for task, records in todo.items():
        for start in range(0, len(records), size):
            yield task, records[start : start + size]
