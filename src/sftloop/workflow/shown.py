"""A record as a page shows it: its input and its answer, cut to a length."""

from __future__ import annotations

from typing import Any

from sftloop.core.errors import DataError
from sftloop.records import Record
from sftloop.scenario import Scenario, Task, format_answer


def shown(record: Record, scenario: Scenario, characters: int) -> dict[str, Any]:
    """Return `text` and `answer` as they are written, each cut to so many characters.

    An answer that the task's format can't write is shown as its labels or its data.
    """
    try:
        answer = format_answer(readable(scenario.tasks[record.task]), record.answer, scenario.language)
    except DataError:
        answer = ", ".join(record.labels()) or str(record.answer.to_json())
    return {"text": record.text()[:characters], "answer": answer[:characters]}


def readable(task: Task) -> Task:
    """Return the task with labels written out where models see letters."""
    return task.with_form(task.form.model_copy(update={"labels": "names"}))
