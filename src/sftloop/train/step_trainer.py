"""transformers' Trainer with its step replaced by the shared-prefix one.

The Trainer keeps the optimizer, the schedule, clipping, logs and checkpoints; one item of its data set is a
whole optimizer step's batch. Validation by task metric is passed in: this module measures no quality.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch.utils.data import DataLoader, Dataset
from transformers import Trainer

from sftloop.core.errors import TrainingError
from sftloop.train.callbacks import Journal, SaveInProportion
from sftloop.train.checkpoints import saving
from sftloop.train.examples import Example
from sftloop.train.loss_course import task_of
from sftloop.train.methods import Method
from sftloop.train.objective import Objective
from sftloop.train.optimizers import build_optimizer
from sftloop.train.plain import plain_step
from sftloop.train.recompute import Recompute
from sftloop.train.settings import TrainSettings
from sftloop.train.shared import StepResult, autocast, shared_step, usual_micro_batch_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Validate = Callable[["PreTrainedModel"], dict[str, float]]
"""Returns metrics of the model as it is; `score` among them decides which checkpoint is best."""


class Steps(Dataset[list[Example]]):
    """The planned optimizer steps, each with its whole global batch."""

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
    _task: str | None = None
    """Of the step done last."""

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
        self._task = task_of(example.task for example in batch)
        return torch.tensor(result.loss, device=self.args.device)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log a row, and keep with a step's loss which task it is of."""
        super().log(logs, start_time)
        if "loss" in logs:
            self.state.log_history[-1]["task"] = self._task  # type: ignore[assignment]

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Validate by task metrics instead of loss, in the precision that is trained in."""
        model = cast("PreTrainedModel", self.model)
        model.eval()
        with autocast(model, self.precision):
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


def _decaying_apart(group: dict[str, Any], weight_decay: float) -> list[dict[str, Any]]:
    matrices = [p for p in group["params"] if p.dim() > 1]
    vectors = [p for p in group["params"] if p.dim() <= 1]
    halves = (matrices, weight_decay), (vectors, 0.0)
    return [{**group, "params": params, "weight_decay": decay} for params, decay in halves if params]


def _only(items: list[list[Example]]) -> dict[str, Any]:
    return {"examples": items[0]}
