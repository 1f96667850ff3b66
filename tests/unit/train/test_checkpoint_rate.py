"""Checkpoints take at most a twentieth of the time: a slow one is followed by a longer wait."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from sftloop.train.callbacks import SaveInProportion


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("sftloop.train.callbacks.time.monotonic", lambda: now[0])
    return now


def wants_to_save(callback: SaveInProportion, directory: Path) -> bool:
    control = TrainerControl(should_save=True)
    callback.on_step_end(TrainingArguments(output_dir=str(directory)), TrainerState(), control)
    return control.should_save


def test_the_first_checkpoint_is_written(clock: list[float], tmp_path: Path) -> None:
    assert wants_to_save(SaveInProportion(), tmp_path)


def test_the_next_waits_twenty_times_as_long_as_the_last_took(clock: list[float], tmp_path: Path) -> None:
    callback = SaveInProportion()
    callback.saved(5.0)
    clock[0] += 99
    assert not wants_to_save(callback, tmp_path)
    clock[0] += 2
    assert wants_to_save(callback, tmp_path)


def test_a_quick_checkpoint_delays_nothing(clock: list[float], tmp_path: Path) -> None:
    callback = SaveInProportion()
    callback.saved(0.1)
    clock[0] += 3
    assert wants_to_save(callback, tmp_path)
