"""What is told of each format: quality with its interval, format validity, tokens; and the test of the chosen one.

Joins what evaluate computes; asks no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from sftloop.core.rundir import RunDirectory
from sftloop.evaluate import primary_metric, task_metrics
from sftloop.evaluate.minimum_detectable import reach
from sftloop.evaluate.paired import paired_comparison
from sftloop.records import Prediction, Record
from sftloop.scenario import Task
from sftloop.workflow.improve_formats_asking import SharedTokens
from sftloop.workflow.improve_formats_variants import FormatVariant


def format_figures(
    variant: FormatVariant,
    tasks: Sequence[Task],
    records: Sequence[Record],
    predictions: Sequence[Prediction],
    *,
    held_out: bool,
    score: float | None,
    rounds: int,
    divided: Mapping[str, SharedTokens] | None,
    present: Mapping[str, SharedTokens] | None,
    seed: int,
) -> dict[str, Any]:
    """Return one entry of `variants`.

    Args:
        variant: the format.
        tasks: those that were asked.
        records: what its figures are of.
        predictions: its answers to them.
        held_out: whether they are the held-out ones: it was a finalist, or the present format.
        score: its mean over tasks on the held-out records.
        rounds: how many rounds it was in.
        divided: task → how many tokens all prompts share, and how many are a record's own.
        present: the same of the present format.
        seed: of the bootstrap.
    """
    return {
        "name": variant.name,
        "levels": dict(variant.levels),
        "format": variant.said,
        "current": variant.current,
        "rounds": rounds,
        "held_out": held_out,
        "score": score,
        "tasks": {
            task.name: _task(task, records, predictions, seed)
            for task in tasks
            if any(record.task == task.name for record in records)
        },
        "tokens": {
            "prompt": _mean([one.prompt_tokens for one in predictions]),
            "answer": _mean([one.tokens for one in predictions]),
        },
        "prefix_tokens": None if divided is None else {name: own.shared for name, own in divided.items()},
        "own_tokens": None if divided is None else {name: own.own for name, own in divided.items()},
        "shorter_prefix": divided is not None and present is not None and _shares_less(divided, present),
        "seconds_per_record": _mean([one.latency_seconds for one in predictions]),
    }


def compared_on_test(
    run: RunDirectory,
    which: str,
    tasks: Sequence[Task],
    records: Sequence[Record],
    before: Sequence[Prediction],
    after: Sequence[Prediction],
    *,
    seed: int,
) -> dict[str, Any]:
    """Return {"n", "opened", "tasks": {T: comparison}}; `opened` counts the formats that saw the test so far.

    Args:
        run: holds all answers.
        which: what the answers to these very test records are called.
        tasks: those that were asked.
        records: the test records.
        before: the present format's answers.
        after: the accepted format's.
        seed: of the bootstrap.
    """
    opened = len(list(run.path.glob(f"formats/*/{which}.jsonl"))) - 1
    found = {}
    for task in tasks:
        one = paired_comparison(task, records, before, after, seed=seed)
        can_tell = reach(one)
        found[task.name] = one | {"detectable": can_tell.detectable, "needed": can_tell.needed}
    return {"n": len(records), "opened": opened, "tasks": found}


def _shares_less(divided: Mapping[str, SharedTokens], present: Mapping[str, SharedTokens]) -> bool:
    """Whether less is shared and more is a record's own: shorter words shorten the first alone."""
    now, before = (
        [sum(counts) for counts in zip(*each.values(), strict=True)] for each in (divided, present)
    )
    return bool(now[0] < before[0] and now[1] > before[1])


def _task(
    task: Task, records: Sequence[Record], predictions: Sequence[Prediction], seed: int
) -> dict[str, Any]:
    metrics = task_metrics(task, records, predictions, seed=seed)
    name = primary_metric(task)
    measured = metrics["metrics"][name]
    return {
        "metric": name,
        "value": measured["value"],
        "low": measured["low"],
        "high": measured["high"],
        "method": measured["method"],
        "n": metrics["n"],
        "errors": metrics["errors"],
        "format_valid": metrics["format_valid"],
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
