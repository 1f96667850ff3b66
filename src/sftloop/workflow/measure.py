"""Predictions to the result of one evaluation: per-task metrics in the shape that `eval --json` promises.

Shared by `eval` and `run`; loads no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sftloop.core.files import sha256_file, sha256_json
from sftloop.evaluate import task_metrics
from sftloop.records import Prediction, Record, split_path
from sftloop.scenario import Scenario


def measure(
    scenario: Scenario, records: Sequence[Record], predictions: Sequence[Prediction], *, seed: int
) -> dict[str, Any]:
    """Return task → metrics for every task that has records."""
    present = [name for name in scenario.tasks if any(record.task == name for record in records)]
    return {name: task_metrics(scenario.tasks[name], records, predictions, seed=seed) for name in present}


def input_hashes(
    scenario: Scenario, splits: Sequence[str], model: Path, adapter: Path | None
) -> dict[str, str]:
    """Return SHA-256 sums of everything an evaluation or training reads.

    A model's weights are sampled, since hashing gigabytes would take longer than starting the work.
    """
    from sftloop.models import fingerprint

    assert scenario.file is not None
    hashes = {"scenario": sha256_file(scenario.file)}
    for split in splits:
        hashes[split] = sha256_file(split_path(scenario, split))
    config = sha256_file(model / "config.json")
    hashes["model"] = sha256_json({"weights": fingerprint(model), "config": config})
    if adapter is not None:
        hashes["adapter"] = sha256_json({p.name: sha256_file(p) for p in sorted(adapter.glob("adapter_*"))})
    return hashes
