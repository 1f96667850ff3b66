"""Metrics of `multi` tasks: any number of labels per record.

An answer that can't be parsed counts as naming no label, and never as an exact match. Doesn't compute
intervals.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sftloop.evaluate.abstention import abstain_labels, abstention
from sftloop.evaluate.align import Scored
from sftloop.evaluate.interval import Interval
from sftloop.evaluate.labels import f1_columns, f1_units, indicator, label_sums, label_table
from sftloop.evaluate.measures import Measures
from sftloop.evaluate.resample import FloatArray, additive, units_of
from sftloop.scenario.schema import Task

PRIMARY = "micro_f1"
METRICS = ("exact_match", "micro_f1", "macro_f1", "jaccard")


def measure(task: Task, scored: Scored) -> Measures:
    """Return exact match (a share of records), micro F1, macro F1, Jaccard and F1 per label."""
    from scipy.sparse import csr_matrix, hstack

    labels = tuple(task.labels)
    expected, given = expected_sets(scored), given_sets(scored)
    expected_nL, given_nL = indicator(expected, labels), indicator([said or set() for said in given], labels)
    exact = np.array([said == right for right, said in zip(expected, given, strict=True)], dtype=bool)
    jaccards = [jaccard(right, said) for right, said in zip(expected, given, strict=True)]
    records = units_of(len(scored), scored.clusters)
    extra = csr_matrix(np.column_stack([jaccards, np.ones(len(scored))]))

    def columns(sums_bK: FloatArray) -> FloatArray:
        f1 = f1_columns(sums_bK[:, :-2])
        return np.column_stack([f1[:, :2], sums_bK[:, -2] / sums_bK[:, -1], f1[:, 2:]])

    def tables(item_f1: dict[str, Interval]) -> dict[str, Any]:
        found: dict[str, Any] = {
            "labels": label_table(labels, expected_nL, given_nL, scored.clusters, item_f1),
            "confusion": _confusion(labels, expected_nL, given_nL),
        }
        if abstaining := set(abstain_labels(task)):
            found["abstention"] = abstention(
                expected=np.array([bool(abstaining & right) for right in expected]),
                given=np.array([bool(abstaining & (said or set())) for said in given]),
                correct=exact,
                clusters=scored.clusters,
            )
        return found

    return Measures(
        shares={"exact_match": exact},
        names=("micro_f1", "macro_f1", "jaccard"),
        items=labels,
        statistic=additive(hstack([label_sums(expected_nL, given_nL), extra], format="csr"), columns),
        bearing=np.insert(f1_units(expected_nL, given_nL, scored.clusters), 2, records),
        tables=tables,
    )


def expected_sets(scored: Scored) -> list[set[str]]:
    """Return each record's expected labels as a set."""
    return [set(record.answer.labels or ()) for record in scored.records]


def given_sets(scored: Scored) -> list[set[str] | None]:
    """Return each prediction's labels as a set, None where the answer could not be parsed."""
    answers = (prediction.answer for prediction in scored.predictions)
    return [None if a is None or a.labels is None else set(a.labels) for a in answers]


def jaccard(expected: set[str], given: set[str] | None) -> float:
    """Return |expected and given| / |expected or given|.

    Two empty sets agree (1), as scikit-learn's `jaccard_score(average="samples", zero_division=1)`; an
    unparsable answer (None) is 0 even where nothing was expected.
    """
    if given is None:
        return 0.0
    union = expected | given
    return len(expected & given) / len(union) if union else 1.0


def _confusion(labels: tuple[str, ...], expected: Any, given: Any) -> dict[str, dict[str, int]]:
    """Return {label: {"tp", "fp", "fn", "tn"}}, each label a yes/no question of its own."""
    support, named = np.asarray(expected.sum(axis=0)).ravel(), np.asarray(given.sum(axis=0)).ravel()
    both = np.asarray(expected.multiply(given).sum(axis=0)).ravel()
    table = {}
    for column, label in enumerate(labels):
        tp = int(both[column])
        fp, fn = int(named[column]) - tp, int(support[column]) - tp
        table[label] = {"tp": tp, "fp": fp, "fn": fn, "tn": expected.shape[0] - tp - fp - fn}
    return table
