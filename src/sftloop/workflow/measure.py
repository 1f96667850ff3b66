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

    Weights are identified by their files' names and sizes and their configuration, since hashing gigabytes
    would take longer than starting the work.
    """
    assert scenario.file is not None
    hashes = {"scenario": sha256_file(scenario.file)}
    for split in splits:
        hashes[split] = sha256_file(split_path(scenario, split))
    hashes["model"] = _weights_identity(model)
    if adapter is not None:
        hashes["adapter"] = sha256_json({p.name: sha256_file(p) for p in sorted(adapter.glob("adapter_*"))})
    return hashes


def _weights_identity(model: Path) -> str:
    files = {path.name: path.stat().st_size for path in sorted(model.glob("*.safetensors"))}
    config = model / "config.json"
    return sha256_json({"files": files, "config": sha256_file(config) if config.exists() else None})
