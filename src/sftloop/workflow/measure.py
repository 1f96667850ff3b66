"""Predictions to the result of one evaluation: per-task metrics in the shape that `eval --json` promises.

Shared by `eval` and `run`; loads no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sftloop.core.files import sha256_file, sha256_json
from sftloop.evaluate import primary_metric, task_metrics
from sftloop.evaluate.measures import FALLING
from sftloop.records import Prediction, Record, split_path
from sftloop.scenario import Scenario


def measure(
    scenario: Scenario, records: Sequence[Record], predictions: Sequence[Prediction], *, seed: int
) -> dict[str, Any]:
    """Return task → metrics for every task that has records."""
    present = [name for name in scenario.tasks if any(record.task == name for record in records)]
    return {name: task_metrics(scenario.tasks[name], records, predictions, seed=seed) for name in present}


def primary_values(
    scenario: Scenario, records: Sequence[Record], predictions: Sequence[Prediction]
) -> dict[str, float | None]:
    """Return task → its primary metric, None where no answer could be scored."""
    values: dict[str, float | None] = {}
    for name in sorted({record.task for record in records}):
        task = scenario.tasks[name]
        found = task_metrics(task, records, predictions, resamples=2)["metrics"]
        values[name] = found[primary_metric(task)]["value"]
    return values


def mean_score(scenario: Scenario, values: Mapping[str, float | None]) -> float:
    """Return the mean over tasks of their primary metrics: larger is better.

    An error metric counts as 1 / (1 + error); an undefined metric as 0.
    """
    goods = []
    for name, value in values.items():
        falls = primary_metric(scenario.tasks[name]) in FALLING
        goods.append(0.0 if value is None else 1 / (1 + value) if falls else value)
    return sum(goods) / len(goods)


def input_hashes(
    scenario: Scenario, splits: Sequence[str], model: Path, adapter: Path | None
) -> dict[str, str]:
    """Return SHA-256 sums of everything an evaluation or training reads, tokenizer and chat template included.

    A model's weights are sampled, since hashing gigabytes would take longer than starting the work.
    """
    from sftloop.models import model_hash

    assert scenario.file is not None
    hashes = {"scenario": sha256_file(scenario.file)}
    for split in splits:
        hashes[split] = sha256_file(split_path(scenario, split))
    hashes["model"] = model_hash(model)
    if adapter is not None:
        hashes["adapter"] = sha256_json({p.name: sha256_file(p) for p in sorted(adapter.glob("adapter_*"))})
    return hashes
