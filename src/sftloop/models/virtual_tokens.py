"""Virtual tokens that an adapter puts in front of every prompt, and the transformer behind them.

They are the same for all records, so they begin the shared prefix: as embeddings (prompt tuning, P-tuning) or
as keys and values of every layer (prefix tuning). Knows peft's prompt learning; doesn't know who uses it.

Shapes: `V` virtual tokens, `H` key heads, `D` head size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class VirtualTokens:
    """What stands in front of the first real token."""

    count: int
    embeddings: Tensor | None = None
    """(V, hidden), to be run through the model."""
    keys: list[Tensor] = field(default_factory=list)
    """Per layer (1, H, V, D), ready to be attended to."""
    values: list[Tensor] = field(default_factory=list)

    @classmethod
    def of(cls, model: PreTrainedModel) -> VirtualTokens:
        """Return a model's virtual tokens, with their gradients if those are enabled; none is usual."""
        if not learns_prompts(model):
            return cls(0)
        wrapped: Any = model
        prompt = wrapped.get_prompt(batch_size=1)
        if isinstance(prompt, Tensor):
            return cls(prompt.shape[1], embeddings=prompt[0])
        layers = prompt.layers
        return cls(layers[0].keys.shape[2], keys=[x.keys for x in layers], values=[x.values for x in layers])


def learns_prompts(model: torch.nn.Module) -> bool:
    """Does an adapter of this model put virtual tokens in front of prompts?"""
    config = getattr(model, "active_peft_config", None)
    return config is not None and bool(config.is_prompt_learning)


def virtual_count(model: torch.nn.Module) -> int:
    """Return how many virtual tokens stand in front of every prompt."""
    return int(cast("Any", model).active_peft_config.num_virtual_tokens) if learns_prompts(model) else 0


def transformer(model: torch.nn.Module) -> PreTrainedModel:
    """Return the model inside peft's wrapper, which would put virtual tokens in front of each call."""
    wrapped: Any = model
    inside = wrapped.get_base_model() if hasattr(wrapped, "peft_config") else wrapped
    return cast("PreTrainedModel", inside)
