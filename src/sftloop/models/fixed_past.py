"""A cache layer that appends to a past which stays as it is.

Transformers' own layer grows with every call. Here a second call with the same tokens gives the same and leaves
nothing behind, so that a layer can be computed again on the way back (activation checkpointing).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicLayer


class FixedPast(DynamicLayer):
    """Keys and values of one layer: the past, and behind it what was computed first.

    Args:
        past: keys and values (1, H, K, D), in pieces that lie behind each other.
    """

    def __init__(self, past: Sequence[tuple[Tensor, Tensor]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.past = past
        self.complete = False
        if past:
            self.lazy_initialization(*past[0])
            self.keys, self.values = self._behind(past)

    def take(self) -> tuple[Tensor, Tensor]:
        """Hand out all keys and values and keep the past only: whoever computes this layer again needs no more."""
        keys, values = self.keys, self.values
        assert keys is not None and values is not None
        self.keys = self.values = None
        return keys, values

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Return past and new keys and values, and remember those of the first call."""
        found = self._behind([*self.past, (key_states, value_states)])
        if not self.complete:
            if not self.past:
                self.lazy_initialization(key_states, value_states)
            self.keys, self.values = found
            self.complete = True
        return found

    @staticmethod
    def _behind(pieces: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        if len(pieces) == 1:
            return pieces[0]
        return torch.cat([k for k, _ in pieces], dim=-2), torch.cat([v for _, v in pieces], dim=-2)
