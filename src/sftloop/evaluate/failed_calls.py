"""How many calls may fail before the answers that came say too little.

Failed calls are left out of every metric: a system that answers only what it likes would look good.
Knows no metric.
"""

from __future__ import annotations

from collections.abc import Sequence

from sftloop.records.prediction import Prediction
from sftloop.records.schema import Record

MOST_FAILED = 0.1
"""Share of failed calls beyond which nothing is chosen, accepted or measured against."""


def too_many_failed(failed: float, asked: int) -> bool:
    """Whether nothing was asked, or more than `MOST_FAILED` of `asked` calls failed."""
    return not asked or failed > MOST_FAILED * asked


def answered_by_all(
    task: str, records: Sequence[Record], runs: Sequence[Sequence[Prediction]]
) -> list[Record]:
    """Return the task's records on which no run's call failed, so that all runs stand on the same ones."""
    failed = {one.id for run in runs for one in run if one.task == task and one.error is not None}
    return [record for record in records if record.task == task and record.id not in failed]
