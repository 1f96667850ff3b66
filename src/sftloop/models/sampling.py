"""How tokens are drawn from logits: temperature, and how many of the likeliest take part.

Knows logits and random numbers; doesn't know models or texts.

Shapes: `N` rows, `V` vocabulary, `K` tokens that can be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Sampling(NamedTuple):
    """How tokens are drawn."""

    temperature: float = 0.0
    """0 takes the likeliest token each time."""
    top_k: int | None = None
    """Draw among so many likeliest tokens; None: among all."""


GREEDY = Sampling()


def shares_of(logits: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor]:
    """Return the probabilities of the tokens that can be drawn, likeliest first, and those tokens: (N, K) each.

    In fp64, and so on the CPU where the device has none (Apple's GPUs).
    """
    count = min(sampling.top_k or logits.shape[-1], logits.shape[-1])
    best, tokens = logits.topk(count)
    if best.device.type == "mps":
        best, tokens = best.cpu(), tokens.cpu()
    return (best.double() / sampling.temperature).softmax(-1), tokens


def draw(logits: Tensor, numbers: Sequence[float], sampling: Sampling) -> list[int]:
    """Return one token per row: walk the likeliest tokens until their shares reach the row's number.

    Args:
        logits: (N, V).
        numbers: N random numbers from 0 to 1.
        sampling: its temperature is above 0.
    """
    shares, tokens = shares_of(logits, sampling)
    steps = shares.cumsum(-1)
    wanted = torch.tensor(numbers, dtype=torch.float64, device=steps.device)[:, None]
    reached = torch.searchsorted(steps, wanted * steps[:, -1:], right=True)
    chosen: list[int] = tokens.gather(1, reached.clamp_max(tokens.shape[1] - 1))[:, 0].tolist()
    return chosen
