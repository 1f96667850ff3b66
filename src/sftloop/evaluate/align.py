"""Matching predictions to the records of one task, and setting failed calls apart.

Doesn't score anything. A prediction with an error never counts as an answer, right or wrong; a record without
a prediction is a mistake of the caller and refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sftloop.core.errors import DataError
from sftloop.evaluate.proportions import IntArray
from sftloop.records.prediction import Prediction
from sftloop.records.schema import Record
from sftloop.scenario.schema import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One task's records whose predictions are free of errors, with those predictions, in record order."""

    records: tuple[Record, ...]
    predictions: tuple[Prediction, ...]
    errors: int
    """Records left out because the call failed."""
    clusters: IntArray | None
    """Code of each record's group, or None when no two records share one."""

    def __len__(self) -> int:
        """Return the number of scored records."""
        return len(self.records)


class Pairs(NamedTuple):
    """The same records as two systems answered them."""

    before: Scored
    after: Scored
    errors_before: int
    errors_after: int
    excluded: int
    """Records left out because either call failed."""


def align(task: Task, records: Sequence[Record], predictions: Iterable[Prediction]) -> Scored:
    """Pair the task's records with their predictions; records and predictions of other tasks are skipped.

    Raises:
        DataError: a record has no prediction, or two; names record and task.
    """
    wanted = [record for record in records if record.task == task.name]
    by_id = _by_id(task, wanted, predictions)
    return _scored(wanted, by_id, [by_id[record.id].error is None for record in wanted])


def align_pairs(
    task: Task, records: Sequence[Record], before: Iterable[Prediction], after: Iterable[Prediction]
) -> Pairs:
    """Pair the task's records with both systems' predictions, keeping those that neither side failed on.

    Raises:
        DataError: as `align`.
    """
    wanted = [record for record in records if record.task == task.name]
    first, second = _by_id(task, wanted, before), _by_id(task, wanted, after)
    failed_first = [first[record.id].error is not None for record in wanted]
    failed_second = [second[record.id].error is not None for record in wanted]
    keep = [not (a or b) for a, b in zip(failed_first, failed_second, strict=True)]
    return Pairs(
        _scored(wanted, first, keep),
        _scored(wanted, second, keep),
        sum(failed_first),
        sum(failed_second),
        len(keep) - sum(keep),
    )


def cluster_codes(groups: Sequence[str | None]) -> IntArray | None:
    """Return a code 0 .. U-1 per record, equal for equal groups; None when every record stands alone.

    A record without a group is a cluster of its own.
    """
    codes: dict[object, int] = {}
    of_record = [
        codes.setdefault(("alone", index) if group is None else group, len(codes))
        for index, group in enumerate(groups)
    ]
    return None if len(codes) == len(of_record) else np.asarray(of_record, dtype=np.int64)


def answers_differ(before: Scored, after: Scored) -> npt.NDArray[np.bool_]:
    """Return per record whether the two systems' answers differ (reasons and quotes aside), [n]."""
    pairs = zip(before.predictions, after.predictions, strict=True)
    return np.fromiter((_answer_key(a) != _answer_key(b) for a, b in pairs), dtype=bool, count=len(before))


def _answer_key(prediction: Prediction) -> object:
    answer = prediction.answer
    if answer is None:
        return None
    labels = None if answer.labels is None else frozenset(answer.labels)
    return (answer.label, labels, answer.fields, answer.text, answer.score)


def _scored(records: list[Record], by_id: dict[str, Prediction], keep: list[bool]) -> Scored:
    kept = tuple(record for record, wanted in zip(records, keep, strict=True) if wanted)
    return Scored(
        records=kept,
        predictions=tuple(by_id[record.id] for record in kept),
        errors=len(records) - len(kept),
        clusters=cluster_codes([record.group for record in kept]),
    )


def _by_id(task: Task, records: list[Record], predictions: Iterable[Prediction]) -> dict[str, Prediction]:
    found: dict[str, Prediction] = {}
    for prediction in predictions:
        if prediction.task != task.name:
            continue
        if prediction.id in found:
            raise DataError(f"Two predictions for record '{prediction.id}' of task '{task.name}'.")
        found[prediction.id] = prediction
    missing = [record.id for record in records if record.id not in found]
    if missing:
        raise DataError(
            f"No prediction for record '{missing[0]}' of task '{task.name}' "
            f"({len(missing)} of {len(records)} records lack one).",
            hint="Run the evaluation again with the same directory: it goes on where it stopped.",
        )
    return found
