"""What happens beside the steps: counting, keeping the best weights, stopping early, progress.

Knows the Trainer's callback interface; doesn't know the step or the data. What is read off the losses stands in
`loss_course`.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from sftloop.core.files import atomic_write_json, read_json
from sftloop.core.progress import Progress, say
from sftloop.core.seeds import derive_seed
from sftloop.train.checkpoints import mark_complete, saving
from sftloop.train.methods import PeriodicLoraMethod
from sftloop.train.peak_memory import peak_bytes
from sftloop.train.shared import StepResult

_BEST = "best.json"
SAVING_SHARE = 20
"""Time between checkpoints, in times that writing one takes."""


class Journal(TrainerCallback):
    """Counts tokens and seconds, across interruptions; marks checkpoints as whole.

    Args:
        facts: what an earlier process had counted when it saved.
    """

    def __init__(self, facts: dict[str, Any]) -> None:
        self.records = int(facts.get("records", 0))
        self.prefix_tokens = int(facts.get("prefix_tokens", 0))
        self.suffix_tokens = int(facts.get("suffix_tokens", 0))
        self.peak_memory_bytes = int(facts.get("peak_memory_bytes", 0))
        self._seconds_before = float(facts.get("seconds", 0.0))
        self._began = time.monotonic()

    def start(self) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def seconds(self) -> float:
        """Return seconds spent, earlier processes' included as far as they were saved."""
        return self._seconds_before + time.monotonic() - self._began

    def count(self, result: StepResult, records: int) -> None:
        """Add one step."""
        self.records += records
        self.prefix_tokens += result.prefix_tokens
        self.suffix_tokens += result.suffix_tokens

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Mark the checkpoint that was just written as whole."""
        facts = {
            "records": self.records,
            "prefix_tokens": self.prefix_tokens,
            "suffix_tokens": self.suffix_tokens,
            "seconds": self.seconds(),
            "peak_memory_bytes": max(self.peak_memory_bytes, peak_bytes(args.device)),
        }
        mark_complete(Path(str(args.output_dir)) / f"checkpoint-{state.global_step}", facts)


class SaveInProportion(TrainerCallback):
    """Skips a checkpoint while saving would take more than a twentieth of the time since the last one."""

    def __init__(self) -> None:
        self._saved_at, self._took = 0.0, 0.0

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take back what the Trainer has decided, if it is too soon."""
        if time.monotonic() - self._saved_at < SAVING_SHARE * self._took:
            control.should_save = False

    def saved(self, seconds: float) -> None:
        """Note how long the checkpoint took that was just written."""
        self._saved_at, self._took = time.monotonic(), seconds


class KeepBest(TrainerCallback):
    """Saves the weights whenever the validation score is the best so far, and stops when it isn't for long.

    Args:
        output: the folder that holds the best weights; replaced as a whole.
        save: writes the weights to a folder.
        patience: validations without a better score before training stops; None: never.
    """

    def __init__(self, output: Path, save: Callable[[Any, Path], None], patience: int | None) -> None:
        self.output, self.save, self.patience = output, save, patience

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Compare the newest score with the best saved one."""
        score, step = kwargs["metrics"]["eval_score"], state.global_step
        best = self.best()
        if best is None or best["step"] > step or score > best["score"]:
            self._save(kwargs["model"], score, step)
        elif self.patience is not None and self._since(state, best["step"]) >= self.patience:
            say(f"Stopped early: no better validation score since step {best['step']}")
            control.should_training_stop = True

    def best(self) -> dict[str, Any] | None:
        """Return `score` and `step` of the weights that are kept, an earlier process's included."""
        path = self.output / _BEST
        return read_json(path, "the best weights' note") if path.exists() else None

    def _since(self, state: TrainerState, step: int) -> int:
        return sum(1 for row in state.log_history if "eval_score" in row and row["step"] > step)

    def _save(self, model: Any, score: float, step: int) -> None:
        fresh = self.output.with_name(f".{self.output.name}.part")
        with saving(self.output):
            shutil.rmtree(fresh, ignore_errors=True)
            self.save(model, fresh)
            atomic_write_json(fresh / _BEST, {"score": score, "step": step})
            shutil.rmtree(self.output, ignore_errors=True)
            fresh.rename(self.output)


class FoldPeriodically(TrainerCallback):
    """Ends the periods of periodic LoRA.

    Args:
        method: says when, and does it.
        steps: optimizer steps of the whole training.
        steps_per_epoch: of one pass over the data.
        seed: for the new adapters.
    """

    def __init__(self, method: PeriodicLoraMethod, steps: int, steps_per_epoch: int, seed: int) -> None:
        self.method, self.steps, self.steps_per_epoch, self.seed = method, steps, steps_per_epoch, seed

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Fold the adapter and start anew where a period ends."""
        if self.method.ends_period(state.global_step, self.steps, self.steps_per_epoch):
            seed = derive_seed(self.seed, "period", state.global_step)
            self.method.start_anew(kwargs["model"], kwargs["optimizer"], seed)
            say(f"Period ends after step {state.global_step}: the adapter is folded into the weights")


class ShowProgress(TrainerCallback):
    """One progress line for the whole training, with the loss; validation scores as they come."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._progress: Progress | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Open the progress line."""
        self._progress = Progress("Training", self._steps, done=state.global_step)
        self._progress.__enter__()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Advance by a step, or print a validation."""
        logs: dict[str, float] = kwargs["logs"]
        if "eval_score" in logs:
            shown = " · ".join(
                f"{name.removeprefix('eval_')} {value:.3f}" for name, value in logs.items() if name != "epoch"
            )
            say(f"Validation after step {state.global_step}: {shown}")
        elif "loss" in logs and self._progress is not None:
            self._progress.advance(1, f"loss {logs['loss']:.3f}")

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Close the progress line."""
        if self._progress is not None:
            self._progress.__exit__(None, None, None)
