"""Padded records behind a shared prefix, attention in plain operations: gradients at the prefix come per record.

Training adds up what the records send into the prefix (`models/shared_attention.py`); who wants each record's own
share hands in one copy of the prefix per record. Autograd does the rest, on every device, with windows and score
caps. Knows tensors and transformers' conventions; doesn't know losses.

Shapes: `R` records, `H` query heads, `G` = H / key heads, `S` suffix tokens, `P` prefix tokens, `D` head size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NAME = "sftloop_per_record"
"""What the attention is registered as in transformers."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What the records attend to besides themselves."""

    keys: Sequence[Tensor]
    """Per layer (R or 1, H / G, P, D); empty without a prefix."""
    values: Sequence[Tensor]


def run_behind(
    model: PreTrainedModel, ids: Tensor, part: Any, *, start: int, behind: Behind, **options: Any
) -> Any:
    """Run records behind a prefix.

    Args:
        model: whose configuration says how attention is computed.
        ids: (R, S), padded on the right.
        part: what to call: the model, or its body without the output layer.
        start: position of the first token behind the prefix.
        behind: the prefix.
        options: passed on to `part`.

    Returns:
        What `part` returns.
    """
    from transformers import AttentionInterface
    from transformers.cache_utils import DynamicCache

    from sftloop.models.fixed_past import FixedPast

    AttentionInterface.register(NAME, attention)
    config = model.config.get_text_config()
    cache = DynamicCache()
    cache.layers.extend(FixedPast([]) for _ in range(config.num_hidden_layers))
    position = torch.arange(start, start + ids.shape[1], device=ids.device).expand(len(ids), -1)
    usual, config._attn_implementation = config._attn_implementation, NAME
    try:
        return part(
            input_ids=ids,
            position_ids=position,
            past_key_values=cache,
            use_cache=True,
            behind=behind,
            **options,
        )
    finally:
        config._attn_implementation = usual


def attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    behind: Behind,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """The function registered with transformers; `behind` reaches it through the model's keyword arguments.

    Records are padded on the right, so the causal order alone keeps padding out of sight.

    Args:
        module: the attention layer; its `layer_idx` says which prefix is its own.
        query: (R, H, S, D).
        key: (R, H / G, S, D): the records' own.
        value: like `key`.
        attention_mask: unused.
        behind: the prefix.
        scaling: of the scores; None for 1/√D.
        sliding_window: how many tokens a query sees, itself included.
        softcap: scores are bent to stay below it.

    Returns:
        The output, shape (R, S, H, D), and no weights.
    """
    records, heads, length, size = query.shape
    folded = query.to(value.dtype).reshape(records, key.shape[1], -1, size)
    layer: Any = module.layer_idx
    scores = folded @ key.to(value.dtype).transpose(2, 3)
    before = 0
    if behind.keys:
        keys, values = (each[layer].to(value.dtype) for each in (behind.keys, behind.values))
        before = keys.shape[2]
        scores = torch.cat([_products("rhqd,{}hkd->rhqk", folded, keys), scores], dim=-1)
    scores = scores.float() * (scaling if scaling is not None else size**-0.5)
    if softcap is not None:
        scores = softcap * torch.tanh(scores / softcap)
    hidden = _hidden(length, before, sliding_window, query.device).repeat(heads // key.shape[1], 1)
    shares = scores.masked_fill(hidden, float("-inf")).softmax(-1).to(value.dtype)
    out = shares[..., before:] @ value
    if before:
        out = out + _products("rhqk,{}hkd->rhqd", shares[..., :before], values)
    return out.reshape(records, heads, length, size).transpose(1, 2), None


def _products(equation: str, left: Tensor, prefix: Tensor) -> Tensor:
    """Multiply with the records' own copies of the prefix, or with the one they share."""
    if len(prefix) == 1:
        return torch.einsum(equation.format(""), left, prefix[0])
    return torch.einsum(equation.format("r"), left, prefix)


def _hidden(length: int, before: int, window: int | None, device: torch.device) -> Tensor:
    """What a query doesn't see, shape (S, P + S)."""
    back = torch.arange(before, before + length, device=device)[:, None]
    back = back - torch.arange(before + length, device=device)
    return (back < 0) | (back >= window) if window else back < 0
