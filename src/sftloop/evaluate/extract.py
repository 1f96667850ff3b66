"""Metrics of `extract` tasks: named fields read out of the input.

Compares values by the field's type; an answer that can't be parsed gets every field wrong. Doesn't compute
intervals.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sftloop.evaluate.align import Scored
from sftloop.evaluate.field_values import common_values, value_f1, value_keys
from sftloop.evaluate.interval import Interval
from sftloop.evaluate.labels import bearing_units
from sftloop.evaluate.measures import Measures
from sftloop.evaluate.proportions import IntArray, proportion_interval
from sftloop.evaluate.resample import FloatArray, additive, units_of
from sftloop.scenario.schema import Task

PRIMARY = "field_f1"
METRICS = ("field_f1", "field_exact", "token_f1", "exact_match")
_COUNTS = 5
"""Per record and field: expected values, given values, common values, field exact (0 or 1), token F1."""


def measure(task: Task, scored: Scored) -> Measures:
    """Return field F1, share of exact fields, token F1, whole-record exact match and F1 per field.

    Field F1 counts values: a field has one, a list one per entry, an empty or missing field none; a value is
    common when it is equal in the same field. It is 2 x common / (expected + given) over all fields.
    """
    counts, fields = field_counts(task, scored), len(task.fields)
    exact = np.asarray(counts[:, :, 3] == 1)

    def columns(sums_bK: FloatArray) -> FloatArray:
        records, means = sums_bK[:, :1], sums_bK[:, 1:3]
        expected, given, common = np.moveaxis(sums_bK[:, 3:].reshape(-1, fields, 3), 2, 0)
        micro = _f1(expected.sum(axis=1), given.sum(axis=1), common.sum(axis=1))
        return np.column_stack([micro, means / (records * fields), _f1(expected, given, common)])

    ones, totals = np.ones(len(scored)), counts[:, :, 3:].sum(axis=1)
    per_field = counts[:, :, :3].reshape(len(scored), fields * 3)
    return Measures(
        shares={"exact_match": np.asarray(exact.all(axis=1))},
        names=("field_f1", "field_exact", "token_f1"),
        items=tuple(task.fields),
        statistic=additive(np.column_stack([ones, totals, per_field]), columns),
        bearing=_bearing(counts, scored.clusters),
        tables=lambda item_f1: {
            "labels": {},
            "confusion": {},
            "fields": field_table(task, counts, scored.clusters, item_f1),
        },
    )


def _bearing(counts: FloatArray, clusters: IntArray | None) -> FloatArray:
    """Return the units that bear on each column: on F1 those with a value on either side, on the means all."""
    valued = counts[:, :, 0] + counts[:, :, 1] > 0
    everything = units_of(len(counts), clusters)
    micro = bearing_units(valued.any(axis=1, keepdims=True), clusters)
    return np.concatenate([micro, [everything, everything], bearing_units(valued, clusters)])


def field_table(
    task: Task, counts: FloatArray, clusters: IntArray | None, item_f1: dict[str, Interval]
) -> dict[str, dict[str, Any]]:
    """Return {field: exact with limits, precision, recall, f1 with limits, token_f1, support}."""
    table: dict[str, dict[str, Any]] = {}
    for column, name in enumerate(task.fields):
        expected, given, common = counts[:, column, :3].sum(axis=0)
        exact, f1 = proportion_interval(counts[:, column, 3] == 1, clusters), item_f1[name].to_json()
        table[name] = {
            "exact": exact.value,
            "exact_low": exact.low,
            "exact_high": exact.high,
            "precision": float(common / given) if given else 0.0,
            "recall": float(common / expected) if expected else 0.0,
            "f1": f1["value"] or 0.0,
            "f1_low": f1["low"] or 0.0,
            "f1_high": 1.0 if f1["high"] is None else f1["high"],
            "token_f1": float(counts[:, column, 4].mean()),
            "support": int(expected),
        }
    return table


def field_counts(task: Task, scored: Scored) -> FloatArray:
    """Return per record and field what `_COUNTS` lists, [n, fields, 5]."""
    counts = np.zeros((len(scored), len(task.fields), _COUNTS))
    types = [(name, field.type) for name, field in task.fields.items()]
    for row, (record, prediction) in enumerate(zip(scored.records, scored.predictions, strict=True)):
        expected = record.answer.fields or {}
        given = None if prediction.answer is None else prediction.answer.fields
        counts[row] = [
            _compare(expected.get(name), None if given is None else given.get(name), kind, given is None)
            for name, kind in types
        ]
    return counts


def _compare(expected: Any, given: Any, kind: str, unparsed: bool) -> tuple[float, ...]:
    """Return what `_COUNTS` lists for one field of one record."""
    wanted = value_keys(expected, kind)
    if unparsed:
        return (len(wanted), 0, 0, 0, 0)
    got = value_keys(given, kind)
    common = common_values(wanted, got)
    exact = len(wanted) == len(got) == common
    return (len(wanted), len(got), common, exact, 1.0 if exact else value_f1(expected, given))


def _f1(expected: FloatArray, given: FloatArray, common: FloatArray) -> FloatArray:
    total = expected + given
    return np.divide(2 * common, total, out=np.full_like(common, np.nan), where=total > 0)
