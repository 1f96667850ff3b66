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

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

NAME = "sftloop_shared"
"""What the attention is registered as in transformers."""

_FORWARD = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_BACKWARD = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


@dataclass(frozen=True, slots=True)
class Alone:
    """One record, its queries at its own keys in their order: causal attention, which needs no places and no mask.

    At 12,000 tokens and seven heads a key the mask would take 4 GB.
    """

    prefix_keys: Sequence[Tensor]
    """Per layer (1, H / G, P, D); empty without a prefix."""
    prefix_values: Sequence[Tensor]


@dataclass(frozen=True, slots=True)
class Rows:
    """Who attends to whom in one packed row: computed once, used by every layer."""

    prefix_keys: Sequence[Tensor]
    """Per layer (1, H / G, P, D); empty without a prefix."""
    prefix_values: Sequence[Tensor]
    queries: Tensor
    """(B, S) places of each record's queries in the row; padding points at 0."""
    query_is_real: Tensor
    """(B, S) booleans."""
    back: Tensor
    """(T,) where each query lies in (B, S), flattened."""
    keys: Tensor
    """(B, L) places of each record's own keys behind the prefix; padding points at 0."""
    bias: Tensor
    """(B, 1, S, L) added to the scores: 0 where a query may look, −inf elsewhere."""
    folded: dict[int, Tensor] = field(default_factory=dict)
    """`bias` for heads that share keys, by G: filled on first use."""

    @classmethod
    def of(
        cls,
        prefix_keys: Sequence[Tensor],
        prefix_values: Sequence[Tensor],
        query_segment: Tensor,
        key_segment: Tensor,
        visible: Tensor,
        dtype: torch.dtype,
    ) -> Rows:
        """Lay the records side by side.

        Args:
            prefix_keys: per layer.
            prefix_values: per layer.
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
        back = torch.empty(len(query_segment), dtype=torch.long)
        back[queries[real]] = real.flatten().nonzero()[:, 0]
        return cls(prefix_keys, prefix_values, queries, real, back, keys, bias[:, None])


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
    rows: Rows | Alone | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """The function registered with transformers; `rows` reaches it through the model's keyword arguments.

    Args:
        module: the attention layer; its `layer_idx` says which prefix is its own.
        query: (1, H, T, D).
        key: (1, H / G, K − P, D): what lies behind the prefix.
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
        layer: Any = module.layer_idx
        prefix: tuple[Tensor | None, Tensor | None] = (None, None)
        if rows.prefix_keys:
            prefix = rows.prefix_keys[layer].to(value.dtype), rows.prefix_values[layer].to(value.dtype)
        # Under autocast rotated queries and keys are of higher precision than values; the kernel wants one dtype.
        query, key = query.to(value.dtype).contiguous(), key.to(value.dtype)
        out = _Joined.apply(query, key, value, *prefix, rows, scale)  # type: ignore[no-untyped-call]
    return out.transpose(1, 2), None


class _Joined(torch.autograd.Function):
    """Attention over prefix and own tokens, joined."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        prefix_key: Tensor | None,
        prefix_value: Tensor | None,
        rows: Rows | Alone,
        scale: float,
    ) -> Tensor:
        out, lse = _over_own(query, key, value, rows, scale)
        if prefix_key is not None and prefix_value is not None:
            first, lse_first = _over_prefix(query, prefix_key, prefix_value, scale)
            joined = torch.logaddexp(lse, lse_first)
            out.mul_(lse.sub_(joined).exp_()[..., None])
            out.addcmul_(first, lse_first.sub_(joined).exp_()[..., None])
            lse = joined
        out = out.to(query.dtype)
        ctx.save_for_backward(query, key, value, prefix_key, prefix_value, out, lse)
        ctx.rows, ctx.scale = rows, scale
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, prefix_key, prefix_value, out, lse = ctx.saved_tensors
        rows, scale = ctx.rows, ctx.scale
        grad = gradients[0].contiguous()
        d_query, d_key, d_value = _back_own(grad, query, key, value, out, lse, rows, scale)
        if prefix_key is None:
            return d_query.to(query.dtype), d_key, d_value, None, None, None, None
        more, *d_prefix = _back_prefix(grad, query, prefix_key, prefix_value, out, lse, scale)
        return d_query.add_(more).to(query.dtype), d_key, d_value, *d_prefix, None, None


def _over_prefix(query: Tensor, key: Tensor, value: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """All queries against the prefix; heads that share keys lie behind each other as more queries."""
    shares = _shares(key)
    out, lse = _FORWARD(
        _fold(query, key, shares), _expand(key, shares), _expand(value, shares), 0.0, False, scale=scale
    )
    return _unfold(out, query).float(), _unfold(lse[..., None], query)[..., 0]


def _back_prefix(
    grad: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    out: Tensor,
    lse: Tensor,
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    shares = _shares(key)
    d_query, d_key, d_value = _BACKWARD(
        _fold(grad, key, shares),
        _fold(query, key, shares),
        _expand(key, shares),
        _expand(value, shares),
        _fold(out, key, shares),
        _fold(lse[..., None], key, shares)[..., 0],
        0.0,
        False,
        scale=scale,
    )
    return _unfold(d_query, query), d_key.sum(0, keepdim=True), d_value.sum(0, keepdim=True)


def _over_itself(query: Tensor, key: Tensor, value: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """One record's queries against its own keys: causal, so the kernel skips half of the pairs."""
    out, lse = _FORWARD(query, _for_each(query, key), _for_each(query, value), 0.0, True, scale=scale)
    return out.float(), lse


def _back_itself(
    grad: Tensor, query: Tensor, key: Tensor, value: Tensor, out: Tensor, lse: Tensor, scale: float
) -> tuple[Tensor, Tensor, Tensor]:
    keys, values = _for_each(query, key), _for_each(query, value)
    d_query, d_key, d_value = _BACKWARD(grad, query, keys, values, out, lse, 0.0, True, scale=scale)
    groups = query.shape[1] // key.shape[1]
    d_key, d_value = (each.unflatten(1, (-1, groups)).sum(2) for each in (d_key, d_value))
    return d_query, d_key, d_value


def _for_each(query: Tensor, key: Tensor) -> Tensor:
    """Return keys or values once for each query head."""
    return key.repeat_interleave(query.shape[1] // key.shape[1], dim=1)


def _over_own(
    query: Tensor, key: Tensor, value: Tensor, rows: Rows | Alone, scale: float
) -> tuple[Tensor, Tensor]:
    """Every record's queries against its own keys, records as a batch, in fp32: bf16 is slow on few keys."""
    if isinstance(rows, Alone):
        return _over_itself(query, key, value, scale)
    groups = query.shape[1] // key.shape[1]
    out, lse = _FORWARD(
        _spread(query, rows.queries, groups).float(),
        _spread(key, rows.keys, 1).float(),
        _spread(value, rows.keys, 1).float(),
        0.0,
        False,
        attn_mask=_folded_bias(rows, groups),
        scale=scale,
    )
    lse_row = _gather(lse[..., None], rows, (*query.shape[:3], 1))[..., 0]
    return _gather(out, rows, query.shape), lse_row


def _back_own(
    grad: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    out: Tensor,
    lse: Tensor,
    rows: Rows | Alone,
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    if isinstance(rows, Alone):
        return _back_itself(grad, query, key, value, out, lse, scale)
    groups = query.shape[1] // key.shape[1]
    real = rows.query_is_real
    lse_padded = torch.where(real[:, None], lse[0][:, rows.queries].transpose(0, 1), float("inf"))
    d_query, d_key, d_value = _BACKWARD(
        _spread(grad, rows.queries, groups, real).float(),
        _spread(query, rows.queries, groups).float(),
        _spread(key, rows.keys, 1).float(),
        _spread(value, rows.keys, 1).float(),
        _spread(out, rows.queries, groups).float(),
        lse_padded.reshape(len(real), key.shape[1], -1).contiguous(),
        0.0,
        False,
        attn_mask=_folded_bias(rows, groups),
        scale=scale,
    )
    return (
        _gather(d_query, rows, query.shape),
        _back_to_keys(d_key, key, rows).to(key.dtype),
        _back_to_keys(d_value, value, rows).to(value.dtype),
    )


def _shares(key: Tensor) -> int:
    """In how many equal parts the queries go, so that (part, head) pairs keep every thread equally busy.

    The kernel's backward pass gives a thread whole pairs: three heads on two threads would take two turns.
    """
    threads = torch.get_num_threads()
    return threads // math.gcd(key.shape[1], threads)


def _fold(tensor: Tensor, key: Tensor, shares: int) -> Tensor:
    """(1, H, T, D) → (shares, H / G, G · T / shares, D), zeros behind it where it doesn't divide."""
    rows = tensor.reshape(key.shape[1], -1, tensor.shape[-1])
    if missing := -rows.shape[1] % shares:
        rows = torch.nn.functional.pad(rows, (0, 0, 0, missing))
    return rows.reshape(rows.shape[0], shares, -1, rows.shape[-1]).transpose(0, 1)


def _unfold(folded: Tensor, query: Tensor) -> Tensor:
    """Undo `_fold`: (1, H, T, D of `folded`)."""
    rows: Tensor = folded.transpose(0, 1).flatten(1, 2)
    own = query.shape[1] * query.shape[2] // rows.shape[0]
    return rows[:, :own].reshape(*query.shape[:3], -1)


def _expand(tensor: Tensor, shares: int) -> Tensor:
    return tensor.expand(shares, -1, -1, -1)


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
    return spread.reshape(shape[1], records * width, shape[3]).index_select(1, rows.back)[None]


def _back_to_keys(batch: Tensor, key: Tensor, rows: Rows) -> Tensor:
    """Add the records' key gradients up at their places; padding adds zeros."""
    whole = batch.new_zeros(key.shape)
    flat = batch.transpose(0, 1).reshape(key.shape[1], -1, key.shape[3])
    whole[0].index_add_(1, rows.keys.reshape(-1), flat)
    return whole


def _folded_bias(rows: Rows, groups: int) -> Tensor:
    if groups not in rows.folded:
        rows.folded[groups] = rows.bias.repeat(1, 1, groups, 1)
    return rows.folded[groups]
