"""One training in a directory of its own: what stays of it, on disk and in memory."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest
from tests.tiny_scenario import write_scenario
from transformers import TrainerCallback

from sftloop.core.errors import TrainingError
from sftloop.core.rundir import RunDirectory
from sftloop.workflow import trials
from sftloop.workflow.train import train_step
from sftloop.workflow.training_case import TrainingCase, read_training_case


@pytest.fixture
def case(tmp_path: Path) -> TrainingCase:
    place = write_scenario(tmp_path / "case")
    return read_training_case(place, {"epochs": 1}, tasks=["kind"], limit=12, skip_bad=False)


class Watch(TrainerCallback):
    """Remembers the weights without holding them."""

    weights: Any = ()

    def on_step_end(self, *_: Any, model: Any, **__: Any) -> None:
        """Note them."""
        self.weights = [weakref.ref(weight) for weight in model.parameters()]


def test_the_trained_model_is_gone_before_the_next_is_loaded(case: TrainingCase, tmp_path: Path) -> None:
    run = RunDirectory.open(tmp_path / "run", verb="train", command=["train"], inputs={}, settings={})
    watch = Watch()
    gc.disable()  # what it would find by chance is not what is tested
    try:
        train_step(run, case.scenario, case.data, tmp_path / "case/model", case.choices, [watch])
    finally:
        gc.enable()
    assert watch.weights and all(weight() is None for weight in watch.weights)


def asked(case: TrainingCase, place: Path, **more: Any) -> trials.Trained:
    test = case.data.validation
    return trials.train_and_ask(
        place / "trial", case.scenario, case.data, test, place / "case/model", case.choices,
        verb="trial", title="Training", **more,
    )  # fmt: skip


def test_weights_of_a_training_that_failed_are_deleted(
    case: TrainingCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverges(run: RunDirectory, *_: Any) -> dict[str, Any]:
        (run.file("train/checkpoints/checkpoint-2")).mkdir(parents=True)
        raise TrainingError("The loss diverges.")

    monkeypatch.setattr(trials, "train_step", diverges)
    assert asked(case, tmp_path).failure == "The loss diverges."
    assert not (tmp_path / "trial/train/checkpoints").exists()


def test_weights_that_a_kill_left_are_deleted(case: TrainingCase, tmp_path: Path) -> None:
    done = asked(case, tmp_path)
    assert not (tmp_path / "trial/train/adapter").exists()
    (tmp_path / "trial/train/adapter").mkdir()
    again = asked(case, tmp_path).predictions
    assert {p.id: p.answer for p in again} == {p.id: p.answer for p in done.predictions}
    assert not (tmp_path / "trial/train/adapter").exists()
