"""Training on transformers' Trainer, with the step replaced by the shared-prefix one.

The Trainer keeps the optimizer, the schedule, clipping, logs and checkpoints; one item of its data set is a
whole optimizer step's batch. Validation by task metric is passed in: this module measures no quality.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch.utils.data import DataLoader, Dataset
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from sftloop.core.errors import TrainingError, UsageError
from sftloop.core.files import atomic_write_json
from sftloop.core.memory import peak_memory_bytes, reset_peak_memory
from sftloop.core.progress import say
from sftloop.models import choose_device, heads_of, save_heads, why_not_shareable, without_heads
from sftloop.train.callbacks import (
    FoldPeriodically,
    Journal,
    KeepBest,
    SaveInProportion,
    ShowProgress,
    StopDivergence,
    SwitchToMomentum,
)
from sftloop.train.checkpoints import newest_complete, saving
from sftloop.train.examples import Example
from sftloop.train.fused import fuse
from sftloop.train.methods import Method, PeriodicLoraMethod, Trainable
from sftloop.train.objective import Objective
from sftloop.train.optimizers import build_optimizer, check_optimizer
from sftloop.train.out_of_memory import explained
from sftloop.train.plain import plain_step
from sftloop.train.recompute import Recompute
from sftloop.train.schedule import plan_steps
from sftloop.train.shared import TOKENS, StepResult, shared_step, usual_micro_batch_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_HEAD_RATE = 1e-3

LOGGERS = ("tensorboard", "none", "wandb", "mlflow", "swanlab")

Validate = Callable[["PreTrainedModel"], dict[str, float]]
"""Returns metrics of the model as it is; `score` among them decides which checkpoint is best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How long, how fast and in which pieces to train."""

    epochs: float = 3.0
    learning_rate: float
    batch_size: int = 16
    """Records per optimizer step."""
    micro_batch_tokens: int | None = None
    """Suffix tokens per forward pass on the shared path: bounds memory, not the result. None: 512 in fp32, 1024 in
    bf16, 2048 on a GPU."""
    micro_batch: int = 8
    """Records per forward pass on the ordinary path."""
    optimizer: str = "adamw"
    """One of `OPTIMIZERS`."""
    switch_at: float | str = 0.5
    """adam-then-momentum: a step, a share of the steps (below 1), or `plateau`."""
    task_weights: dict[str, float] = field(default_factory=dict)
    """How often a task's records are seen per epoch, if not once."""
    recompute: bool = False
    """Activation checkpointing."""
    schedule: str = "cosine"
    """A learning-rate schedule of transformers."""
    warmup: float = 0.05
    """Share of the steps over which the rate rises."""
    weight_decay: float = 0.0
    max_gradient_norm: float = 1.0
    log_to: str = "tensorboard"
    """Where losses and rates go beside the history file: one of `LOGGERS`."""
    patience: int | None = None
    """Stop after so many validations without a better score; None: train to the end."""
    save_every: int = 20
    """Optimizer steps between checkpoints, or more where writing one takes long."""
    shared_prefix: bool = True
    seed: int = 0


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
    history: list[dict[str, Any]]


class _Steps(Dataset[list[Example]]):
    def __init__(self, examples: Sequence[Example], plan: list[list[int]]) -> None:
        self.examples, self.plan = examples, plan

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, step: int) -> list[Example]:
        return [self.examples[index] for index in self.plan[step]]


class SharedPrefixTrainer(Trainer):
    """transformers' Trainer whose training step takes a whole global batch of examples."""

    settings: TrainSettings
    method: Method
    objective: Objective
    precision: torch.dtype | None
    recompute: Recompute
    shared: bool
    journal: Journal
    checkpoints: SaveInProportion
    validate: Validate

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Hand out the planned steps in order."""
        assert self.train_dataset is not None
        return DataLoader(self.train_dataset, batch_size=1, shuffle=False, collate_fn=_only)

    def training_step(
        self, model: torch.nn.Module, inputs: Any, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Add one global batch's gradients; the optimizer step follows in the Trainer."""
        model.train()
        batch: list[Example] = inputs["examples"]
        result = self._step(cast("PreTrainedModel", model), batch)
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        size = float(torch.nn.utils.get_total_norm(gradients)) if gradients else 0.0
        if not (math.isfinite(result.loss) and math.isfinite(size)):
            names = ", ".join(example.record_id for example in batch[:8])
            names += f" and {len(batch) - 8} more" if len(batch) > 8 else ""
            what = (
                f"gradient's norm became {size}"
                if math.isfinite(result.loss)
                else f"loss became {result.loss}"
            )
            raise TrainingError(
                f"The {what} at step {self.state.global_step + 1}, on records {names}.",
                hint="Lower the learning rate (--learning-rate) or look at these records; "
                "the last good checkpoint is kept.",
            )
        self.journal.count(result, len(batch))
        return torch.tensor(result.loss, device=self.args.device)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Validate by task metrics instead of loss."""
        model = cast("PreTrainedModel", self.model)
        model.eval()
        metrics = {f"eval_{name}": value for name, value in self.validate(model).items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Give every group of the method its rate; vectors (norms, biases) don't decay."""
        if self.optimizer is None:
            groups = self.method.parameter_groups(
                cast("torch.nn.Module", model or self.model), self.settings.learning_rate
            )
            groups = _heads_apart(groups, cast("torch.nn.Module", model or self.model))
            split = [half for group in groups for half in _decaying_apart(group, self.args.weight_decay)]
            self.optimizer = build_optimizer(self.settings.optimizer, split, self.args.device)
        return self.optimizer

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Write what training needs to go on exactly; the best weights are saved elsewhere."""
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        self.method.save_state(cast("torch.nn.Module", self.model), folder)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        self.method.load_state(cast("torch.nn.Module", model or self.model), Path(resume_from_checkpoint))

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        began = time.monotonic()
        with saving(Path(str(self.args.output_dir))):
            super()._save_checkpoint(*args, **kwargs)
        self.checkpoints.saved(time.monotonic() - began)

    def micro_batch_tokens(self) -> int:
        """Return the suffix tokens per pass: those that were asked for, or what suits device and dtype."""
        asked = self.settings.micro_batch_tokens
        return asked or usual_micro_batch_tokens(self.args.device.type, self.precision)

    def _step(self, model: PreTrainedModel, batch: list[Example]) -> StepResult:
        if self.shared:
            return shared_step(
                model,
                batch,
                micro_batch_tokens=self.micro_batch_tokens(),
                precision=self.precision,
                objective=self.objective,
                recompute=self.recompute,
            )
        return plain_step(
            model,
            batch,
            micro_batch=self.settings.micro_batch,
            precision=self.precision,
            objective=self.objective,
        )


def train(
    trainable: Trainable,
    method: Method,
    examples: Sequence[Example],
    settings: TrainSettings,
    *,
    directory: Path,
    validate: Validate,
    objective: Objective = TOKENS,
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

    Raises:
        TrainingError: the loss or a gradient is no longer finite, or the loss diverges.
        ExternalError: the disk is full, or memory ran out.
    """
    check_optimizer(settings.optimizer, trainable.model.device)
    shared = _share(trainable.model, method, settings)
    plan = plan_steps(
        [example.task for example in examples],
        [example.label for example in examples],
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        seed=settings.seed,
        weights=settings.task_weights,
    )
    fuse(trainable.model)
    recompute = Recompute(trainable.model, always=settings.recompute)
    checkpoints = directory / "checkpoints"
    resume = newest_complete(checkpoints)
    journal = Journal(facts=resume[1] if resume else {})
    output = directory / method.output
    in_proportion = SaveInProportion()
    trainer = SharedPrefixTrainer(
        model=trainable.model,
        args=_arguments(checkpoints, settings, plan),
        train_dataset=_Steps(examples, plan),
        eval_dataset=[],
        callbacks=[
            *_folding(method, settings, len(plan)),
            *_switching(settings, len(plan)),
            in_proportion,
            journal,
            StopDivergence(),
            *_logging(settings, directory),
            KeepBest(output, partial(_save_with_heads, method), settings.patience),
            ShowProgress(len(plan)),
        ],
    )
    trainer.method, trainer.objective, trainer.recompute = method, objective, recompute
    trainer.remove_callback(PrinterCallback)
    trainer.settings, trainer.precision, trainer.shared = settings, trainable.precision, shared
    trainer.journal, trainer.checkpoints, trainer.validate = journal, in_proportion, validate
    if resume:
        say(f"Training goes on from step {resume[0].name.rpartition('-')[2]} of {len(plan)}")
    reset_peak_memory()
    journal.start()
    with explained(settings, method, shared=shared, tokens=trainer.micro_batch_tokens()):
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
        peak_memory_bytes=max(journal.peak_memory_bytes, peak_memory_bytes()),
        shared_prefix=shared,
        trainable_parameters=trainable.trainable_parameters,
        history=history,
    )


def _save_with_heads(method: Method, model: Any, directory: Path) -> None:
    with without_heads(model):
        method.save(model, directory)
    save_heads(heads_of(model), directory)


def _logging(settings: TrainSettings, directory: Path) -> list[TrainerCallback]:
    """Return TensorBoard's callback over `logs`; the other loggers come by the Trainer's own switch."""
    if settings.log_to not in LOGGERS:
        raise UsageError(f"There is no logger '{settings.log_to}'.", hint=f"Valid: {', '.join(LOGGERS)}.")
    if settings.log_to != "tensorboard":
        if settings.log_to != "none" and find_spec(settings.log_to) is None:
            raise UsageError(
                f"log_to={settings.log_to} needs the package '{settings.log_to}', which isn't installed.",
                hint=f"pip install {settings.log_to}, or leave log_to at tensorboard.",
            )
        return []
    from torch.utils.tensorboard import SummaryWriter
    from transformers.integrations.integration_utils import TensorBoardCallback

    return [TensorBoardCallback(SummaryWriter(str(directory / "logs")))]


def _folding(method: Method, settings: TrainSettings, steps: int) -> list[FoldPeriodically]:
    if not isinstance(method, PeriodicLoraMethod):
        return []
    return [FoldPeriodically(method, steps, _steps_per_epoch(steps, settings), settings.seed)]


def _switching(settings: TrainSettings, steps: int) -> list[SwitchToMomentum]:
    if settings.optimizer != "adam-then-momentum":
        return []
    return [SwitchToMomentum(settings.switch_at, steps)]


def _heads_apart(groups: list[dict[str, Any]], model: torch.nn.Module) -> list[dict[str, Any]]:
    """Give scoring heads, which start from nothing, a rate of their own where the method's is low."""
    heads = {id(p) for head in heads_of(model).values() for p in head.parameters()}
    if not heads:
        return groups
    split = []
    for group in groups:
        own = [p for p in group["params"] if id(p) in heads]
        split.append({**group, "params": [p for p in group["params"] if id(p) not in heads]})
        split.append({**group, "params": own, "lr": max(group["lr"], _HEAD_RATE)})
    return [group for group in split if group["params"]]


def _decaying_apart(group: dict[str, Any], weight_decay: float) -> list[dict[str, Any]]:
    matrices = [p for p in group["params"] if p.dim() > 1]
    vectors = [p for p in group["params"] if p.dim() <= 1]
    halves = (matrices, weight_decay), (vectors, 0.0)
    return [{**group, "params": params, "weight_decay": decay} for params, decay in halves if params]


def _only(items: list[list[Example]]) -> dict[str, Any]:
    return {"examples": items[0]}


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
    return TrainingArguments(
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
        report_to="none" if settings.log_to == "tensorboard" else settings.log_to,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
    )
