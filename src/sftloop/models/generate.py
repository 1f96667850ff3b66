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
    begun: Sequence[Sequence[int]],
    ends: Sequence[int],
    *,
    stop: Collection[int],
    limit: int,
) -> list[list[int]]:
    """Write up to `limit` tokens behind each record, always the likeliest one.

    Args:
        context: prefix and prompts of B records, packed as segments 0 … B-1; used up.
        begun: the tokens already known of each record, one at least; none is a stop token but the last.
        ends: each prompt's length in tokens, prefix included.
        stop: tokens that end an answer; they are kept as the last token.
        limit: most tokens per record.

    Returns:
        B lists of token ids. One that ends without a stop token was cut at `limit`.
    """
    written = [list(tokens[:limit]) for tokens in begun]
    new = written
    active = list(range(len(ends)))
    while True:
        going = [
            i for i, row in enumerate(active) if written[row][-1] not in stop and len(written[row]) < limit
        ]
        if not going:
            return written
        active, new = [active[i] for i in going], [new[i] for i in going]
        starts = [
            ends[row] + len(written[row]) - len(tokens) for row, tokens in zip(active, new, strict=True)
        ]
        new = [[token] for token in extend_each(context, active, new, starts).argmax(-1).tolist()]
        for row, tokens in zip(active, new, strict=True):
            written[row].extend(tokens)


def extend_each(
    context: PackedContext, rows: Sequence[int], tokens: Sequence[Sequence[int]], starts: Sequence[int]
) -> Tensor:
    """Run each record's new tokens, one at least, and return the logits behind its last one.

    Args:
        context: remembers them.
        rows: the records' segments.
        tokens: per record.
        starts: per record, the position of the first.
    """
    device = context.model.device
    counts = torch.tensor([len(own) for own in tokens], device=device)
    places = [start + offset for own, start in zip(tokens, starts, strict=True) for offset in range(len(own))]
    packed = PackedTokens(
        torch.tensor([token for own in tokens for token in own], device=device),
        torch.tensor(rows, device=device).repeat_interleave(counts),
        torch.tensor(places, device=device),
    )
    return context.extend(packed, counts.cumsum(0) - 1)
