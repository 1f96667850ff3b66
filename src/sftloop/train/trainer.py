"""A whole training: plan the steps, set the trainer up, go on from a checkpoint, report what was done.

Validation by task metric is passed in: this module measures no quality.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from sftloop.core.errors import UsageError
from sftloop.core.files import atomic_write_json
from sftloop.core.progress import say
from sftloop.models import (
    choose_device,
    heads_of,
    learns_prompts,
    save_heads,
    why_not_shareable,
    without_heads,
)
from sftloop.train.callbacks import (
    FoldPeriodically,
    Journal,
    KeepBest,
    SaveInProportion,
    ShowProgress,
)
from sftloop.train.checkpoints import newest_complete
from sftloop.train.examples import Example
from sftloop.train.fused import fuse
from sftloop.train.head_start import start_heads
from sftloop.train.loggers import logger_callbacks
from sftloop.train.loss_course import StopDivergence, SwitchToMomentum
from sftloop.train.methods import Method, PeriodicLoraMethod, PrefixTuningMethod, Trainable
from sftloop.train.objective import HeadObjective, Objective
from sftloop.train.optimizers import check_optimizer
from sftloop.train.out_of_memory import explained
from sftloop.train.peak_memory import peak_bytes, reset_peak
from sftloop.train.recompute import Recompute
from sftloop.train.schedule import plan_steps
from sftloop.train.settings import TrainSettings
from sftloop.train.shared import TOKENS
from sftloop.train.step_trainer import SharedPrefixTrainer, Steps, Validate

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOutcome:
    """What training did."""

    output: Path
    """Folder of the best adapter (peft format) or model."""
    seconds: float
    steps: int
    records: int
    """Records seen, repetitions counted."""
    prefix_tokens: int
    suffix_tokens: int
    peak_memory_bytes: int
    shared_prefix: bool
    trainable_parameters: int
    best: dict[str, Any]
    """The kept weights' validation `score` and their `step`."""
    history: list[dict[str, Any]]


def train(
    trainable: Trainable,
    method: Method,
    examples: Sequence[Example],
    settings: TrainSettings,
    *,
    directory: Path,
    validate: Validate,
    objective: Objective = TOKENS,
    watch: Sequence[TrainerCallback] = (),
) -> TrainOutcome:
    """Train, or go on with an interrupted training found in `directory`.

    Args:
        trainable: the model, set up by `prepare` with the same seed.
        method: what is trained.
        examples: the training set.
        settings: everything else the result depends on.
        directory: gets `checkpoints/`, `history.json` and the best weights (`adapter/` or `model/`).
        validate: called once per epoch.
        objective: what is learned: the answers' tokens, or scoring heads.
        watch: told of every step and validation, after everybody else.

    Raises:
        UsageError: an unknown optimizer or logger; scoring heads over virtual tokens without a shared prefix.
        TrainingError: the loss or a gradient is no longer finite, or the loss diverges.
        ExternalError: the disk is full, or memory ran out.
    """
    check_optimizer(settings.optimizer, trainable.model.device)
    shared = _share(trainable.model, method, settings)
    if isinstance(objective, HeadObjective) and learns_prompts(trainable.model) and not shared:
        raise UsageError(
            f"A scoring head over {method.name}'s virtual tokens needs the shared prefix.",
            hint="Leave --no-shared-prefix out, or take --method lora.",
        )
    plan = plan_steps(
        [example.task for example in examples],
        [example.label for example in examples],
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        seed=settings.seed,
        weights=settings.task_weights,
    )
    fuse(trainable.model)
    recompute = Recompute(trainable.model, always=settings.recompute and _can_recompute(method, shared))
    checkpoints = directory / "checkpoints"
    resume = newest_complete(checkpoints)
    journal = Journal(facts=resume[1] if resume else {})
    output = directory / method.output
    in_proportion = SaveInProportion()
    keep_best = KeepBest(output, partial(_save_with_heads, method), settings.patience)
    trainer = SharedPrefixTrainer(
        model=trainable.model,
        args=_arguments(checkpoints, settings, plan),
        train_dataset=Steps(examples, plan),
        eval_dataset=[],
        callbacks=[
            *_folding(method, settings, len(plan)),
            *_switching(settings, len(plan)),
            in_proportion,
            journal,
            StopDivergence(),
            *logger_callbacks(settings.log_to, directory),
            keep_best,
            ShowProgress(len(plan)),
            *watch,
        ],
    )
    trainer.method, trainer.objective, trainer.recompute = method, objective, recompute
    trainer.remove_callback(PrinterCallback)
    trainer.args.eval_on_start = isinstance(objective, HeadObjective) and not resume
    trainer.settings, trainer.precision, trainer.shared = settings, trainable.precision, shared
    trainer.journal, trainer.checkpoints, trainer.validate = journal, in_proportion, validate
    if resume:
        say(f"Training goes on from step {resume[0].name.rpartition('-')[2]} of {len(plan)}")
    device = trainable.model.device
    reset_peak(device)
    journal.start()
    with explained(settings, method, device, shared=shared, tokens=trainer.micro_batch_tokens()):
        if isinstance(objective, HeadObjective):
            start_heads(
                trainable.model,
                examples,
                objective,
                precision=trainable.precision,
                micro_batch_tokens=trainer.micro_batch_tokens(),
                seed=settings.seed,
                saved=checkpoints / "heads",
            )
        trainer.train(resume_from_checkpoint=str(resume[0]) if resume else None)
    history = [row for row in trainer.state.log_history if "loss" in row or "eval_score" in row]
    atomic_write_json(directory / "history.json", history)
    return TrainOutcome(
        output=output,
        seconds=journal.seconds(),
        steps=trainer.state.global_step,
        records=journal.records,
        prefix_tokens=journal.prefix_tokens,
        suffix_tokens=journal.suffix_tokens,
        peak_memory_bytes=max(journal.peak_memory_bytes, peak_bytes(device)),
        shared_prefix=shared,
        trainable_parameters=trainable.trainable_parameters,
        best=keep_best.best() or {},
        history=history,
    )


def _save_with_heads(method: Method, model: Any, directory: Path) -> None:
    with without_heads(model):
        method.save(model, directory)
    save_heads(heads_of(model), directory)


def _folding(method: Method, settings: TrainSettings, steps: int) -> list[FoldPeriodically]:
    if not isinstance(method, PeriodicLoraMethod):
        return []
    return [FoldPeriodically(method, steps, _steps_per_epoch(steps, settings), settings.seed)]


def _switching(settings: TrainSettings, steps: int) -> list[SwitchToMomentum]:
    if settings.optimizer != "adam-then-momentum":
        return []
    return [SwitchToMomentum(settings.switch_at, steps)]


def _can_recompute(method: Method, shared: bool) -> bool:
    """Say where activations are kept though they should not be."""
    if isinstance(method, PrefixTuningMethod) and not shared:
        say("Activations are kept: without a shared prefix, prefix tuning's keys can't be computed again.")
        return False
    return True


def _share(model: PreTrainedModel, method: Method, settings: TrainSettings) -> bool:
    """Decide the path, and say why when it is the ordinary one against the user's wish."""
    if not settings.shared_prefix:
        return False
    reason = why_not_shareable(model.config, training=True)
    reason = reason or method.why_not_shared()
    if reason:
        say(f"The prefix is not shared: {reason}. The ordinary, slower path is taken.")
    return reason is None


def _steps_per_epoch(steps: int, settings: TrainSettings) -> int:
    return max(1, round(steps / settings.epochs))


def _arguments(checkpoints: Path, settings: TrainSettings, plan: list[list[int]]) -> TrainingArguments:
    """Return what the Trainer is told; one GPU, as more would wrap the model in DataParallel."""
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        max_steps=len(plan),
        per_device_train_batch_size=1,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.schedule,
        warmup_steps=round(settings.warmup * len(plan)),
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_gradient_norm,
        logging_steps=1,
        eval_strategy="steps",
        eval_steps=min(_steps_per_epoch(len(plan), settings), len(plan)),
        save_strategy="steps",
        save_steps=settings.save_every,
        save_total_limit=2,
        seed=settings.seed,
        data_seed=settings.seed,
        use_cpu=choose_device() == "cpu",
        disable_tqdm=True,
        report_to="none",
        run_name=checkpoints.parent.parent.name,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
    )
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments
