"""Which answers are right, where a task's answers are right or wrong as a whole.

Free text counts when it equals the expected one; numbers have no right and wrong. Doesn't average.
"""

from __future__ import annotations

from collections.abc import Sequence

from sftloop.evaluate.align import align
from sftloop.evaluate.kinds import KINDS
from sftloop.records.prediction import Prediction
from sftloop.records.schema import Record
from sftloop.scenario.schema import Task

_WHOLE = ("accuracy", "exact_match")


def right_answers(
    task: Task, records: Sequence[Record], predictions: Sequence[Prediction]
) -> dict[str, bool] | None:
    """Return record id → whether its answer is right, failed calls left out; None where nothing is right or wrong.

    Raises:
        DataError: a record has no prediction, or two.
    """
    scored = align(task, records, predictions)
    if not len(scored):
        return {}
    shares = KINDS[task.kind].measure(task, scored).shares
    name = next((name for name in _WHOLE if name in shares), None)
    if name is None:
        return None
    pairs = zip(scored.records, shares[name], strict=True)
    return {record.id: bool(right) for record, right in pairs}
