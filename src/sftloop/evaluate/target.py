"""Whether a task reaches the figure its scenario asks for, with one run or the mean of several seeds.

Reads a finished result of metrics.py; computes no metric.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from sftloop.core.errors import ScenarioError, nearest
from sftloop.evaluate.failed_calls import too_many_failed
from sftloop.evaluate.measures import FALLING
from sftloop.scenario.schema import Task

_PER_LABEL = ("precision", "recall", "f1")
_ROUNDING = 1e-9
"""The mean of three times 0.95 is a little less in floating point."""


def check_target(task: Task, metrics: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how the task stands against its target, None when it has none.

    Args:
        task: the task.
        metrics: its result from `task_metrics`.

    Returns:
        {"metric", "label", "at_least", "value", "low", "met", "sure"}: `met` when the value reaches the
        target, `sure` when the worse end of its 95 % interval does too. For an error such as mae, which
        should be small, the value must not exceed `at_least` and `low` holds the interval's upper end.
        Where too many calls failed, what the others reached says nothing: `value` and `low` are None.

    Raises:
        ScenarioError: the target names a metric or label that this kind of task doesn't have.
    """
    target = task.target
    if target is None:
        return None
    if too_many_failed(metrics["errors"], metrics["n"]):
        value, worse = None, None
    elif target.label is None:
        value, worse = _task_metric(task, metrics, target.metric)
    else:
        value, worse = _label_metric(task, metrics, target.metric, target.label)
    return {
        "metric": target.metric,
        "label": target.label,
        "at_least": target.at_least,
        "value": value,
        "low": worse,
        "met": _reaches(target.metric, value, target.at_least),
        "sure": _reaches(target.metric, worse, target.at_least),
    }


def target_over_seeds(task: Task, measured: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how the mean over seeds stands against the task's target.

    The mean's worse end lies as far away as records and seeds together can explain: the root of the sum of
    squares of the mean distance of each seed's own limit, and Student's limit for the mean of the seeds.

    Args:
        task: with a target.
        measured: the task's metrics with each seed.

    Returns:
        {"metric", "label", "at_least", "values", "value", "low", "spread", "met", "sure"}: as `check_target`
        has them; `spread` is the seeds' standard deviation, None with one seed. A value that is undefined
        with some seed, such as the precision of a label that was never given, misses its target.
    """
    from scipy.special import stdtrit

    each = [found for one in measured if (found := check_target(task, one))]
    metric, wanted = each[0]["metric"], each[0]["at_least"]
    kept = {key: each[0][key] for key in ("metric", "label", "at_least")}
    values = [found["value"] for found in each]
    if any(found["value"] is None or found["low"] is None for found in each):
        undefined = {"value": None, "low": None, "spread": None, "met": False, "sure": False}
        return kept | {"values": values} | undefined
    mean = statistics.fmean(values)
    reach = statistics.fmean(abs(found["value"] - found["low"]) for found in each)
    spread = statistics.stdev(values) if len(values) > 1 else None
    if spread is not None:
        seeds = spread / math.sqrt(len(values)) * float(stdtrit(len(values) - 1, 0.975))
        reach = math.hypot(reach, seeds)
    falling = metric in FALLING
    worse = mean + reach if falling else mean - reach
    if not falling and all(found["low"] >= 0 for found in each):
        worse = max(worse, 0.0)
    return {
        **kept,
        "values": values,
        "value": mean,
        "low": worse,
        "spread": spread,
        "met": _reaches(metric, mean, wanted),
        "sure": _reaches(metric, worse, wanted),
    }


def _reaches(metric: str, value: float | None, wanted: float) -> bool:
    if value is None:
        return False
    return value <= wanted + _ROUNDING if metric in FALLING else value >= wanted - _ROUNDING


def _task_metric(task: Task, metrics: Mapping[str, Any], name: str) -> tuple[float | None, float | None]:
    found = metrics["metrics"].get(name)
    if found is None:
        raise ScenarioError(
            f"The target of task '{task.name}' names the metric '{name}', which its result doesn't have.",
            hint=nearest(name, metrics["metrics"]),
        )
    return found["value"], found["high" if name in FALLING else "low"]


def _label_metric(
    task: Task, metrics: Mapping[str, Any], name: str, label: str
) -> tuple[float | None, float | None]:
    if name not in _PER_LABEL:
        raise ScenarioError(
            f"The target of task '{task.name}' asks for '{name}' of one label.",
            hint=nearest(name, _PER_LABEL),
        )
    if label not in task.labels:
        raise ScenarioError(
            f"The target of task '{task.name}' names the unknown label '{label}'.",
            hint=nearest(label, task.labels),
        )
    row = metrics["labels"].get(label)
    return (None, None) if row is None else (row[name], row[f"{name}_low"])
