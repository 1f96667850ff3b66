"""The warm-up of LESS: an adapter trained on a share of the records, one checkpoint per epoch with Adam's state.

A record's influence depends on where training stands and on what Adam remembers there; both are kept (Xia et al.
2024, arXiv:2402.04333, section 4.1). Knows examples and folders; doesn't know gradients of records.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor

from sftloop.core.files import atomic_write_json, read_json
from sftloop.core.progress import say
from sftloop.core.seeds import derive_seed
from sftloop.curate.attribute.adapter_path import Stop, steps_for, walk
from sftloop.train import Example, LoraMethod, Trainable

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_MARKER = "checkpoint.json"
_MOMENTS = "moments.safetensors"


class Adam(NamedTuple):
    """What Adam remembers at a checkpoint."""

    means: dict[str, Tensor]
    """Parameter → running mean of its gradients, not corrected for the start."""
    squares: dict[str, Tensor]
    """Parameter → running mean of their squares."""
    steps: int
    betas: tuple[float, float]
    epsilon: float


class Checkpoint(NamedTuple):
    """One epoch's end."""

    directory: Path
    rate: float
    """Mean learning rate of the epoch."""

    def load(self, model: PreTrainedModel, method: LoraMethod) -> Adam:
        """Put the weights into the model and return what Adam remembers."""
        from safetensors.torch import load_file

        method.load_state(model, self.directory)
        facts = read_json(self.directory / _MARKER, "a checkpoint's marker")
        moments = load_file(self.directory / _MOMENTS, device=str(model.device))
        parts = [
            {key.partition(":")[2]: each for key, each in moments.items() if key.startswith(kind)}
            for kind in ("mean:", "square:")
        ]
        return Adam(parts[0], parts[1], facts["steps"], tuple(facts["betas"]), facts["epsilon"])


def warm_up(
    trainable: Trainable,
    method: LoraMethod,
    examples: Sequence[Example],
    *,
    directory: Path,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> list[Checkpoint]:
    """Train, or take up what an earlier process finished in `directory`.

    Args:
        trainable: set up with the same seed; changed in place.
        method: how.
        examples: the share of the records that is learned.
        directory: gets a folder per epoch; one without its marker is made again, with all others.
        epochs: checkpoints.
        batch_size: records per step.
        learning_rate: at its highest.
        seed: for the order.
    """
    folders = [directory / f"checkpoint-{epoch + 1}" for epoch in range(epochs)]
    if not all((folder / _MARKER).exists() for folder in folders):
        plan = steps_for(examples, batch_size=batch_size, seed=seed, epochs=epochs)
        stops = [len(plan) * (epoch + 1) // epochs for epoch in range(epochs)]
        path = walk(trainable, method, examples, plan, stops, learning_rate=learning_rate)
        for folder, stop in zip(folders, path, strict=True):
            _save(trainable.model, method, stop, folder)
            say(f"Warm-up: step {stop.step} of {len(plan)}, loss {stop.loss:.3f}")
    return [Checkpoint(each, read_json(each / _MARKER, "a checkpoint's marker")["rate"]) for each in folders]


def warm_up_share(examples: Sequence[Example], *, share: float, at_least: int, seed: int) -> list[Example]:
    """Draw what the warm-up learns, independently of the given order."""
    count = min(len(examples), max(at_least, round(share * len(examples))))
    shuffled = sorted(examples, key=lambda example: (example.task, example.record_id))
    return random.Random(derive_seed(seed, "warm-up")).sample(shuffled, count)


def _save(model: PreTrainedModel, method: LoraMethod, stop: Stop, folder: Path) -> None:
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    method.save_state(model, folder)
    group = stop.optimizer.param_groups[0]
    moments: dict[str, Tensor] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            state = stop.optimizer.state[parameter]
            moments[f"mean:{name}"] = state["exp_avg"].cpu().contiguous()
            moments[f"square:{name}"] = state["exp_avg_sq"].cpu().contiguous()
    save_file(moments, folder / _MOMENTS)
    facts = {"rate": stop.rate, "steps": stop.step, "betas": list(group["betas"]), "epsilon": group["eps"]}
    atomic_write_json(folder / _MARKER, facts)


def adam_direction(gradients: dict[str, Tensor], adam: Adam) -> dict[str, Tensor]:
    """Return what Adam's next step would be along, had it seen one record alone: Γ of LESS (section 3.1).

        m = (β₁ m + (1 − β₁) g) / (1 − β₁ᵗ),  v = (β₂ v + (1 − β₂) g²) / (1 − β₂ᵗ),  Γ = m / (√v + ε)

    with t the next step. ε stands outside the root as in the optimizer itself; the paper has it within.

    Args:
        gradients: parameter → (R, *its shape).
        adam: at the checkpoint.
    """
    (beta1, beta2), step = adam.betas, adam.steps + 1
    found: dict[str, Tensor] = {}
    for name, gradient in gradients.items():
        scale = (beta2 * adam.squares[name] + (1 - beta2) * gradient.square()).div_(1 - beta2**step)
        mean = (beta1 * adam.means[name] + (1 - beta1) * gradient).div_(1 - beta1**step)
        found[name] = mean.div_(scale.sqrt_().add_(adam.epsilon))
    return found
