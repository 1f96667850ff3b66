"""Low-rank adapters beside frozen weights: LoRA, LoRA+ and PiSSA, saved in peft's format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import torch

from sftloop.core.errors import UsageError
from sftloop.models import load_causal_lm
from sftloop.train.methods.base import Method
from sftloop.train.methods.folding import lora_layers, remember, require_untied, save_sum

if TYPE_CHECKING:
    from peft import LoraConfig
    from transformers import PreTrainedModel

_ALL = "all-linear"
_HINT = (
    f"Write '{_ALL}', or a regular expression over whole names of linear layers: .*layers\\.2[0-9]\\..*_proj"
)
_RSLORA_SCALE = 4.0
"""(alpha / √16) / (alpha / 16): at other ranks rsLoRA keeps this step, LoRA's shrinks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraMethod(Method):
    """Low-rank adapters beside frozen weights (Hu et al. 2021, arXiv:2106.09685)."""

    rank: int = 16
    """Rank of the update; 16 serves classification and extraction tasks of a few thousand records."""
    alpha: int = 32
    """The update is scaled by alpha / rank; twice the rank is the usual start."""
    dropout: float = 0.0
    """On the adapter's input. Above zero the shared prefix is not exact, so the ordinary path is taken."""
    targets: str = _ALL
    """Which layers get adapters: `all-linear`, or a regular expression over module names."""
    rslora: bool = False
    """Scale by alpha / √rank instead (Kalajdzievski 2023, arXiv:2312.03732); for high ranks."""
    dora: bool = False
    """Learn the columns' lengths apart from their directions (Liu et al. 2024, arXiv:2402.09353)."""
    name: ClassVar[str] = "lora"
    small_rate: ClassVar[float] = 1e-3
    large_rate: ClassVar[float] = 2e-4

    def default_learning_rate(self, parameters: int) -> float:
        """Return a starting rate; with `rslora` a quarter, its scale at rank 16 being four times LoRA's."""
        rate = Method.default_learning_rate(self, parameters)
        return rate / _RSLORA_SCALE if self.rslora else rate

    def set_up(self, model: PreTrainedModel) -> PreTrainedModel:
        """Freeze the weights and put adapters beside them.

        Raises:
            UsageError: `targets` names no layers, or such that can't have an adapter.
        """
        from peft import get_peft_model

        try:
            return cast("PreTrainedModel", get_peft_model(model, self.config()))
        except (ValueError, re.error) as error:
            if self.targets == _ALL:
                raise
            raise UsageError(
                f"'targets: {self.targets}' fits no layers of this model that can have an adapter.",
                hint=_HINT,
            ) from error

    def config(self) -> LoraConfig:
        """Return peft's configuration."""
        from peft import LoraConfig

        return LoraConfig(
            task_type="CAUSAL_LM",
            r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules=self.targets,
            use_rslora=self.rslora,
            use_dora=self.dora,
        )

    def why_not_shared(self) -> str | None:
        """Dropout would draw another mask for every record."""
        return "dropout on the adapters draws a different mask for every record" if self.dropout else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraPlusMethod(LoraMethod):
    """LoRA whose second matrix learns faster than the first (Hayou et al. 2024, arXiv:2402.12354)."""

    ratio: float = 16.0
    """Learning rate of B over that of A."""
    name: ClassVar[str] = "lora+"
    small_rate: ClassVar[float] = 2e-4
    large_rate: ClassVar[float] = 5e-5

    def parameter_groups(self, model: torch.nn.Module, learning_rate: float) -> list[dict[str, Any]]:
        """Put the second matrices into a group of their own."""
        slow: list[torch.nn.Parameter] = []
        fast: list[torch.nn.Parameter] = []
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                (fast if "lora_B" in name or "lora_embedding_B" in name else slow).append(parameter)
        return [{"params": slow, "lr": learning_rate}, {"params": fast, "lr": learning_rate * self.ratio}]


@dataclass(frozen=True, slots=True, kw_only=True)
class PissaMethod(LoraMethod):
    """LoRA that starts from the weights' principal components (Meng et al. 2024, arXiv:2404.02948).

    Training moves the weights' largest singular directions; what is saved is the difference to the untouched
    weights, a LoRA of twice the rank that needs no decomposition to load.
    """

    name: ClassVar[str] = "pissa"
    small_rate: ClassVar[float] = 2e-4
    large_rate: ClassVar[float] = 2e-5

    def load(self, directory: Path, device: str) -> PreTrainedModel:
        """Load the weights in fp32, so that principal part and rest add up to them."""
        return load_causal_lm(directory, device, torch.float32)

    def config(self) -> LoraConfig:
        """Return peft's configuration."""
        config = LoraMethod.config(self)
        config.init_lora_weights = "pissa"
        return config

    def set_up(self, model: PreTrainedModel) -> PreTrainedModel:
        """Split the weights, and remember the principal part that was taken out."""
        wrapped = LoraMethod.set_up(self, model)
        require_untied(wrapped, self.name)
        for _, layer in lora_layers(wrapped):
            remember(layer, -layer.lora_A["default"].weight, layer.lora_B["default"].weight)
        return wrapped

    def save(self, model: PreTrainedModel, directory: Path) -> None:
        """Save the difference to the untouched weights."""
        save_sum(model, directory)
