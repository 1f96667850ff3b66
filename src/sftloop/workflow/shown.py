"""A record as a page shows it: its input and its answer, cut to a length."""

from __future__ import annotations

from typing import Any

from sftloop.core.errors import DataError
from sftloop.records import Record
from sftloop.scenario import Scenario, format_answer


def shown(record: Record, scenario: Scenario, characters: int) -> dict[str, Any]:
    """Return `text` and `answer` as they are written, each cut to so many characters.

    An answer that the task's format can't write is shown as its labels or its data.
    """
    try:
        answer = format_answer(scenario.tasks[record.task], record.answer, scenario.language)
    except DataError:
        answer = ", ".join(record.labels()) or str(record.answer.to_json())
    return {"text": record.text()[:characters], "answer": answer[:characters]}
