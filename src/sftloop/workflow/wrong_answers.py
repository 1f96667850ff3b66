"""The wrong answers worth reading first: those the fine-tuned model is surest of, and those it newly got wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sftloop.evaluate.align import align
from sftloop.evaluate.field_values import same_values
from sftloop.evaluate.right import right_answers
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario, Task, render_prompt
from sftloop.workflow.shown import written

_PER_TASK = 10


def telling_wrong_answers(
    scenario: Scenario, records: Sequence[Record], before: Sequence[Prediction], after: Sequence[Prediction]
) -> list[dict[str, Any]]:
    """Return at most ten wrong answers per task, most telling first, as plain data.

    A wrong answer tells most when it was right before, then the more probability the model put on it.
    """
    was = {(p.task, p.id): p for p in before}
    now = {(p.task, p.id): p for p in after}
    rows: list[dict[str, Any]] = []
    for name in dict.fromkeys(record.task for record in records):
        task, own = scenario.tasks[name], [record for record in records if record.task == name]
        right_before, right = _right(task, own, before), _right(task, own, after)
        wrong = []
        for record in own:
            if right.get(record.id, True):
                continue
            first, second = was[name, record.id], now[name, record.id]
            lost = right_before.get(record.id, False)
            sure = max((second.probabilities or {"": 0.0}).values())
            wrong.append((lost, sure, {**_row(scenario, record, first, second), "was_right": lost}))
        wrong.sort(key=lambda item: (not item[0], -item[1], item[2]["id"]))
        rows += [row for _, _, row in wrong[:_PER_TASK]]
    return rows


def _right(task: Task, records: Sequence[Record], predictions: Sequence[Prediction]) -> dict[str, bool]:
    """Return record id → whether its answer is right, as the metrics count; failed calls are left out.

    Numbers have no right and wrong there: one is right when it equals the expected one.
    """
    known = right_answers(task, records, predictions)
    if known is not None:
        return known
    scored = align(task, records, predictions)
    pairs = zip(scored.records, scored.predictions, strict=True)
    return {record.id: _same_number(record, prediction) for record, prediction in pairs}


def _same_number(record: Record, prediction: Prediction) -> bool:
    given = None if prediction.answer is None else prediction.answer.score
    return given is not None and same_values(record.answer.score, given, "number")


def _row(scenario: Scenario, record: Record, before: Prediction, after: Prediction) -> dict[str, Any]:
    task = scenario.tasks[record.task]
    table = after.probabilities or {}
    answered = after.answer.label if after.answer else None
    return {
        "task": record.task,
        "id": record.id,
        "tags": list(record.tags),
        "sections": [{"title": "", "text": render_prompt(scenario, task, record.input).user}],
        "gold": written(scenario, record.task, record.answer),
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
    return written(scenario, prediction.task, prediction.answer)
