"""Attention of packed records over a shared prefix, without a T × K mask and without copies of the prefix.

Each query's keys are two sets: the prefix, the same for all, and its own record's tokens. The two softmaxes
are computed apart by the fused kernel, all queries against the prefix in one dense product, the records
side by side, and joined through their log-sum-exps:

    lse = log(e^lse₁ + e^lse₂),   out = e^(lse₁−lse)·out₁ + e^(lse₂−lse)·out₂

which is exact. Backward, the kernel's own backward pass is run once per set with the joined `out` and `lse`,
as in ring attention (Liu et al. 2023, arXiv:2310.01889); the two query gradients add up.

Knows tensors only. For CPU; elsewhere, and for sliding windows or score caps, a mask is used instead.

Shapes: `H` query heads, `G` = H / key heads, `T` packed tokens, `P` prefix tokens, `B` records, `S` longest
record's queries, `L` longest record's keys, `D` head size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

NAME = "sftloop_shared"
"""What the attention is registered as in transformers."""

_FORWARD = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_BACKWARD = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


@dataclass(frozen=True, slots=True)
class Rows:
    """Who attends to whom in one packed row: computed once, used by every layer."""

    prefix: int
    """P; may be 0."""
    queries: Tensor
    """(B, S) places of each record's queries in the row; padding points at 0."""
    query_is_real: Tensor
    """(B, S) booleans."""
    keys: Tensor
    """(B, L) places of each record's own keys behind the prefix; padding points at 0."""
    bias: Tensor
    """(B, 1, S, L) added to the scores: 0 where a query may look, −inf elsewhere."""

    @classmethod
    def of(
        cls, prefix: int, query_segment: Tensor, key_segment: Tensor, visible: Tensor, dtype: torch.dtype
    ) -> Rows:
        """Lay the records side by side.

        Args:
            prefix: P.
            query_segment: (T,) record of each query, in runs or not.
            key_segment: (K − P,) record of each key behind the prefix.
            visible: (T, K − P) may a query see a key; read record by record only.
            dtype: of the scores.
        """
        records = torch.unique(query_segment)
        queries, real = _side_by_side(records, query_segment)
        keys, known = _side_by_side(records, key_segment)
        allowed = visible[queries[:, :, None], keys[:, None, :]] & known[:, None, :] & real[:, :, None]
        bias = torch.zeros(allowed.shape, dtype=dtype).masked_fill(~allowed, float("-inf"))
        return cls(prefix, queries, real, keys, bias[:, None])


def _side_by_side(records: Tensor, segment: Tensor) -> tuple[Tensor, Tensor]:
    """Return (B, longest) places of each record's tokens, and which of them are real."""
    match = segment[None, :] == records[:, None]
    counts = match.sum(1)
    longest = int(counts.max())
    order = torch.argsort((~match).to(torch.int8), dim=1, stable=True)[:, :longest]
    real = torch.arange(longest)[None, :] < counts[:, None]
    return order.masked_fill(~real, 0), real


def attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    *,
    rows: Rows | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """The function registered with transformers; `rows` reaches it through the model's keyword arguments.

    Args:
        module: the attention layer.
        query: (1, H, T, D).
        key: (1, H / G, K, D), prefix first.
        value: like `key`.
        attention_mask: unused: `rows` says who sees whom; None of both means plain causal.
        scaling: of the scores; None for 1/√D.
        rows: the layout, or None for one ordinary sequence.

    Returns:
        The output, shape (1, T, H, D), and no weights.
    """
    scale = scaling if scaling is not None else query.shape[-1] ** -0.5
    if rows is None:
        out = torch.nn.functional.scaled_dot_product_attention(
            query, key, value, is_causal=query.shape[2] > 1, scale=scale, enable_gqa=True
        )
    else:
        out = _Joined.apply(query.contiguous(), key, value, rows, scale)  # type: ignore[no-untyped-call]
    return out.transpose(1, 2), None


class _Joined(torch.autograd.Function):
    """Attention over prefix and own tokens, joined."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, rows: Rows, scale: float) -> Tensor:
        out, lse = _over_own(query, key, value, rows, scale)
        if rows.prefix:
            first, lse_first = _over_prefix(query, key, value, rows, scale)
            joined = torch.logaddexp(lse, lse_first)
            out = out * (lse - joined).exp()[..., None] + first * (lse_first - joined).exp()[..., None]
            lse = joined
        out = out.to(query.dtype)
        ctx.save_for_backward(query, key, value, out, lse)
        ctx.rows, ctx.scale = rows, scale
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        query, key, value, out, lse = ctx.saved_tensors
        rows, scale = ctx.rows, ctx.scale
        grad = gradients[0].contiguous()
        d_query, d_key, d_value = _back_own(grad, query, key, value, out, lse, rows, scale)
        if rows.prefix:
            more, d_key[:, :, : rows.prefix], d_value[:, :, : rows.prefix] = _back_prefix(
                grad, query, key, value, out, lse, rows, scale
            )
            d_query = d_query + more
        return d_query, d_key, d_value, None, None


def _over_prefix(
    query: Tensor, key: Tensor, value: Tensor, rows: Rows, scale: float
) -> tuple[Tensor, Tensor]:
    """All queries against the prefix; heads that share keys lie behind each other as more queries."""
    out, lse = _FORWARD(
        _fold(query, key), key[:, :, : rows.prefix], value[:, :, : rows.prefix], 0.0, False, scale=scale
    )
    return out.reshape(query.shape).float(), lse.reshape(query.shape[:3])


def _back_prefix(
    grad: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    out: Tensor,
    lse: Tensor,
    rows: Rows,
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    d_query, d_key, d_value = _BACKWARD(
        _fold(grad, key),
        _fold(query, key),
        key[:, :, : rows.prefix],
        value[:, :, : rows.prefix],
        _fold(out, key),
        lse.reshape(1, key.shape[1], -1),
        0.0,
        False,
        scale=scale,
    )
    return d_query.reshape(query.shape), d_key, d_value


def _over_own(query: Tensor, key: Tensor, value: Tensor, rows: Rows, scale: float) -> tuple[Tensor, Tensor]:
    """Every record's queries against its own keys, records as a batch."""
    groups = query.shape[1] // key.shape[1]
    out, lse = _FORWARD(
        _spread(query, rows.queries, groups),
        _spread(key[:, :, rows.prefix :], rows.keys, 1),
        _spread(value[:, :, rows.prefix :], rows.keys, 1),
        0.0,
        False,
        attn_mask=_folded_bias(rows, groups, query.dtype),
        scale=scale,
    )
    return _gather(out, rows, query.shape).float(), _gather(lse[..., None], rows, (*query.shape[:3], 1))[
        ..., 0
    ]


def _back_own(
    grad: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    out: Tensor,
    lse: Tensor,
    rows: Rows,
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    groups = query.shape[1] // key.shape[1]
    real = rows.query_is_real
    lse_padded = torch.where(real[:, None], lse[0][:, rows.queries].transpose(0, 1), float("inf"))
    d_query, d_key, d_value = _BACKWARD(
        _spread(grad, rows.queries, groups, real),
        _spread(query, rows.queries, groups),
        _spread(key[:, :, rows.prefix :], rows.keys, 1),
        _spread(value[:, :, rows.prefix :], rows.keys, 1),
        _spread(out, rows.queries, groups),
        lse_padded.reshape(len(real), key.shape[1], -1).contiguous(),
        0.0,
        False,
        attn_mask=_folded_bias(rows, groups, query.dtype),
        scale=scale,
    )
    return (
        _gather(d_query, rows, query.shape),
        _back_to_keys(d_key, key, rows),
        _back_to_keys(d_value, value, rows),
    )


def _fold(tensor: Tensor, key: Tensor) -> Tensor:
    """(1, H, T, D) → (1, H / G, G · T, D)."""
    return tensor.reshape(1, key.shape[1], -1, tensor.shape[-1])


def _spread(row: Tensor, places: Tensor, groups: int, real: Tensor | None = None) -> Tensor:
    """(1, heads, T, D) → (B, heads / groups, groups · S, D)."""
    batch = row[0][:, places].transpose(0, 1)
    if real is not None:
        batch = batch * real[:, None, :, None].to(batch.dtype)
    return batch.reshape(len(places), row.shape[1] // groups, -1, row.shape[-1])


def _gather(batch: Tensor, rows: Rows, shape: torch.Size | tuple[int, ...]) -> Tensor:
    """(B, heads / groups, groups · S, D) → the row's layout `shape` = (1, heads, T, D)."""
    records, width = rows.queries.shape
    spread = batch.reshape(records, shape[1], width, shape[3]).transpose(0, 1)
    row = batch.new_empty(shape)
    row[0][:, rows.queries[rows.query_is_real]] = spread[:, rows.query_is_real]
    return row


def _back_to_keys(batch: Tensor, key: Tensor, rows: Rows) -> Tensor:
    """Add the records' key gradients up at their places behind the prefix; padding adds zeros."""
    whole = batch.new_zeros(key.shape)
    flat = batch.transpose(0, 1).reshape(key.shape[1], -1, key.shape[3])
    whole[0].index_add_(1, rows.keys.reshape(-1) + rows.prefix, flat)
    return whole


def _folded_bias(rows: Rows, groups: int, dtype: torch.dtype) -> Tensor:
    return rows.bias.to(dtype).repeat(1, 1, groups, 1)
