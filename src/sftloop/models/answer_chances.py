"""How likely a model would write one given answer: a forward pass in place of many samples.

Knows token ids and a model; doesn't know whether an answer is right.

Shapes: `T` answer tokens, `N` answer tokens of a batch, `V` vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from sftloop.models.in_full import last_logits
from sftloop.models.local import inference
from sftloop.models.packed import PackedContext, pack, why_not_shareable
from sftloop.models.prompt_groups import Ids, bounded, groups_by_prefix
from sftloop.models.sampling import Sampling, shares_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_BATCH_TOKENS = 2048
"""Tokens behind a shared prefix that run in one pass."""
_LOGIT_ROWS = 192
"""Answer tokens scored side by side: bounds memory at rows × V."""


class Chance(NamedTuple):
    """How a model would come to write one given answer."""

    greedy: bool
    """Every token is the likeliest one: greedy writing begins with exactly this."""
    probability: float
    """That a sample begins with exactly these tokens."""


def answer_chances(
    model: PreTrainedModel, prompts: Sequence[Ids], answers: Sequence[Ids], *, sampling: Sampling
) -> list[Chance]:
    """Return each prompt's chance of one given answer, in order.

    Args:
        model: any causal language model.
        prompts: token ids, none empty.
        answers: one for each prompt, with the tokens that end it; none empty.
        sampling: how samples would be drawn; its temperature is above 0.
    """
    found: dict[int, Chance] = {}
    with inference(model):
        for prefix, group in groups_by_prefix(model, prompts):
            scorer = _in_full if why_not_shareable(model.config, training=False) else _Shared(model, prefix)
            sizes = {i: (len(prompts[i]) - len(prefix) + len(answers[i]) - 1, len(answers[i])) for i in group}
            for batch in bounded(group, sizes.__getitem__, (_BATCH_TOKENS, _LOGIT_ROWS)):
                rests = [[*prompts[index][len(prefix) :], *answers[index][:-1]] for index in batch]
                rows = scorer(model, rests, [len(answers[index]) for index in batch])
                for index, logits in zip(batch, rows, strict=True):
                    found[index] = _chance(logits, answers[index], sampling)
    return [found[index] for index in range(len(prompts))]


def _chance(logits: Tensor, answer: Ids, sampling: Sampling) -> Chance:
    """Read the chance off the logits that predict the answer, (T, V)."""
    shares, tokens = shares_of(logits, sampling)
    own = tokens == torch.tensor(answer, device=tokens.device)[:, None]
    return Chance(bool(own[:, 0].all()), float((shares * own).sum(-1).log().sum().exp()))


class _Shared:
    """Logits behind a prefix that runs once."""

    def __init__(self, model: PreTrainedModel, prefix: list[int]) -> None:
        self.context = PackedContext.from_prefix(model, prefix)

    def __call__(self, model: PreTrainedModel, rests: list[list[int]], counts: list[int]) -> Sequence[Tensor]:
        """Return the logits at the last `counts` places of each sequence behind the prefix, (T, V) each."""
        places: list[int] = []
        start = 0
        for ids, count in zip(rests, counts, strict=True):
            start += len(ids)
            places.extend(range(start - count, start))
        keep = torch.tensor(places, device=model.device)
        row = pack(rests, self.context.length, model.device)
        logits = self.context.fork().extend(row, keep)
        return [*logits.split(counts)]


def _in_full(model: PreTrainedModel, rests: list[list[int]], counts: list[int]) -> Sequence[Tensor]:
    return [last_logits(model, ids, count) for ids, count in zip(rests, counts, strict=True)]
