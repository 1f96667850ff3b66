"""A cache layer that appends to a past which stays as it is.

Transformers' own layer grows with every call. Here a second call with the same tokens gives the same, so that a
layer can be computed again on the way back (activation checkpointing).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicLayer


class FixedPast(DynamicLayer):
    """Keys and values of one layer: the past, and behind it what was computed last.

    Args:
        past: keys and values (1, H, K, D), or None for an empty past.
    """

    def __init__(self, past: tuple[Tensor, Tensor] | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.past = past
        if past is not None:
            self.lazy_initialization(*past)
            self.keys, self.values = past

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Return past and new keys and values, and remember them."""
        if self.past is None:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = key_states, value_states
        else:
            self.keys = torch.cat([self.past[0], key_states], dim=-2)
            self.values = torch.cat([self.past[1], value_states], dim=-2)
        return self.keys, self.values
