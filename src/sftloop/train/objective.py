"""What a step learns: the answer's tokens, or what a scoring head should say.

An objective knows the loss of some examples, behind a shared prefix and in whole sequences; it doesn't know
batches, micro-batches or gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from sftloop.models import PackedContext, ScoringHead, heads_of, keeping, pack, transformer
from sftloop.train.chunked_loss import output_layer, summed_cross_entropy
from sftloop.train.examples import Example
from sftloop.train.head_losses import Loss, LossOptions

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Objective(Protocol):
    """A sum of losses over examples; a step divides it by `units` of its whole batch."""

    def units(self, batch: Sequence[Example]) -> int:
        """Return what the batch's loss is the mean over."""
        ...

    def behind(self, context: PackedContext, micro: Sequence[Example]) -> Tensor:
        """Return the summed loss of examples whose prefix is in `context`."""
        ...

    def whole(self, model: PreTrainedModel, micro: Sequence[Example]) -> Tensor:
        """Return the summed loss of examples as whole, padded sequences."""
        ...


class TokenObjective:
    """Cross entropy of the answer's tokens and its end of turn. Logits exist where some record has a target."""

    def units(self, batch: Sequence[Example]) -> int:
        """Return the number of target tokens."""
        return sum(len(example.target) for example in batch)

    def behind(self, context: PackedContext, micro: Sequence[Example]) -> Tensor:
        """Return the summed loss behind a shared prefix."""
        device = context.model.device
        keep: list[int] = []
        start = 0
        for example in micro:
            first = start + len(example.prompt) - 1
            keep.extend(range(first, first + len(example.target)))
            start += len(example.suffix)
        row = pack([list(example.suffix) for example in micro], context.length, device)
        places = torch.tensor(keep, device=device)
        wanted = torch.tensor([token for example in micro for token in example.target], device=device)
        if (layer := output_layer(transformer(context.model))) is not None:
            return summed_cross_entropy(context.extend(row, places, hidden=True), layer, wanted)
        return cross_entropy(context.extend(row, places).float(), wanted, reduction="sum")

    def whole(self, model: PreTrainedModel, micro: Sequence[Example]) -> Tensor:
        """Return the summed loss of padded sequences."""
        ids, mask = _padded([example.prefix + example.suffix for example in micro])
        labels = torch.full_like(ids, -100)
        starts = [example.length - 1 - len(example.target) for example in micro]
        for row, (start, example) in enumerate(zip(starts, micro, strict=True)):
            labels[row, start : start + len(example.target)] = torch.tensor(example.target)
        places = (labels != -100).any(0).nonzero()[:, 0]
        kept = (places - ids.shape[1]).to(model.device)  # from the end: virtual tokens may stand in front
        only = keeping(model, kept)
        output = model(
            input_ids=ids.to(model.device), attention_mask=mask.to(model.device), use_cache=False, **only
        )
        logits = output.logits if only else output.logits[:, kept]
        wanted = labels[:, places].to(model.device)
        chosen = wanted != -100
        return cross_entropy(logits[chosen].float(), wanted[chosen], reduction="sum")


class HeadObjective:
    """The loss of each task's head, read off the last token of the prompt.

    Args:
        losses: task → loss.
        options: what they are told.
    """

    def __init__(self, losses: dict[str, Loss], options: LossOptions) -> None:
        self.losses, self.options = losses, options

    def units(self, batch: Sequence[Example]) -> int:
        """Return the number of records."""
        return len(batch)

    def behind(self, context: PackedContext, micro: Sequence[Example]) -> Tensor:
        """Return the summed loss behind a shared prefix."""
        return self._loss(context.model, micro, last_hidden_states(context, micro))

    def whole(self, model: PreTrainedModel, micro: Sequence[Example]) -> Tensor:
        """Return the summed loss of padded sequences; not over virtual tokens, which only the whole model adds."""
        body = transformer(model)
        ids, mask = _padded([example.prefix + example.prompt for example in micro])
        run = getattr(body, body.base_model_prefix)
        states = run(input_ids=ids.to(model.device), attention_mask=mask.to(model.device), use_cache=False)
        last = mask.sum(1).to(model.device) - 1
        rows = torch.arange(len(micro), device=model.device)
        return self._loss(model, micro, states.last_hidden_state[rows, last])

    def _loss(self, model: PreTrainedModel, micro: Sequence[Example], features: Tensor) -> Tensor:
        """Return the summed loss in fp32: autocast rounds scores, and refuses binary cross entropy on GPUs."""
        with torch.autocast(features.device.type, enabled=False):
            return self._summed(model, micro, features)

    def _summed(self, model: PreTrainedModel, micro: Sequence[Example], features: Tensor) -> Tensor:
        heads = heads_of(model)
        total = features.new_zeros((), dtype=torch.float32)
        for task in dict.fromkeys(example.task for example in micro):
            rows = [index for index, example in enumerate(micro) if example.task == task]
            wanted = torch.tensor([micro[row].wanted for row in rows], device=features.device)
            total = total + self.each(heads[task], features[rows].float(), wanted).sum()
        return total

    def each(self, head: ScoringHead, features: Tensor, wanted: Tensor) -> Tensor:
        """Return the loss of every record of a head's task, (B,), from its features (B, H) in fp32."""
        return self.losses[head.shape.task](head, head(features), wanted, self.options)


def last_hidden_states(context: PackedContext, micro: Sequence[Example]) -> Tensor:
    """Return the hidden state that ends each example's prompt, (B, H), behind the prefix in `context`."""
    device = context.model.device
    last = torch.tensor([len(example.prompt) for example in micro], device=device).cumsum(0) - 1
    row = pack([list(example.prompt) for example in micro], context.length, device)
    return context.extend(row, last, hidden=True)


def _padded(sequences: Sequence[tuple[int, ...]]) -> tuple[Tensor, Tensor]:
    """Return ids and mask, padded on the right, (records, longest)."""
    ids = torch.zeros(len(sequences), max(map(len, sequences)), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = torch.tensor(sequence)
        mask[row, : len(sequence)] = 1
    return ids, mask
