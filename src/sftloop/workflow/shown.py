"""A record as a page shows it: its input and its answer, cut to a length."""

from __future__ import annotations

from typing import Any

from sftloop.core.errors import DataError
from sftloop.records import Record
from sftloop.scenario import Answer, Scenario, Task, format_answer


def shown(record: Record, scenario: Scenario, characters: int) -> dict[str, Any]:
    """Return `text` and `answer` as they are written, each cut to so many characters.

    A reason or evidence that the answer lacks is left out.
    """
    answer = written(scenario, record.task, record.answer)
    return {"text": record.text()[:characters], "answer": answer[:characters]}


def written(scenario: Scenario, name: str, answer: Answer) -> str:
    """Return an answer to the task of that name as text, with as much of what is asked for as it has.

    An answer that the task's format can't write is shown as its data.
    """
    task = readable(scenario.tasks[name])
    parts = {key: getattr(answer, key) is not None for key in task.extras}
    own = task.model_copy(update={"answer": task.answer.model_copy(update=parts)})
    try:
        return format_answer(own, answer, scenario.language)
    except DataError:
        return str(answer.to_json())


def readable(task: Task) -> Task:
    """Return the task with labels written out where models see letters."""
    return task.with_form(task.form.model_copy(update={"labels": "names"}))
