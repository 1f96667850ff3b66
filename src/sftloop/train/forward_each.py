"""Runs examples through a model without gradients, each distinct prefix once, and gathers something of each.

Knows passes; what is gathered is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import torch

from sftloop.models import PackedContext, inference, why_not_shareable
from sftloop.train.examples import Example
from sftloop.train.shared import autocast, by_prefix, micro_batches, usual_micro_batch_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Found = TypeVar("Found")


def forward_each(
    model: PreTrainedModel,
    examples: Sequence[Example],
    *,
    behind: Callable[[PackedContext, Sequence[Example]], Sequence[Found]],
    in_full: Callable[[PreTrainedModel, Example], Found],
    precision: torch.dtype | None = None,
    micro_batch_tokens: int | None = None,
    advance: Callable[[int], None] = lambda count: None,
) -> list[Found]:
    """Return what was found of each example, in the given order.

    Models whose prefix can't be shared run record by record in full.

    Args:
        model: any causal language model; put into evaluation mode meanwhile.
        examples: of any tasks.
        behind: gives one result per example of a pass whose prefix is in the context; the context is used up.
        in_full: gives the result of one example by itself.
        precision: dtype of matrix products (autocast), None for the weights' own.
        micro_batch_tokens: suffix tokens per forward pass; bounds memory, not the result. None: what keeps this
            kind of device busy.
        advance: told after each pass how many more examples it covered.
    """
    most = micro_batch_tokens or usual_micro_batch_tokens(model.device.type, precision)
    found: dict[int, Found] = {}
    with _measuring(model, precision):
        if why_not_shareable(model.config, training=False):
            for example in examples:
                found[id(example)] = in_full(model, example)
                advance(1)
            return [found[id(example)] for example in examples]
        for prefix, group in by_prefix(examples):
            context = PackedContext.from_prefix(model, list(prefix))
            for micro in micro_batches(group, most):
                found.update(zip(map(id, micro), behind(context.fork(), micro), strict=True))
                advance(len(micro))
    return [found[id(example)] for example in examples]


@contextmanager
def _measuring(model: PreTrainedModel, precision: torch.dtype | None) -> Iterator[None]:
    learning = model.training
    model.eval()
    try:
        with inference(model), autocast(model, precision):
            yield
    finally:
        model.train(learning)
