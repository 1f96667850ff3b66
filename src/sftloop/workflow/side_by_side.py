"""Every record with what each system answered to it, for reading; those that systems disagree on first.

Cuts long texts and counts what it leaves out. Computes no metric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sftloop.core.errors import DataError
from sftloop.evaluate.right import right_answers
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario, format_answer
from sftloop.workflow.shown import readable, shown

_MOST_RECORDS, _MOST_CHARACTERS = 2000, 2000
Answered = Mapping[str, Sequence[Prediction]]
"""System → its predictions (of the first seed)."""


def side_by_side(scenario: Scenario, records: Sequence[Record], answered: Answered) -> dict[str, Any]:
    """Return {"n", "differ", "rows": [{"task", "id", "tags", "text", "gold", "differ", "answers"}]}.

    `answers` maps a system to {"text", "right", "error"}; a system that wasn't asked is left out. `differ` says
    that two systems gave different answers; such records come first, each part in the records' order.
    """
    right = _right(scenario, records, answered)
    given = {name: {(one.task, one.id): one for one in predictions} for name, predictions in answered.items()}
    rows = [_row(scenario, record, given, right) for record in records]
    rows.sort(key=lambda row: not row["differ"])
    return {
        "n": len(rows),
        "differ": sum(row["differ"] for row in rows),
        "rows": rows[:_MOST_RECORDS],
    }


def _right(
    scenario: Scenario, records: Sequence[Record], answered: Answered
) -> dict[str, dict[tuple[str, str], bool]]:
    found: dict[str, dict[tuple[str, str], bool]] = {}
    for name, predictions in answered.items():
        covered = {one.task for one in predictions}
        own = found[name] = {}
        for task in (each for key, each in scenario.tasks.items() if key in covered):
            rights = right_answers(task, records, predictions) or {}
            own.update({(task.name, record): value for record, value in rights.items()})
    return found


def _row(
    scenario: Scenario,
    record: Record,
    given: Mapping[str, Mapping[tuple[str, str], Prediction]],
    right: Mapping[str, Mapping[tuple[str, str], bool]],
) -> dict[str, Any]:
    key = (record.task, record.id)
    answers = {
        name: {
            "text": _answer(scenario, predictions[key]),
            "right": right[name].get(key),
            "error": predictions[key].error,
        }
        for name, predictions in given.items()
        if key in predictions
    }
    texts = {one["text"] for one in answers.values() if one["error"] is None}
    written = shown(record, scenario, _MOST_CHARACTERS)
    return {
        "task": record.task,
        "id": record.id,
        "tags": list(record.tags),
        "text": written["text"],
        "gold": _short(scenario, record.task, record.answer) or written["answer"],
        "differ": len(texts) > 1,
        "answers": answers,
    }


def _answer(scenario: Scenario, prediction: Prediction) -> str:
    if prediction.answer is None:
        return (prediction.text or "")[:_MOST_CHARACTERS]
    return _short(scenario, prediction.task, prediction.answer)


def _short(scenario: Scenario, task: str, answer: Any) -> str:
    """Return what is scored of an answer, without reason and quotes."""
    if answer.label is not None:
        return str(answer.label)
    if answer.labels is not None:
        return ", ".join(label for label in scenario.tasks[task].labels if label in answer.labels) or "–"
    if answer.score is not None:
        return f"{answer.score:g}"
    whole = readable(scenario.tasks[task])
    alone = whole.model_copy(
        update={"answer": whole.answer.model_copy(update={"reason": False, "evidence": False})}
    )
    try:
        return format_answer(alone, answer, scenario.language)[:_MOST_CHARACTERS]
    except DataError:
        return str(answer.to_json())[:_MOST_CHARACTERS]
