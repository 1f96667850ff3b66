"""Fine-tuning methods: each its own configuration, each turning a base model into one that trains.

Knows transformers and peft; doesn't know data, schedules or files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

import torch

from sftloop.models import choose_dtype, load_causal_lm

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class FullMethod:
    """Every weight is trained; weights and optimizer states in fp32, matrix products in the fast dtype."""

    name: ClassVar[str] = "full"

    def default_learning_rate(self, parameters: int) -> float:
        """Return a starting rate for a model of so many parameters."""
        return 5e-5 if parameters < 1e9 else 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraMethod:
    """Low-rank adapters beside frozen weights (Hu et al. 2021, arXiv:2106.09685)."""

    rank: int = 16
    """Rank of the update; 16 serves classification and extraction tasks of a few thousand records."""
    alpha: int = 32
    """The update is scaled by alpha / rank; twice the rank is the usual start."""
    dropout: float = 0.0
    """On the adapter's input. Above zero the shared prefix is not exact, so the ordinary path is taken."""
    targets: str = "all-linear"
    """Which layers get adapters: `all-linear`, or a regular expression over module names."""
    name: ClassVar[str] = "lora"

    def default_learning_rate(self, parameters: int) -> float:
        """Return a starting rate; adapters want about ten times that of full fine-tuning."""
        return 1e-3 if parameters < 1e9 else 2e-4


Method = FullMethod | LoraMethod

METHODS: dict[str, type[FullMethod] | type[LoraMethod]] = {"full": FullMethod, "lora": LoraMethod}
"""What `--method` names."""


class Trainable(NamedTuple):
    """A model ready to train."""

    model: PreTrainedModel
    precision: torch.dtype | None
    """dtype of matrix products; None: that of the weights."""
    trainable_parameters: int
    parameters: int


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
    if isinstance(method, FullMethod):
        model = load_causal_lm(directory, device, torch.float32)
    else:
        model = _with_lora(load_causal_lm(directory, device, fast), method)
    model.train()
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return Trainable(model, precision, trained, sum(p.numel() for p in model.parameters()))


def _with_lora(model: PreTrainedModel, method: LoraMethod) -> PreTrainedModel:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=method.rank,
        lora_alpha=method.alpha,
        lora_dropout=method.dropout,
        target_modules=method.targets,
    )
    return cast("PreTrainedModel", get_peft_model(model, config))
