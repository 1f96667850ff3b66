"""Cross entropy over a large vocabulary without all logits at once: some rows at a time, there and back in one go.

A row's logits are needed for its loss and for its gradient, so both are computed while they are there, and what is
kept is a gradient as large as the hidden states. (Wijmans et al. 2024, arXiv:2411.09009, go further and fuse the
product itself.)

Knows an output layer; doesn't know the model before it.

Shapes: `N` target positions, `H` hidden size, `V` vocabulary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_ROWS = 512
"""Rows of logits in memory at once."""
_BENT = ("final_logit_softcapping", "logits_scaling", "logit_scale")
"""Settings under which logits are more than a product."""


def output_layer(model: PreTrainedModel) -> torch.nn.Linear | None:
    """Return the layer whose outputs are the logits, or None where they are not that alone.

    Args:
        model: without an adapter's wrapper.
    """
    layer = model.get_output_embeddings()
    text = model.config.get_text_config()
    bent = any(getattr(text, name, None) for name in _BENT)
    return layer if type(layer) is torch.nn.Linear and not bent else None


def summed_cross_entropy(hidden: Tensor, layer: torch.nn.Linear, wanted: Tensor) -> Tensor:
    """Return the sum over N positions of −log p(wanted), in nats, a scalar in fp32.

    Args:
        hidden: (N, H).
        layer: weight (V, H). Under autocast the products run in its dtype.
        wanted: (N,) token ids.
    """
    kind = hidden.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else layer.weight.dtype
    with torch.autocast(kind, enabled=False):
        loss: Tensor = _Chunked.apply(hidden, layer.weight, layer.bias, wanted, dtype)  # type: ignore[no-untyped-call]
    return loss


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, wanted: Tensor, dtype: torch.dtype
    ) -> Tensor:
        learns = weight.requires_grad
        d_hidden = torch.empty_like(hidden)
        d_weight = torch.zeros_like(weight, dtype=torch.float32) if learns else None
        d_bias = torch.zeros_like(bias, dtype=torch.float32) if bias is not None and learns else None
        matrix, offset = weight.to(dtype), None if bias is None else bias.to(dtype)
        total = torch.zeros((), device=hidden.device)
        for start in range(0, len(hidden), _ROWS):
            rows, own = hidden[start : start + _ROWS].to(dtype), wanted[start : start + _ROWS, None]
            logits = torch.nn.functional.linear(rows, matrix, offset)
            log_shares = torch.log_softmax(logits, 1, dtype=torch.float32)
            total -= log_shares.gather(1, own).sum()
            d_logits = log_shares.exp_()
            d_logits.scatter_add_(1, own, d_logits.new_full(own.shape, -1.0))
            d_low = d_logits.to(dtype)
            d_hidden[start : start + _ROWS] = d_low @ matrix
            if d_weight is not None:
                d_weight += d_low.t() @ rows
            if d_bias is not None:
                d_bias += d_logits.sum(0)
        ctx.save_for_backward(d_hidden, d_weight, d_bias)
        ctx.dtypes = weight.dtype, None if bias is None else bias.dtype
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        d_hidden, d_weight, d_bias = (
            each if each is None else each.mul_(gradients[0]) for each in ctx.saved_tensors
        )
        weight_dtype, bias_dtype = ctx.dtypes
        return (
            d_hidden,
            None if d_weight is None else d_weight.to(weight_dtype),
            None if d_bias is None else d_bias.to(bias_dtype),
            None,
            None,
        )
