"""`sftloop eval`: one model on one split, predictions on disk as they come, metrics with intervals."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sftloop.core.files import atomic_write_json
from sftloop.evaluate import check_target, require_targets
from sftloop.evaluate.predict import predict_records
from sftloop.records import load_split
from sftloop.scenario import load_scenario
from sftloop.workflow.measure import input_hashes, measure
from sftloop.workflow.place import named_tasks, open_run
from sftloop.workflow.trained import find_weights


def evaluate_scenario(
    directory: Path,
    *,
    model: str | None = None,
    adapter: Path | None = None,
    split: str = "test",
    tasks: Collection[str] | None = None,
    limit: int | None = None,
    out: Path | None = None,
    seed: int = 0,
    skip_bad: bool = False,
) -> dict[str, Any]:
    """Evaluate a model on a scenario's split and return what `eval --json` prints.

    Args:
        directory: the scenario's directory.
        model: overrides the scenario's model.
        adapter: what was trained on that model: an adapter, a whole model's weights, or a run.
        split: train, validation or test.
        tasks: only these; None: all.
        limit: at most so many records per task.
        out: the run directory; by default one named after the inputs, so that repeating resumes.
        seed: seed of the bootstrap.
        skip_bad: set bad rows aside instead of refusing the file.
    """
    began = time.monotonic()
    scenario = load_scenario(directory)
    require_targets(scenario)
    records = load_split(scenario, split, tasks=tasks, limit=limit, skip_bad=skip_bad)
    from sftloop.models import LocalModel  # slow: data first

    weights = find_weights(model or scenario.model, adapter)
    settings = {"split": split, "tasks": named_tasks(tasks), "limit": limit, "seed": seed}
    inputs = input_hashes(scenario, [split], weights.path, weights.adapter)
    run = open_run("eval", scenario, inputs, settings, out)
    predictions_file = run.file("predictions.jsonl")
    predictor = LocalModel.load(weights.path, adapter=weights.adapter, name=weights.name)
    predictions = predict_records(predictor, scenario, records, predictions_file)
    found = measure(scenario, records, predictions, seed=seed)
    for name, metrics in found.items():
        metrics["target"] = check_target(scenario.tasks[name], metrics)
    result = {
        "scenario": scenario.name,
        "model": weights.name,
        "adapter": str(weights.adapter) if weights.adapter else None,
        "split": split,
        "n": len(records),
        "tasks": found,
        "seconds": round(time.monotonic() - began, 3),
        "predictions": str(predictions_file),
    }
    atomic_write_json(run.file("metrics.json"), result)
    run.mark_done("eval")
    return result
