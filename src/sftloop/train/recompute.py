"""Activation checkpointing: a layer's activations are computed again on the way back instead of being kept.

Transformers' own switch takes the cache away, which the shared prefix lives in; this one leaves it. Keys and
values are appended to a fixed past, so computing a layer twice gives the same (`PackedContext`).

Knows decoder layers; doesn't know the step. (Chen et al. 2016, arXiv:1604.06174.)
"""

from __future__ import annotations

from functools import wraps
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint


def recompute_layers(model: torch.nn.Module) -> int:
    """Let every decoder layer forget its activations while gradients are wanted; return how many layers."""
    from transformers.modeling_layers import GradientCheckpointingLayer

    layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
    config: Any = model.config
    for layer in layers:
        layer.forward = _forgetting(layer.forward, config.get_text_config())
    return len(layers)


def _forgetting(usual: Any, config: Any) -> Any:
    @wraps(usual)
    def forward(*args: Any, **kwargs: Any) -> Any:
        if not torch.is_grad_enabled():
            return usual(*args, **kwargs)
        attention = config._attn_implementation

        def as_now(*args: Any, **kwargs: Any) -> Any:
            """On the way back the configuration may name another attention than it did on the way forth."""
            then, config._attn_implementation = config._attn_implementation, attention
            try:
                return usual(*args, **kwargs)
            finally:
                config._attn_implementation = then

        return checkpoint(as_now, *args, use_reentrant=False, preserve_rng_state=False, **kwargs)

    return forward
