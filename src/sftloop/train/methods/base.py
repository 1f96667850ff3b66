"""What every fine-tuning method is: a configuration that turns a base model into one that trains, and saves it.

Knows transformers and peft; doesn't know data, schedules or the step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch

from sftloop.models import choose_dtype, load_causal_lm

if TYPE_CHECKING:
    from transformers import PreTrainedModel


_STATE = "trained.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Method(ABC):
    """One way of fine-tuning. Its fields are its options."""

    name: ClassVar[str]
    small_rate: ClassVar[float]
    """Learning rate to start from, below a billion parameters."""
    large_rate: ClassVar[float]
    """The same from a billion parameters on."""
    output: ClassVar[str] = "adapter"
    """Folder of what is saved: `adapter` (peft format) or `model` (a whole model)."""

    def default_learning_rate(self, parameters: int) -> float:
        """Return a starting rate for a model of so many parameters."""
        return self.small_rate if parameters < 1e9 else self.large_rate

    def load(self, directory: Path, device: str) -> PreTrainedModel:
        """Load the base model as this method wants it: frozen, in the dtype that is fast here.

        Raises:
            ModelError: the weights can't be loaded.
        """
        return load_causal_lm(directory, device, choose_dtype(device))

    @abstractmethod
    def set_up(self, model: PreTrainedModel) -> PreTrainedModel:
        """Turn the base model into one whose trained parameters require gradients."""

    def parameter_groups(self, model: torch.nn.Module, learning_rate: float) -> list[dict[str, Any]]:
        """Return the optimizer's groups: `params` and what differs from the defaults."""
        return [{"params": [p for p in model.parameters() if p.requires_grad], "lr": learning_rate}]

    def why_not_shared(self) -> str | None:
        """Return why a shared prefix would not be exact with these options, or None when it is."""
        return None

    def save_state(self, model: torch.nn.Module, checkpoint: Path) -> None:
        """Write all that a checkpoint needs to go on exactly: the trained parameters, bit for bit."""
        from safetensors.torch import save_file

        save_file({name: p.detach().cpu().contiguous() for name, p in _trained(model)}, checkpoint / _STATE)

    @torch.no_grad()
    def load_state(self, model: torch.nn.Module, checkpoint: Path) -> None:
        """Take up what `save_state` wrote."""
        from safetensors.torch import load_file

        saved = load_file(checkpoint / _STATE)
        for name, parameter in _trained(model):
            parameter.copy_(saved[name])

    def save(self, model: PreTrainedModel, directory: Path) -> None:
        """Write what was learned, in peft's or transformers' own format."""
        model.save_pretrained(directory)


def _trained(model: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Parameter]]:
    return ((name, p) for name, p in model.named_parameters() if p.requires_grad)


class Trainable(NamedTuple):
    """A model ready to train."""

    model: PreTrainedModel
    precision: torch.dtype | None
    """dtype of matrix products; None: that of the weights."""
    trainable_parameters: int
    parameters: int

    @classmethod
    def counted(cls, model: PreTrainedModel, precision: torch.dtype | None) -> Trainable:
        """Count the model's parameters as they are, also those in four bits, of which a byte holds two."""
        sizes = [(_count(p), p.requires_grad) for p in model.parameters()]
        return cls(model, precision, sum(n for n, learns in sizes if learns), sum(n for n, _ in sizes))


def _count(parameter: torch.nn.Parameter) -> int:
    packed = type(parameter).__name__ == "Params4bit"  # of bitsandbytes, which may be absent
    return parameter.numel() * (2 * parameter.element_size() if packed else 1)


def prepare(directory: Path, method: Method, *, device: str, seed: int) -> Trainable:
    """Load the base model and set the method up on it.

    Args:
        directory: the base model's folder.
        method: what is trained.
        device: `cpu`, `cuda` or `mps`.
        seed: for the adapters' initial weights.

    Raises:
        ModelError: the weights can't be loaded.
    """
    fast = choose_dtype(device)
    precision = fast if fast is not torch.float32 else None
    torch.manual_seed(seed)
    model = method.set_up(method.load(directory, device))
    model.train()
    return Trainable.counted(model, precision)
