"""Periodic LoRA: after each period the adapter goes into the weights and starts anew."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import torch

from sftloop.models import load_causal_lm
from sftloop.train.methods.folding import (
    fold,
    lora_layers,
    require_untied,
    restore_pieces,
    save_pieces,
    save_sum,
)
from sftloop.train.methods.lora import LoraMethod

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_PIECES = "folded.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicLoraMethod(LoraMethod):
    """LoRA whose adapter is folded into the weights after each period (Meng et al. 2024, arXiv:2402.16141).

    The optimizer's state is reset with it, so that the sum of the periods can have a higher rank than each.
    Saved is that sum: one adapter of rank × periods over the untouched weights. Weights are kept in fp32,
    because an update of a period would be lost in bf16.
    """

    period: float = 1.0
    """Length of a period in epochs."""
    name: ClassVar[str] = "plora"

    def load(self, directory: Path, device: str) -> PreTrainedModel:
        """Load the weights in fp32."""
        return load_causal_lm(directory, device, torch.float32)

    def set_up(self, model: PreTrainedModel) -> PreTrainedModel:
        """Put adapters beside the weights, all of which can be folded."""
        wrapped = LoraMethod.set_up(self, model)
        require_untied(wrapped, self.name)
        return wrapped

    def ends_period(self, step: int, steps: int, steps_per_epoch: int) -> bool:
        """Does a period end after `step` optimizer steps (1 … steps)? The last one needs no fold."""
        length = max(1, round(self.period * steps_per_epoch))
        return step % length == 0 and step < steps

    def start_anew(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> None:
        """Fold every adapter, draw a new one, and forget the optimizer's state of it."""
        draw = torch.Generator().manual_seed(seed)
        for _, layer in lora_layers(model):
            fold(layer)
            a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
            fresh = torch.empty(a.shape).uniform_(-1, 1, generator=draw) / math.sqrt(a.shape[1])
            with torch.no_grad():
                a.copy_(fresh)
                b.zero_()
            for parameter in (a, b):
                optimizer.state.pop(parameter, None)

    def save(self, model: PreTrainedModel, directory: Path) -> None:
        """Save the sum of all periods as one adapter."""
        save_sum(model, directory)

    def save_state(self, model: torch.nn.Module, checkpoint: Path) -> None:
        """Write this period's adapter and what earlier periods learned."""
        LoraMethod.save_state(self, model, checkpoint)
        save_pieces(model, checkpoint / _PIECES)

    def load_state(self, model: torch.nn.Module, checkpoint: Path) -> None:
        """Take both up again, over the untouched weights."""
        LoraMethod.load_state(self, model, checkpoint)
        restore_pieces(model, checkpoint / _PIECES)
