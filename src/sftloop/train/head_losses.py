"""Losses of scoring heads, by name; a project adds its own with `register`.

Each takes what stands before the activation and what is wanted, and returns one loss per record. Knows tensors
only.

Shapes: `B` records, `C` outputs. Wanted is (B, C): for `choice` one 1 among zeros, for `multi` ones and zeros, for
`score` the score's share of its range (B, 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from sftloop.models import ScoringHead

Loss = Callable[[ScoringHead, Tensor, Tensor, "LossOptions"], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class LossOptions:
    """What losses can be told."""

    smoothing: float = 0.0
    """Share of the wanted label that is spread over all (Szegedy et al. 2016, arXiv:1512.00567)."""
    gamma: float = 2.0
    """Focal loss: how much easy records are discounted."""


LOSSES: dict[str, Loss] = {}


def register(name: str) -> Callable[[Loss], Loss]:
    """Make a loss available under a name (decorator)."""

    def add(loss: Loss) -> Loss:
        LOSSES[name] = loss
        return loss

    return add


@register("ce")
def cross_entropy(head: ScoringHead, outputs: Tensor, wanted: Tensor, options: LossOptions) -> Tensor:
    """Cross entropy: over all labels with softmax, label by label otherwise."""
    wanted = _smooth(head, wanted, options.smoothing)
    if head.shape.activation == "softmax":
        return -(wanted * outputs.log_softmax(-1)).sum(-1)
    if head.shape.activation == "sigmoid":
        each = functional.binary_cross_entropy_with_logits(outputs, wanted, reduction="none")
    else:
        each = functional.binary_cross_entropy(_shares(head, outputs), wanted, reduction="none")
    return each.mean(-1)


@register("focal")
def focal(head: ScoringHead, outputs: Tensor, wanted: Tensor, options: LossOptions) -> Tensor:
    """Cross entropy discounted by (1 − p)^γ of what is wanted (Lin et al. 2017, arXiv:1708.02002).

    For scores and label by label: by |wanted − share|^γ, which is the same for 0 and 1 and has its minimum at the
    wanted score for all others (Li et al. 2020, arXiv:2006.04388, equation 6).
    """
    if head.shape.activation == "softmax":
        logs = outputs.log_softmax(-1)
        missing = (1 - logs.exp()).clamp_min(1e-6)  # at 0 a power below 1 has no finite slope
        return -(wanted * missing**options.gamma * logs).sum(-1)
    shares = _shares(head, outputs)
    each = functional.binary_cross_entropy(shares, wanted, reduction="none")
    return ((wanted - shares).abs().clamp_min(1e-6) ** options.gamma * each).mean(-1)


@register("mse")
def squared_error(head: ScoringHead, outputs: Tensor, wanted: Tensor, options: LossOptions) -> Tensor:
    """Squared difference of activation and wanted."""
    shares = outputs.softmax(-1) if head.shape.activation == "softmax" else _shares(head, outputs)
    return ((shares - _smooth(head, wanted, options.smoothing)) ** 2).mean(-1)


def _shares(head: ScoringHead, outputs: Tensor) -> Tensor:
    """The activation as a share of 1, away from the ends, where its logarithm has no gradient."""
    low, high = head.shape.low, head.shape.high
    active = head.activate(outputs)
    share = (active - low) / (high - low) if head.shape.kind == "score" else active
    return share.clamp(1e-6, 1 - 1e-6) if head.shape.activation != "relu" else _leaky(outputs)


def _leaky(outputs: Tensor) -> Tensor:
    """ReLU cut at 1 has no gradient outside; a small slope lets a head come back.

    Kept farther from 0 and 1 than the smooth activations, as nothing tempers the logarithm's slope there.
    """
    inside = outputs.clamp(0.01, 0.99)
    return inside + 0.1 * (outputs - outputs.detach())


def _smooth(head: ScoringHead, wanted: Tensor, smoothing: float) -> Tensor:
    if not smoothing or head.shape.kind == "score":
        return wanted
    middle = 1 / wanted.shape[-1] if head.shape.activation == "softmax" else 0.5
    return wanted * (1 - smoothing) + smoothing * middle
