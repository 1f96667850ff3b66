"""A system's answers to the figures that `compare --json` promises: quality per task, speed, tokens, cost.

Joins what evaluate computes; where a training has several seeds, their mean with the spread of records and seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from sftloop.evaluate import check_target, mean_interval, primary_metric, target_over_seeds, task_metrics
from sftloop.evaluate.failed_calls import answered_by_all
from sftloop.evaluate.right import right_answers
from sftloop.evaluate.usage import latency, price, time_spent, tokens
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario, Task
from sftloop.workflow.answering import unanswered
from sftloop.workflow.system import System

Runs = Sequence[Sequence[Prediction]]


def system_figures(
    scenario: Scenario, system: System, records: Sequence[Record], runs: Runs, *, seed: int
) -> dict[str, Any]:
    """Return one entry of `systems`.

    Args:
        scenario: whose targets count, also for systems that are asked in other words.
        system: what answered.
        records: those it was asked, of its tasks only.
        runs: its predictions, one list per seed.
        seed: of the bootstrap.
    """
    present = [
        task for name, task in scenario.tasks.items() if any(record.task == name for record in records)
    ]
    right, judged = _right(present, records, runs)
    return {
        "name": system.name,
        "kind": system.kind,
        "about": dict(system.about),
        "runs": len(runs),
        "unanswered": sum(len(unanswered(system, run)) for run in runs),
        "tasks": {task.name: _task(task, records, runs, seed) for task in present},
        "latency": latency(runs),
        "tokens": tokens(runs),
        "cost": price(runs, right, system.prices, judged=judged),
        # calls of a service run side by side, so their times don't add up to what it takes
        "seconds": None if system.kind == "api" else time_spent(runs, right, judged=judged),
        "right": right,
    }


def _right(tasks: Sequence[Task], records: Sequence[Record], runs: Runs) -> tuple[int | None, Runs]:
    """Return the right answers of one run (the mean over seeds), and all answers of the tasks they are of.

    Those are the tasks that have right and wrong; None where there is no such task.
    """
    counts: dict[str, list[int]] = {}
    for task in tasks:
        found = [right_answers(task, records, run) for run in runs]
        known = [sum(one.values()) for one in found if one is not None]
        if len(known) == len(runs):
            counts[task.name] = known
    judged = [[one for one in run if one.task in counts] for run in runs]
    return (round(fmean(map(sum, zip(*counts.values(), strict=True)))) if counts else None), judged


def _task(task: Task, records: Sequence[Record], runs: Runs, seed: int) -> dict[str, Any]:
    found = [task_metrics(task, records, run, seed=seed) for run in runs]
    valid = [one["format_valid"] for one in found if one["format_valid"] is not None]
    return {
        "n": found[0]["n"],
        "metrics": found[0]["metrics"] if len(runs) == 1 else _over_seeds(task, records, runs, found, seed),
        "errors": round(fmean(one["errors"] for one in found)),
        "format_valid": fmean(valid) if valid else None,
        "target": _target(task, found),
    }


def _over_seeds(
    task: Task, records: Sequence[Record], runs: Runs, found: Sequence[Mapping[str, Any]], seed: int
) -> dict[str, Any]:
    """Return each metric's mean over seeds; only the primary one's interval covers records and seeds."""
    metrics: dict[str, Any] = {}
    for name in found[0]["metrics"]:
        values = [one["metrics"][name]["value"] for one in found]
        known = [value for value in values if value is not None]
        mean = fmean(known) if known else None
        metrics[name] = {
            "value": mean,
            "low": None,
            "high": None,
            "method": "mean over seeds",
            "values": values,
        }
    name, common = primary_metric(task), answered_by_all(task.name, records, runs)
    if not common:
        return metrics
    spread = mean_interval(task, common, runs, seed=seed)
    metrics[name] = {
        "value": spread["mean"],
        "low": spread["low"],
        "high": spread["high"],
        "method": "Student's t over records and seeds",
        "n": spread["n"],
        "values": spread["values"],
    }
    return metrics


def _target(task: Task, found: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return how one run, or the mean of several seeds, stands against the task's target; None without one."""
    if task.target is None or len(found) == 1:
        return check_target(task, found[0])
    return target_over_seeds(task, found)
