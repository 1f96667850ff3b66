"""Metrics of `score` tasks: a number against an expected number.

An answer that can't be parsed gets the largest error it could have made, so that silence never pays; it can't
enter a correlation. Doesn't compute intervals. Shapes: `n` records, `b` resamples.
"""

from __future__ import annotations

import math

import numpy as np

from sftloop.evaluate.align import Scored
from sftloop.evaluate.measures import BoolArray, Measures
from sftloop.evaluate.resample import FloatArray, Statistic, additive
from sftloop.scenario.schema import Task

PRIMARY = "mae"
METRICS = ("mae", "pearson", "spearman")


def measure(task: Task, scored: Scored) -> Measures:
    """Return the mean absolute error and Pearson's and Spearman's correlation."""
    expected = np.array([_value(record.answer.score) for record in scored.records])
    given = np.array([_value(None if p.answer is None else p.answer.score) for p in scored.predictions])
    usable = np.isfinite(given)
    errors = np.column_stack([absolute_errors(task, expected, given), np.ones(len(scored))])
    single = {
        "mae": additive(errors, lambda sums: sums[:, 0] / sums[:, 1]),
        "pearson": _where(usable, pearson(expected[usable], given[usable])),
        "spearman": _where(usable, spearman(expected[usable], given[usable])),
    }
    unusable = int(np.count_nonzero(~usable))
    return Measures(
        names=METRICS,
        statistic=lambda weights: np.column_stack([single[name](weights) for name in METRICS]),
        bounded=False,
        single=single,
        details={name: {"unparsable": unusable} for name in METRICS},
    )


def absolute_errors(task: Task, expected: FloatArray, given: FloatArray) -> FloatArray:
    """Return |given - expected| per record, [n]; where nothing usable was given, the largest possible error.

    That is the distance to the farther end of the task's range or, without one, of the expected scores. Where they
    are all one number s, the range is taken to go max(1, |s|) beyond it: silence isn't free there either.
    """
    low, high = task.range or (float(expected.min()), float(expected.max()))
    if low == high:
        high += max(1.0, abs(high))
    farthest = np.maximum(expected - low, high - expected)
    return np.where(np.isfinite(given), np.abs(given - expected), farthest)


def pearson(first: FloatArray, second: FloatArray) -> Statistic:
    """Return weights[b, n] -> Pearson's correlation[b] of two samples [n]; NaN where a side doesn't vary."""
    if not len(first):
        return lambda weights: np.full(len(weights), math.nan)
    x, y = first - first.mean(), second - second.mean()
    moments = np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y])

    def correlate(sums_bK: FloatArray) -> FloatArray:
        total = np.where(sums_bK[:, :1] > 0, sums_bK[:, :1], 1.0)
        mean_x, mean_y, xx, yy, xy = (sums_bK[:, 1:] / total).T
        return _ratio(xy - mean_x * mean_y, xx - mean_x**2, yy - mean_y**2)

    return additive(moments, correlate)


def spearman(first: FloatArray, second: FloatArray) -> Statistic:
    """Return weights[b, n] -> Spearman's correlation[b]: Pearson's of the mid-ranks within each resample."""
    ranks_first, ranks_second = rank_function(first), rank_function(second)

    def correlate(weights: FloatArray) -> FloatArray:
        middle = (weights.sum(axis=1, keepdims=True) + 1) / 2
        x, y = ranks_first(weights) - middle, ranks_second(weights) - middle
        wx = weights * x
        xx, xy = (np.einsum("bn,bn->b", wx, other) for other in (x, y))
        return _ratio(xy, xx, np.einsum("bn,bn,bn->b", weights, y, y))

    return correlate


def rank_function(values: FloatArray) -> Statistic:
    """Return weights[b, n] -> mid-ranks[b, n] of `values[n]` in each resample, ties sharing their mean rank.

    Ranks are counted anew in every resample; the mid-rank of a value is the weight below it plus half of
    (its own weight + 1).
    """
    if not len(values):
        return lambda weights: weights
    code = np.unique(values, return_inverse=True)[1]
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))

    def ranks(weights: FloatArray) -> FloatArray:
        own = np.add.reduceat(np.take(weights, order, axis=1), starts, axis=1)
        mid = np.cumsum(own, axis=1) - (own - 1) / 2
        return np.take(mid, code, axis=1)

    return ranks


def _ratio(covariance: FloatArray, variance_x: FloatArray, variance_y: FloatArray) -> FloatArray:
    product = np.maximum(variance_x, 0) * np.maximum(variance_y, 0)
    nan = np.full(len(covariance), math.nan)
    found = np.divide(covariance, np.sqrt(product), out=nan, where=product > 1e-24)
    return np.asarray(np.clip(found, -1.0, 1.0), dtype=float)


def _where(usable: BoolArray, statistic: Statistic) -> Statistic:
    """Return the statistic of the usable records alone."""
    if usable.all():
        return statistic
    return lambda weights: statistic(weights[:, usable])


def _value(score: float | None) -> float:
    return math.nan if score is None else float(score)
