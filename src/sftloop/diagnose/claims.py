"""What a model claims, and whether the record bears it out: the labels that don't abstain, as sets.

An unparsable answer claims nothing and abstains from nothing. Doesn't compute figures.

Shapes: `n` records, `K` labels or fields.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sftloop.evaluate.abstention import abstain_labels
from sftloop.evaluate.align import Scored
from sftloop.evaluate.extract import field_counts
from sftloop.evaluate.measures import BoolArray
from sftloop.evaluate.proportions import IntArray
from sftloop.records import Prediction, Record
from sftloop.scenario import Answer, Task

Counts = npt.NDArray[np.int64]
JUDGED = ("choice", "multi", "extract")
"""Kinds of task whose answers claim something that can be checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What was expected and what was claimed, per label or field."""

    items: tuple[str, ...]
    expected: Counts
    """[n, K]; for labels 0 or 1, for fields the number of values."""
    given: Counts
    """[n, K]."""
    both: Counts
    """[n, K]."""
    clusters: IntArray | None


def positive_labels(task: Task) -> tuple[str, ...]:
    """Return the labels that claim something: all but those that abstain."""
    return tuple(name for name, label in task.labels.items() if not label.abstain)


def claimed(task: Task, answer: Answer | None) -> frozenset[str] | None:
    """Return the labels an answer claims, none where it abstains; None where it names no label at all."""
    if answer is None:
        return None
    if task.kind == "choice":
        if answer.label not in task.labels:
            return None
        named: tuple[str, ...] = (answer.label,)
    elif answer.labels is None:
        return None
    else:
        named = answer.labels
    return frozenset(named) - set(abstain_labels(task))


def abstained(task: Task, prediction: Prediction) -> bool:
    """Whether the answer can be read and claims nothing."""
    return claimed(task, prediction.answer) == frozenset()


def same_claims(task: Task, record: Record, prediction: Prediction) -> bool:
    """Whether the answer claims exactly what the record does."""
    return claimed(task, prediction.answer) == claimed(task, record.answer)


def can_abstain(task: Task) -> bool:
    """Whether the task has an answer that claims nothing."""
    return task.kind == "multi" or bool(abstain_labels(task))


def claims_of(task: Task, scored: Scored) -> Claims:
    """Return what was expected and claimed: per positive label, or per field of an `extract` task."""
    if task.kind == "extract":
        counts = field_counts(task, scored)[:, :, :3].astype(np.int64)
        items = tuple(task.fields)
        expected, given, both = np.moveaxis(counts, 2, 0)
    else:
        items = positive_labels(task)
        expected = _indicator([claimed(task, record.answer) for record in scored.records], items)
        given = _indicator([claimed(task, one.answer) for one in scored.predictions], items)
        both = expected * given
    return Claims(items=items, expected=expected, given=given, both=both, clusters=scored.clusters)


def nothing_expected(claims: Claims) -> BoolArray:
    """Return whether the record bears out no claim at all, [n]."""
    return np.asarray(claims.expected.sum(axis=1) == 0)


def something_given(claims: Claims) -> BoolArray:
    """Return whether anything was claimed, [n]."""
    return np.asarray(claims.given.sum(axis=1) > 0)


def _indicator(sets: list[frozenset[str] | None], items: tuple[str, ...]) -> Counts:
    column = {item: place for place, item in enumerate(items)}
    found = np.zeros((len(sets), len(items)), dtype=np.int64)
    for row, names in enumerate(sets):
        for name in names or ():
            if name in column:
                found[row, column[name]] = 1
    return found
