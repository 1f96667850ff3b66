"""Small tasks with records and predictions, built in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sftloop.records.prediction import Prediction
from sftloop.records.schema import Record
from sftloop.scenario.answer import Answer
from sftloop.scenario.schema import Task

ERROR = "<error>"
UNPARSED = None
KEYS = {"choice": "label", "multi": "labels", "extract": "fields", "generate": "text", "score": "score"}

Answered = tuple[list[Record], list[Prediction]]


def build_task(kind: str, **parts: Any) -> Task:
    return Task.model_validate({"kind": kind, "name": "t", "input": [{"name": "text"}], **parts})


def build_answered(
    task: Task,
    expected: Sequence[Any],
    given: Sequence[Any],
    groups: Sequence[str | None] | None = None,
) -> Answered:
    """Records with the expected answers, predictions with the given ones (UNPARSED, ERROR or an answer)."""
    key = KEYS[task.kind]
    records, predictions = [], []
    for number, (right, said) in enumerate(zip(expected, given, strict=True)):
        name = f"r{number}"
        group = groups[number] if groups else None
        answer = Answer(**{key: right})
        records.append(Record(id=name, task=task.name, input={"text": "x"}, answer=answer, group=group))
        failed = isinstance(said, str) and said == ERROR
        predictions.append(
            Prediction(
                id=name,
                task=task.name,
                text=None if failed else str(said),
                answer=None if failed or said is UNPARSED else Answer(**{key: said}),
                format_valid=None if failed else said is not UNPARSED,
                latency_seconds=None if failed else 0.5,
                error="timed out" if failed else None,
            )
        )
    return records, predictions
