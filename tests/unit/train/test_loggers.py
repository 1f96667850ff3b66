"""Losses and rates reach the logger that was asked for; a tracker that fails costs no training."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.patience import run
from tests.tiny_training import learn
from transformers import TrainerCallback

from sftloop.core.errors import ExternalError, UsageError
from sftloop.train import loggers


def test_tensorboard_gets_losses_and_rates(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    learn(tmp_path, log_to="tensorboard")
    events = EventAccumulator(str(tmp_path / "logs"))
    events.Reload()
    assert {"train/loss", "train/learning_rate"} <= set(events.Tags()["scalars"])
    history = json.loads((tmp_path / "history.json").read_text())
    losses = [row["loss"] for row in history if "loss" in row]
    assert [event.value for event in events.Scalars("train/loss")] == pytest.approx(losses)


@pytest.mark.parametrize(("name", "word"), [("wandb", "pip install wandb"), ("paper", "tensorboard, none")])
def test_a_logger_that_is_not_there_is_named(tmp_path: Path, name: str, word: str) -> None:
    with pytest.raises(UsageError, match=name) as caught:
        learn(tmp_path, log_to=name)
    assert word in caught.value.hint


def test_each_training_has_a_swanlab_run_of_its_own(tmp_path: Path) -> None:
    """In a process of its own, as SwanLab holds its runs; offline, as it is without a login."""
    program = (
        "from pathlib import Path; from tests.tiny_training import learn\n"
        "for name in ('a', 'b'): learn(Path(name) / 'train', epochs=2, log_to='swanlab')"
    )
    root = Path(__file__).parents[3]
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(root),
        "SWANLAB_MODE": "offline",
        "HOME": str(tmp_path),
    }
    done = run([sys.executable, "-c", program], check=True, cwd=tmp_path, env=environment)
    assert done.stdout == "", "it is for results"
    runs = sorted(path.name for path in (tmp_path / "swanlog").glob("*run*"))
    assert len(runs) == 2, done.stderr


class Failing(TrainerCallback):
    """A tracker's callback that fails at one event, and prints."""

    def __init__(self, event: str) -> None:
        self.told = 0
        setattr(self, event, self._fail)

    def _fail(self, *_: Any, **__: Any) -> None:
        self.told += 1
        print("Welcome to the tracker")
        raise RuntimeError("Name or service not known\nand a long explanation")


def test_a_tracker_that_cannot_begin_ends_the_training_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loggers, "_callback", lambda _: Failing("on_train_begin"))
    with pytest.raises(ExternalError) as caught:
        learn(tmp_path, log_to="swanlab")
    assert caught.value.message == "The logger 'swanlab' can't begin: Name or service not known."
    assert "SWANLAB_MODE=offline" in caught.value.hint
    assert not (tmp_path / "history.json").exists()


def test_a_tracker_that_fails_later_is_told_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = Failing("on_log")
    monkeypatch.setattr(loggers, "_callback", lambda _: failing)
    assert learn(tmp_path, log_to="swanlab").steps == 12
    assert failing.told == 1
    output, said = capsys.readouterr()
    assert said.count("The logger 'swanlab' failed and is told no more: Name or service not known.\n") == 1
    assert output == "", "it is for results"
