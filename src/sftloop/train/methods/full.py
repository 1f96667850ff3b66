"""Full fine-tuning: every weight is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import torch

from sftloop.models import load_causal_lm
from sftloop.train.methods.base import Method

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class FullMethod(Method):
    """Every weight is trained; weights and optimizer states in fp32, matrix products in the fast dtype."""

    name: ClassVar[str] = "full"
    small_rate: ClassVar[float] = 5e-5
    large_rate: ClassVar[float] = 1e-5
    output: ClassVar[str] = "model"

    def load(self, directory: Path, device: str) -> PreTrainedModel:
        """Load the weights in fp32: small updates would be lost in bf16."""
        return load_causal_lm(directory, device, torch.float32)

    def set_up(self, model: PreTrainedModel) -> PreTrainedModel:
        """Let every weight learn."""
        return model
