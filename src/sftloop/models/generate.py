"""Greedy continuation of many records at once, finished ones leaving the batch.

Knows token ids and a packed context; doesn't know prompts or answers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from sftloop.models.packed import PackedContext, PackedTokens


@torch.no_grad()
def continue_greedily(
    context: PackedContext,
    first_logits: Tensor,
    ends: Sequence[int],
    *,
    stop: Collection[int],
    limit: int,
) -> list[list[int]]:
    """Write up to `limit` tokens behind each record, always the likeliest one.

    Args:
        context: prefix and prompts of B records, packed as segments 0 … B-1; used up.
        first_logits: logits at the end of each prompt, shape (B, V).
        ends: each prompt's length in tokens, prefix included.
        stop: tokens that end an answer; they are kept as the last token.
        limit: most tokens per record.

    Returns:
        B lists of token ids. One that ends without a stop token was cut at `limit`.
    """
    written: list[list[int]] = [[] for _ in ends]
    active = list(range(len(ends)))
    logits = first_logits
    for step in range(limit):
        tokens = logits.argmax(-1).tolist()
        for row, token in zip(active, tokens, strict=True):
            written[row].append(token)
        active = [row for row in active if written[row][-1] not in stop]
        if not active or step + 1 == limit:
            break
        logits = _step(
            context, active, [written[row][-1] for row in active], [ends[r] + step for r in active]
        )
    return written


def _step(context: PackedContext, rows: list[int], tokens: list[int], positions: list[int]) -> Tensor:
    device = context.model.device
    packed = PackedTokens(
        torch.tensor(tokens, device=device),
        torch.tensor(rows, device=device),
        torch.tensor(positions, device=device),
    )
    return context.extend(packed, torch.arange(len(rows), device=device))
