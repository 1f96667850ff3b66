"""The result of one task: every metric with its interval, tables, format validity, errors, speed.

Puts together what align.py, the kinds and the statistics give; holds no formula. Doesn't run models or read
files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sftloop.core.seeds import derive_seed
from sftloop.evaluate.align import Scored, align
from sftloop.evaluate.bootstrap import bootstrap_estimates, method_name
from sftloop.evaluate.evidence import evidence_found
from sftloop.evaluate.interval import SMALL_N, Interval, small_n_note
from sftloop.evaluate.kinds import KINDS, primary_metric
from sftloop.evaluate.measures import Measures
from sftloop.evaluate.proportions import proportion_interval
from sftloop.evaluate.resample import RESAMPLES
from sftloop.records.prediction import Prediction
from sftloop.records.schema import Record
from sftloop.scenario.schema import Task

__all__ = ["primary_metric", "task_metrics"]


def task_metrics(
    task: Task,
    records: Sequence[Record],
    predictions: Sequence[Prediction],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Score one task's predictions.

    A prediction with an error is counted in `errors` and left out of every metric; an unparsable answer is
    wrong. Where records share a `group`, every interval is computed over groups.

    Args:
        task: the task; records and predictions of other tasks are skipped.
        records: the records to score, each with exactly one prediction.
        predictions: in any order; those of records not given are ignored.
        seed: seed of the bootstrap.
        resamples: bootstrap draws per interval.

    Returns:
        {"n", "n_scored", "errors", "metrics": {name: {"value", "low", "high", "method", "n"}}, "labels",
        "confusion", "format_valid", "seconds_per_record"}, with "groups" where records are grouped,
        "abstention", "fields" and "note" where they apply.

    Raises:
        DataError: a record has no prediction, or two.
    """
    kind, scored = KINDS[task.kind], align(task, records, predictions)
    metrics: dict[str, Any]
    if len(scored):
        measures = kind.measure(task, scored)
        seed = derive_seed(seed, task.name, "bootstrap")
        intervals, item_f1 = _intervals(measures, scored, seed, resamples)
        metrics = {name: intervals[name].to_json() | measures.details.get(name, {}) for name in kind.METRICS}
        tables = measures.tables(item_f1)
    else:
        metrics = {name: _undefined().to_json() for name in kind.METRICS}
        tables = {"labels": {}, "confusion": {}}
    if (valid := _format_valid(scored)) is not None:
        metrics["format_valid"] = valid.to_json()
    if task.answer.evidence:
        metrics["evidence_found"] = evidence_found(scored)
    result: dict[str, Any] = {
        "n": len(scored) + scored.errors,
        "n_scored": len(scored),
        "errors": scored.errors,
    }
    result |= {"metrics": metrics, **tables}
    result |= {"format_valid": None if valid is None else valid.value}
    result |= {"seconds_per_record": _seconds(scored)}
    return result | _groups(scored) | _note(scored)


def _intervals(
    measures: Measures, scored: Scored, seed: int, resamples: int
) -> tuple[dict[str, Interval], dict[str, Interval]]:
    """Return the intervals of all metrics by name, and those of the items' F1."""
    clusters = scored.clusters
    shares = {name: proportion_interval(hits, clusters) for name, hits in measures.shares.items()}
    found = bootstrap_estimates(
        measures.statistic,
        len(scored),
        clusters=clusters,
        seed=seed,
        resamples=resamples,
        share=measures.bounded,
        bearing=measures.bearing,
    )
    method = method_name("bca", clusters)
    columns = [
        Interval(value=float(value), low=float(low), high=float(high), method=method, n=len(scored))
        for value, low, high in zip(*found, strict=True)
    ]
    named = dict(zip(measures.names, columns, strict=False))
    items = dict(zip(measures.items, columns[len(measures.names) :], strict=True))
    return shares | named, items


def _undefined() -> Interval:
    return Interval(value=math.nan, low=math.nan, high=math.nan, method="nothing scored", n=0)


def _format_valid(scored: Scored) -> Interval | None:
    """Return the share of texts in exactly the required format, None where no prediction says."""
    known = np.array([p.format_valid is not None for p in scored.predictions], dtype=bool)
    if not known.any():
        return None
    hits = np.array([bool(p.format_valid) for p in scored.predictions], dtype=bool)[known]
    return proportion_interval(hits, None if scored.clusters is None else scored.clusters[known])


def _seconds(scored: Scored) -> float | None:
    """Return the mean seconds per scored record, None where none was timed."""
    timed = [p.latency_seconds for p in scored.predictions if p.latency_seconds is not None]
    return math.fsum(timed) / len(timed) if timed else None


def _groups(scored: Scored) -> dict[str, Any]:
    return {} if scored.clusters is None else {"groups": int(scored.clusters.max()) + 1}


def _note(scored: Scored) -> dict[str, Any]:
    """Return {"note": …} when records or groups are too few to decide much."""
    note = small_n_note(len(scored))
    if note is None and scored.clusters is not None and int(scored.clusters.max()) + 1 < SMALL_N:
        note = small_n_note(int(scored.clusters.max()) + 1, "groups of records")
    return {} if note is None else {"note": note}
