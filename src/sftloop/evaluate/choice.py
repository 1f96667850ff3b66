"""Metrics of `choice` tasks: one label per record.

An answer that can't be parsed, or names a label the task doesn't have, is wrong and stands in the confusion
table's "(invalid)" column. Doesn't compute intervals.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sftloop.evaluate.abstention import abstain_labels, abstention
from sftloop.evaluate.align import Scored
from sftloop.evaluate.interval import Interval
from sftloop.evaluate.labels import f1_columns, f1_units, indicator, label_sums, label_table
from sftloop.evaluate.measures import Measures
from sftloop.evaluate.resample import additive
from sftloop.scenario.schema import Task

INVALID = "(invalid)"
"""Column of the confusion table for answers that name none of the task's labels."""
PRIMARY = "accuracy"
METRICS = ("accuracy", "macro_f1", "micro_f1")


def measure(task: Task, scored: Scored) -> Measures:
    """Return accuracy (a share of records), micro F1, macro F1 and F1 per label."""
    labels = tuple(task.labels)
    expected, given = expected_labels(scored), given_labels(task, scored)
    correct = np.array(expected) == np.array(given)
    expected_nL = indicator([(label,) for label in expected], labels)
    given_nL = indicator([(label,) for label in given], labels)

    def tables(item_f1: dict[str, Interval]) -> dict[str, Any]:
        found: dict[str, Any] = {
            "labels": label_table(labels, expected_nL, given_nL, scored.clusters, item_f1),
            "confusion": confusion(labels, expected, given),
        }
        if abstaining := abstain_labels(task):
            found["abstention"] = abstention(
                expected=np.isin(expected, abstaining),
                given=np.isin(given, abstaining),
                correct=correct,
                clusters=scored.clusters,
            )
        return found

    return Measures(
        shares={"accuracy": correct},
        names=("micro_f1", "macro_f1"),
        items=labels,
        statistic=additive(label_sums(expected_nL, given_nL), f1_columns),
        bearing=f1_units(expected_nL, given_nL, scored.clusters),
        tables=tables,
    )


def expected_labels(scored: Scored) -> list[str]:
    """Return each record's expected label."""
    return [record.answer.label or "" for record in scored.records]


def given_labels(task: Task, scored: Scored) -> list[str]:
    """Return each prediction's label, `INVALID` where there is none of the task's."""
    given = (None if p.answer is None else p.answer.label for p in scored.predictions)
    return [label if label in task.labels else INVALID for label in given]


def confusion(labels: tuple[str, ...], expected: list[str], given: list[str]) -> dict[str, dict[str, int]]:
    """Return {expected: {given: count}} with every label, zeros included, and the column `INVALID`."""
    columns = (*labels, INVALID)
    table = {label: dict.fromkeys(columns, 0) for label in labels}
    for row, column in zip(expected, given, strict=True):
        table[row][column] += 1
    return table
