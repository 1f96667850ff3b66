"""One optimizer step's loss and gradients with every prefix computed once: the heart of the trainer.

A causal prefix's keys and values don't depend on what follows. So each task's prefix runs forward once per
step; its keys and values are cut off the graph and serve every micro-batch of packed suffixes; their
gradients add up at the cut, and one backward pass through the prefix finishes the step, as in gradient
caching (Gao et al. 2021, arXiv:2101.06983). Loss and gradients equal those of the ordinary forward over
whole sequences; memory follows the micro-batch, not the batch.

Knows tokens and a model; doesn't know optimizers, schedules or files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sftloop.models import PackedContext
from sftloop.plan.prefix import computed_again
from sftloop.train.examples import Example
from sftloop.train.objective import Objective, TokenObjective
from sftloop.train.recompute import Recompute

if TYPE_CHECKING:
    from transformers import PreTrainedModel


TOKENS = TokenObjective()


def usual_micro_batch_tokens(device: str, precision: torch.dtype | None) -> int:
    """Return suffix tokens per pass that keep this kind of device busy: the same memory in either precision.

    Args:
        device: as torch names it.
        precision: dtype of matrix products, None for fp32.
    """
    if device.partition(":")[0] != "cpu":
        return 2048
    return 512 if precision is None else 1024


@dataclass(slots=True)
class StepResult:
    """What a step computed; gradients lie in the parameters."""

    loss: float
    """Mean over the batch's target tokens (in nats) or records."""
    target_tokens: int
    """What the loss is the mean over."""
    prefix_tokens: int
    """Prefix tokens run: once per prefix."""
    suffix_tokens: int


def shared_step(
    model: PreTrainedModel,
    batch: Sequence[Example],
    *,
    micro_batch_tokens: int,
    precision: torch.dtype | None,
    objective: Objective = TOKENS,
    recompute: Recompute | None = None,
) -> StepResult:
    """Add the gradients of the batch's mean token loss to the parameters.

    Args:
        model: in training mode.
        batch: the global batch; any mix of tasks.
        micro_batch_tokens: suffix tokens per forward and backward pass; bounds memory, not the result.
        precision: dtype of matrix products (autocast), None for the weights' own.
        objective: what is learned.
        recompute: lets a long prefix forget its activations while the micro-batches run (`computed_again`).

    Returns:
        The loss, the mean over the whole batch's target tokens (or records), and token counts.
    """
    units = objective.units(batch)
    result = StepResult(0.0, units, 0, 0)
    for prefix, group in by_prefix(batch):
        suffixes = sum(len(example.suffix) for example in group)
        again = computed_again(len(prefix), micro_batch_tokens, suffixes)
        with autocast(model, precision), recompute.forgetting(again) if recompute else nullcontext():
            context = PackedContext.from_prefix(model, list(prefix))
        leaves = _leaves(context)
        for micro in micro_batches(group, micro_batch_tokens):
            with autocast(model, precision):
                loss = objective.behind(_over_leaves(context, leaves), micro) / units
            loss.backward()
            result.loss += loss.item()
            del loss  # its graph holds the leaves' casts
        result.suffix_tokens += suffixes
        result.prefix_tokens += len(prefix)
        _back_through_prefix(context, leaves)
    return result


def micro_batches(group: Sequence[Example], most_tokens: int) -> Iterator[list[Example]]:
    """Cut a group into runs of at most `most_tokens` suffix tokens (a longer example goes alone).

    Examples of similar length come together: attention lays a run's records side by side, padded.
    """
    micro: list[Example] = []
    size = 0
    for example in sorted(group, key=lambda example: len(example.suffix)):
        length = len(example.suffix)
        if micro and size + length > most_tokens:
            yield micro
            micro, size = [], 0
        micro.append(example)
        size += length
    if micro:
        yield micro


def by_prefix(batch: Sequence[Example]) -> list[tuple[tuple[int, ...], list[Example]]]:
    """Return each prefix with its examples; its tokens name the task as well."""
    groups: dict[tuple[int, ...], list[Example]] = {}
    for example in batch:
        groups.setdefault(example.prefix, []).append(example)
    return list(groups.items())


def _leaves(context: PackedContext) -> list[Tensor]:
    """Cut the prefix's keys and values off the graph, in fp32 so that gradients add up without loss."""
    return [t.detach().float().requires_grad_() for t in (*context.prefix_keys, *context.prefix_values)]


def _over_leaves(context: PackedContext, leaves: list[Tensor]) -> PackedContext:
    layers = len(context.prefix_keys)
    cast = [leaf.to(context.prefix_keys[0].dtype) for leaf in leaves]
    return context.over(cast[:layers], cast[layers:])


def _back_through_prefix(context: PackedContext, leaves: list[Tensor]) -> None:
    pairs = [
        (own, leaf.grad.to(own.dtype))
        for own, leaf in zip((*context.prefix_keys, *context.prefix_values), leaves, strict=True)
        if own.requires_grad and leaf.grad is not None
    ]
    if pairs:
        torch.autograd.backward([own for own, _ in pairs], [grad for _, grad in pairs])


def autocast(model: PreTrainedModel, precision: torch.dtype | None) -> torch.autocast:
    """Return the context of matrix products in `precision`; None: the weights' own dtype."""
    return torch.autocast(model.device.type, dtype=precision or torch.bfloat16, enabled=precision is not None)
