"""One training in a directory of its own, and what the trained model answers: the piece of every comparison.

A finished one is never done again; an interrupted one goes on. Doesn't know why it is trained.
"""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import TrainingError
from sftloop.core.files import read_json, sha256_json
from sftloop.core.progress import say
from sftloop.core.rundir import MANIFEST, RunDirectory
from sftloop.core.seeds import derive_seed
from sftloop.evaluate.predict import predict_records, read_predictions
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario, Training
from sftloop.workflow.measure import mean_score, primary_values
from sftloop.workflow.train import train_step
from sftloop.workflow.training_case import TrainingData

if TYPE_CHECKING:
    from transformers import TrainerCallback


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What one training gave."""

    predictions: list[Prediction]
    """Empty where it failed."""
    seconds: float
    """With loading and measuring, earlier processes' training included."""
    facts: dict[str, Any]
    """`train.json`; empty where it failed."""
    failure: str | None = None
    """Why it could not go on: the loss diverged, say."""


def train_and_ask(
    place: Path,
    scenario: Scenario,
    data: TrainingData,
    asked: Sequence[Record],
    base: Path,
    choices: Training,
    *,
    verb: str,
    title: str,
    keep_weights: bool = False,
    watch: Sequence[TrainerCallback] = (),
) -> Trained:
    """Train into `place` and let the trained model answer, or return what an earlier process finished there.

    Args:
        place: the training's directory.
        scenario: gives prompts.
        data: to train on, and to pick the best epoch with.
        asked: the records to answer.
        base: the model's directory.
        choices: how to train.
        verb: for the manifest.
        title: what it is called where its progress is shown.
        keep_weights: else weights and checkpoints are deleted once the answers are written.
        watch: told of every step.
    """
    from sftloop.models import LocalModel

    inner = RunDirectory.open(
        place,
        verb=verb,
        command=[verb],
        inputs={"train": _content(data.train), "test": _content(asked)},
        settings=choices.model_dump(),
    )
    path = inner.file("predictions.jsonl")
    if not keep_weights and (inner.step_done("predict") or inner.step_done("failed")):
        _drop_weights(inner)
    if inner.step_done("predict"):
        facts = read_json(inner.file("train/train.json"), "the training's result")
        return Trained(predictions=read_predictions(path), seconds=_seconds(inner, "predict"), facts=facts)
    if inner.step_done("failed"):
        return _failed(inner)
    say(f"{title}, {len(data.train)} records")
    began = time.monotonic()
    try:
        trained = train_step(inner, scenario, data, base, choices, watch)
    except TrainingError as error:
        say(f"{title}: {error}")
        inner.mark_done("failed", seconds=round(time.monotonic() - began, 2), why=str(error))
        if not keep_weights:
            _drop_weights(inner)
        return _failed(inner)
    before = max(time.monotonic() - began, trained["seconds"])
    output = inner.path / trained["output"]
    full = output.name == "model"
    asking = time.monotonic()
    model = LocalModel.load(output if full else base, adapter=None if full else output)
    model.write_choices = False
    predictions = predict_records(model, scenario, asked, path, label="Evaluating")
    inner.mark_done("predict", seconds=round(before + time.monotonic() - asking, 2))
    if not keep_weights:
        _drop_weights(inner)
    return Trained(predictions=predictions, seconds=_seconds(inner, "predict"), facts=trained)


def _drop_weights(run: RunDirectory) -> None:
    for name in ("adapter", "model", "checkpoints"):
        shutil.rmtree(run.file(f"train/{name}"), ignore_errors=True)


def is_trained(place: Path) -> bool:
    """Whether a training in this directory has come to its end, well or not: asking for it again takes no time."""
    manifest = place / MANIFEST
    return manifest.exists() and not {"predict", "failed"}.isdisjoint(
        read_json(manifest, "the training's manifest")["steps"]
    )


def score_of(scenario: Scenario, asked: Sequence[Record], predictions: Sequence[Prediction]) -> float:
    """Return the mean over tasks of each one's primary metric: what the best epoch is chosen by, too."""
    return mean_score(scenario, primary_values(scenario, asked, predictions))


def share_of(records: Sequence[Record], share: float, seed: int) -> list[Record]:
    """Return a share of every task's records, its labels in proportion, in their old order.

    A smaller share of the same seed is part of a larger one. The choice depends on ids and `seed`, not on the
    order.
    """
    ranked: dict[str, dict[tuple[str, ...], list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in sorted(records, key=lambda each: derive_seed("share", seed, each.id)):
        ranked[record.task][record.labels()].append(record)
    chosen: set[tuple[str, str]] = set()
    for task, by_label in ranked.items():
        places = [
            ((rank + derive_seed("start", seed, label) / 2**32) / len(own), record.id)
            for label, own in by_label.items()
            for rank, record in enumerate(own)
        ]
        count = max(1, round(share * len(places)))
        chosen.update((task, identifier) for _, identifier in sorted(places)[:count])
    return [record for record in records if (record.task, record.id) in chosen]


def _content(records: Sequence[Record]) -> str:
    return sha256_json(sorted((record.task, record.id) for record in records))


def _seconds(run: RunDirectory, step: str) -> float:
    return float(run.manifest["steps"][step].get("seconds", 0.0))


def _failed(run: RunDirectory) -> Trained:
    why = str(run.manifest["steps"]["failed"]["why"])
    return Trained(predictions=[], seconds=_seconds(run, "failed"), facts={}, failure=why)
