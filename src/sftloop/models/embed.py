"""Texts as vectors: the hidden states of a causal language model, pooled.

A vector is the mean of the last hidden states, later positions weighing more (SGPT, Muennighoff 2022,
arXiv:2202.08904, eq. 2; RDS+, Ivison et al. 2025, arXiv:2503.01807): with causal attention only the late tokens
have seen most of the text. Texts lie packed in one row without padding.

The vectors of one model share a large common part (anisotropy); whether their mean is removed is for the caller,
who knows over which set. Doesn't know records, prompts or what the vectors are compared for.

Shapes: `B` texts of a batch, `T` their tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sftloop.models.encode import PromptEncoder
from sftloop.models.in_full import hidden_states
from sftloop.models.local import inference
from sftloop.models.packed import PackedContext, pack, why_not_shareable

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Vectors = NDArray[np.float32]

_BATCH_TOKENS = 2048
"""Packed tokens per forward pass."""


def embed_texts(
    model: PreTrainedModel,
    encoder: PromptEncoder,
    texts: Sequence[str],
    *,
    max_tokens: int = 512,
    batch_tokens: int = _BATCH_TOKENS,
    advance: Callable[[int], None] = lambda count: None,
) -> Vectors:
    """Return one vector of length 1 per text, shape (texts, hidden), in the texts' order.

    A text without tokens gets zeros: it is similar to nothing.

    Args:
        model: any causal language model; its dtype is computed in, pooling is in fp32.
        encoder: its tokenizer.
        texts: what to embed, as it stands (no chat template).
        max_tokens: what lies behind is not read.
        batch_tokens: packed tokens per forward pass.
        advance: told after each pass how many more texts were read.
    """
    front = encoder.tokenizer("")["input_ids"]  # what this tokenizer begins every text with, if anything
    room = min(max_tokens, (encoder.context_tokens or max_tokens + len(front)) - len(front))
    tokens = [encoder.answer_ids(text)[:-1][:room] for text in texts]
    pooled = np.zeros((len(texts), model.config.get_text_config().hidden_size), dtype=np.float32)
    with inference(model):
        prefix = None
        if not why_not_shareable(model.config, training=False):
            prefix = PackedContext.from_prefix(model, front)
        for places in _batches(tokens, batch_tokens):
            batch = [tokens[place] for place in places]
            vectors = _packed(prefix, batch) if prefix else _in_full(model, front, batch)
            pooled[places] = torch.nn.functional.normalize(vectors).cpu().numpy()
            advance(len(places))
    return pooled


def _batches(tokens: Sequence[Sequence[int]], batch_tokens: int) -> Iterator[list[int]]:
    """Yield places of texts of similar length, together at most `batch_tokens` long (or one text)."""
    batch: list[int] = []
    size = 0
    for place in sorted(range(len(tokens)), key=lambda place: len(tokens[place])):
        length = len(tokens[place])
        if batch and size + length > batch_tokens:
            yield batch
            batch, size = [], 0
        if length:
            batch.append(place)
            size += length
    if batch:
        yield batch


def _packed(prefix: PackedContext, batch: list[list[int]]) -> Tensor:
    """Return (B, hidden) weighted means of texts packed in one row."""
    row = pack(batch, prefix.length, prefix.model.device)
    keep = torch.arange(len(row.ids), device=prefix.model.device)
    states = prefix.fork().extend(row, keep, hidden=True)
    return _weighted_means(states, row.segment, row.position - prefix.length, len(batch))


def _in_full(model: PreTrainedModel, front: list[int], batch: list[list[int]]) -> Tensor:
    """Return the same, each text by itself: for architectures that can't be packed."""
    means = []
    for ids in batch:
        own = hidden_states(model, [*front, *ids])[len(front) :]
        offset = torch.arange(len(ids), device=model.device)
        means.append(_weighted_means(own, torch.zeros_like(offset), offset, 1))
    return torch.cat(means)


def _weighted_means(states: Tensor, segment: Tensor, offset: Tensor, count: int) -> Tensor:
    """Average (T, hidden) states text by text, the token at `offset` i with weight i + 1, in fp32."""
    weight = (offset + 1).float()
    totals = weight.new_zeros(count).index_add_(0, segment, weight)
    share = weight / totals[segment]
    empty = share.new_zeros(count, states.shape[1])
    return empty.index_add_(0, segment, states.float() * share[:, None])
