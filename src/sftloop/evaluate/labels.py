"""Precision, recall and F1 over labels, for tasks that choose one label or several.

Works on which labels are expected and which were given; doesn't know how answers are parsed.
Shapes: `n` records, `L` labels, `b` resamples.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from sftloop.evaluate.interval import Interval
from sftloop.evaluate.proportions import IntArray, proportion_interval
from sftloop.evaluate.resample import FloatArray


def indicator(label_sets: Sequence[Collection[str]], labels: Sequence[str]) -> Any:
    """Return a scipy CSR matrix [n, L] with 1 where a record has a label; labels not listed are left out."""
    from scipy.sparse import csr_matrix

    column = {label: position for position, label in enumerate(labels)}
    pairs = {
        (row, column[label])
        for row, label_set in enumerate(label_sets)
        for label in label_set
        if label in column
    }
    rows_columns = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2).T
    shape = (len(label_sets), len(labels))
    return csr_matrix((np.ones(rows_columns.shape[1]), tuple(rows_columns)), shape=shape)


def label_sums(expected_nL: Any, given_nL: Any) -> Any:
    """Return what each record adds to (expected, given, both) per label: a CSR matrix [n, 3L]."""
    from scipy.sparse import hstack

    return hstack([expected_nL, given_nL, expected_nL.multiply(given_nL)], format="csr")


def f1_columns(sums_bK: FloatArray) -> FloatArray:
    """Return [micro F1, macro F1, F1 of each label] from sums of `label_sums`, [b, 2 + L].

    As scikit-learn's `f1_score` with `zero_division=0` over the task's labels, with one choice of our own:
    the macro mean runs over the labels that are expected or given at least once; a label of neither has no F1
    (NaN).
    """
    expected, given, both = np.split(sums_bK, 3, axis=1)
    total = expected + given
    f1 = np.divide(2 * both, total, out=np.full_like(both, np.nan), where=total > 0)
    seen = np.count_nonzero(total > 0, axis=1)
    macro = np.divide(np.nansum(f1, axis=1), seen, out=np.full(len(f1), np.nan), where=seen > 0)
    everything = total.sum(axis=1)
    micro = np.divide(2 * both.sum(axis=1), everything, out=np.full(len(f1), np.nan), where=everything > 0)
    return np.column_stack([micro, macro, f1])


def bearing_units(bears_nM: Any, clusters: IntArray | None) -> FloatArray:
    """Return how many units (groups, or records when there are none) bear on each column, [M].

    Args:
        bears_nM: not 0 where a record bears on a column; a numpy array or a scipy sparse matrix.
        clusters: each record's group, or None.
    """
    from scipy.sparse import csc_matrix

    columns = csc_matrix(bears_nM)
    columns.eliminate_zeros()
    rows_of = [_rows(columns, column) for column in range(columns.shape[1])]
    return np.array([len(rows if clusters is None else np.unique(clusters[rows])) for rows in rows_of], float)


def f1_units(expected_nL: Any, given_nL: Any, clusters: IntArray | None) -> FloatArray:
    """Return the units that bear on [micro F1, macro F1, F1 of each label], [2 + L].

    On a label bear those where it is expected or given; on micro F1 those with any label. The macro mean weighs
    labels alike, so with u units for each of l labels it is worth l^2 / sum(1 / u) of them: few, where one label
    is rare.
    """
    from scipy.sparse import csc_matrix

    either_nL = csc_matrix(expected_nL + given_nL)
    labels = bearing_units(either_nL, clusters)
    micro = bearing_units(either_nL.sum(axis=1), clusters)[0]
    seen = labels[labels > 0]
    macro = len(seen) ** 2 / float((1 / seen).sum()) if len(seen) else 0.0
    return np.array([micro, min(macro, micro), *labels])


def label_table(
    labels: Sequence[str],
    expected_nL: Any,
    given_nL: Any,
    clusters: IntArray | None,
    f1: dict[str, Interval],
) -> dict[str, dict[str, Any]]:
    """Return {label: precision, recall, f1, support, given and their limits}.

    Precision and recall have Wilson limits, F1 bootstrap limits; a ratio of nothing is 0 with limits 0 and 1,
    as scikit-learn's `zero_division=0`.
    """
    expected, given = expected_nL.tocsc(), given_nL.tocsc()
    table = {}
    for column, label in enumerate(labels):
        expected_rows, given_rows = _rows(expected, column), _rows(given, column)
        row: dict[str, Any] = {}
        row |= _with_limits("precision", _share_in(given_rows, expected_rows, clusters))
        row |= _with_limits("recall", _share_in(expected_rows, given_rows, clusters))
        row |= _with_limits("f1", f1[label])
        table[label] = row | {"support": len(expected_rows), "given": len(given_rows)}
    return table


def _rows(matrix_nL: Any, column: int) -> IntArray:
    return np.asarray(matrix_nL.indices[matrix_nL.indptr[column] : matrix_nL.indptr[column + 1]])


def _share_in(rows: IntArray, target_rows: IntArray, clusters: IntArray | None) -> Interval:
    hits = np.isin(rows, target_rows, assume_unique=True)
    return proportion_interval(hits, None if clusters is None else clusters[rows])


def _with_limits(name: str, interval: Interval) -> dict[str, Any]:
    shown = interval.to_json()
    if shown["value"] is None:
        shown |= {"value": 0.0, "low": 0.0, "high": 1.0}
    return {name: shown["value"], f"{name}_low": shown["low"], f"{name}_high": shown["high"]}
