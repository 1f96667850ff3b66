"""The wrong answers worth reading first: those the fine-tuned model is surest of, and those it newly got wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario, format_answer, render_prompt
from sftloop.workflow.shown import readable

_PER_TASK = 10


def telling_wrong_answers(
    scenario: Scenario, records: Sequence[Record], before: Sequence[Prediction], after: Sequence[Prediction]
) -> list[dict[str, Any]]:
    """Return at most ten wrong answers per task, most telling first, as plain data.

    A wrong answer tells most when it was right before, then the more probability the model put on it.
    """
    was = {(p.task, p.id): p for p in before}
    now = {(p.task, p.id): p for p in after}
    found: dict[str, list[tuple[bool, float, dict[str, Any]]]] = {}
    for record in records:
        key = (record.task, record.id)
        prediction = now[key]
        if prediction.error is not None or _right(record, prediction):
            continue
        lost = _right(record, was[key])
        sure = max((prediction.probabilities or {"": 0.0}).values())
        found.setdefault(record.task, []).append((lost, sure, _row(scenario, record, was[key], prediction)))
    rows: list[dict[str, Any]] = []
    for wrong in found.values():
        wrong.sort(key=lambda item: (not item[0], -item[1], item[2]["id"]))
        rows += [row for _, _, row in wrong[:_PER_TASK]]
    return rows


def _right(record: Record, prediction: Prediction) -> bool:
    given, gold = prediction.answer, record.answer
    if given is None:
        return False
    if gold.labels is not None:
        return set(given.labels or ()) == set(gold.labels)
    return (given.label, given.fields, given.text, given.score) == (
        gold.label,
        gold.fields,
        gold.text,
        gold.score,
    )


def _row(scenario: Scenario, record: Record, before: Prediction, after: Prediction) -> dict[str, Any]:
    task = scenario.tasks[record.task]
    table = after.probabilities or {}
    answered = after.answer.label if after.answer else None
    return {
        "task": record.task,
        "id": record.id,
        "tags": list(record.tags),
        "sections": [{"title": "", "text": render_prompt(scenario, task, record.input).user}],
        "gold": format_answer(readable(task), record.answer, scenario.language),
        "before": _shown(scenario, before),
        "after": _shown(scenario, after),
        "text": after.text,
        "probability": table.get(answered) if answered else None,
        "gold_probability": table.get(record.answer.label) if record.answer.label else None,
    }


def _shown(scenario: Scenario, prediction: Prediction) -> str | None:
    if prediction.answer is None:
        return prediction.text
    if prediction.answer.label is not None:
        return prediction.answer.label
    return format_answer(readable(scenario.tasks[prediction.task]), prediction.answer, scenario.language)
