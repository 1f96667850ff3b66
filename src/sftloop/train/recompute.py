"""Activation checkpointing: a layer's activations are computed again on the way back instead of being kept.

Transformers' own switch takes the cache away, which the shared prefix lives in; this one leaves it. Keys and
values are appended to a fixed past, so computing a layer twice gives the same (`PackedContext`).

Knows decoder layers; doesn't know the step. (Chen et al. 2016, arXiv:1604.06174.)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint


class Recompute:
    """Decoder layers that can forget their activations and compute them again on the way back.

    Args:
        model: its layers are changed in place.
        always: in every pass with gradients, not only inside `forgetting`.
    """

    def __init__(self, model: torch.nn.Module, *, always: bool) -> None:
        from transformers.modeling_layers import GradientCheckpointingLayer

        self.active = always
        config: Any = model.config
        for layer in model.modules():
            if isinstance(layer, GradientCheckpointingLayer):
                layer.forward = self._forgetting(layer.forward, config.get_text_config())

    @contextmanager
    def forgetting(self, wanted: bool) -> Iterator[None]:
        """Forget what is computed inside, if `wanted`."""
        before, self.active = self.active, self.active or wanted
        try:
            yield
        finally:
            self.active = before

    def _forgetting(self, usual: Any, config: Any) -> Any:
        @wraps(usual)
        def forward(*args: Any, **kwargs: Any) -> Any:
            if not (self.active and torch.is_grad_enabled()):
                return usual(*args, **kwargs)
            attention = config._attn_implementation

            def as_now(*args: Any, **kwargs: Any) -> Any:
                """On the way back the configuration may name another attention than on the way forth."""
                then, config._attn_implementation = config._attn_implementation, attention
                try:
                    return usual(*args, **kwargs)
                finally:
                    config._attn_implementation = then

            return checkpoint(as_now, *args, use_reentrant=False, **kwargs)

        return forward
