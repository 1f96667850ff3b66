"""What a model's loss is on every single record, without gradients: each distinct prefix runs once.

With the prompt, and without it: the quotient of the two is how much the prompt helps, the instruction-following
difficulty (IFD) of Li et al. (2024, arXiv:2308.12032). Knows tokens and a model; doesn't judge what a loss means.

Shapes: `N` target positions of a micro-batch, `H` hidden size, `V` vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from sftloop.models import PackedContext, PromptEncoder, last_logits, pack, transformer
from sftloop.train.chunked_loss import output_layer
from sftloop.train.examples import Example
from sftloop.train.forward_each import forward_each

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_LOGIT_ROWS = 512
"""Rows of logits in memory at once: bounds memory at rows × V."""


class RecordLoss(NamedTuple):
    """Cross entropy of one record's target tokens."""

    nats: float
    """Summed over the target."""
    tokens: int
    """Target tokens, the end of the turn included."""

    @property
    def mean(self) -> float:
        """Nats per target token; nan without a target."""
        return self.nats / self.tokens if self.tokens else float("nan")


def record_losses(
    model: PreTrainedModel,
    examples: Sequence[Example],
    *,
    precision: torch.dtype | None = None,
    micro_batch_tokens: int | None = None,
    advance: Callable[[int], None] = lambda count: None,
) -> list[RecordLoss]:
    """Return each example's loss, in the given order.

    Models whose prefix can't be shared run record by record in full.

    Args:
        model: any causal language model; put into evaluation mode meanwhile.
        examples: of any tasks.
        precision: dtype of matrix products (autocast), None for the weights' own.
        micro_batch_tokens: suffix tokens per forward pass; bounds memory, not the result. None: what keeps this
            kind of device busy.
        advance: told after each pass how many more examples it covered.
    """
    return forward_each(
        model,
        examples,
        behind=_behind,
        in_full=_in_full,
        precision=precision,
        micro_batch_tokens=micro_batch_tokens,
        advance=advance,
    )


def unconditional_losses(
    model: PreTrainedModel,
    examples: Sequence[Example],
    header: Sequence[int],
    *,
    precision: torch.dtype | None = None,
    micro_batch_tokens: int | None = None,
) -> list[RecordLoss]:
    """Return the loss of each example's target without its prompt: what IFD divides by (the direct answer score).

    The paper puts nothing at all in front, so that the first token can't be scored. Here the target stands
    behind the header of an answer: all its tokens count, the same ones as with the prompt.

    Args:
        model: any causal language model.
        examples: their prompts are left out.
        header: what stands in front instead, see `answer_header`.
        precision: as in `record_losses`.
        micro_batch_tokens: as in `record_losses`.
    """
    front, last = tuple(header[:-1]), tuple(header[-1:])
    bare = [replace(example, prefix=front, prompt=last) for example in examples]
    return record_losses(model, bare, precision=precision, micro_batch_tokens=micro_batch_tokens)


def answer_header(encoder: PromptEncoder) -> list[int]:
    """Return the tokens that open an answer whatever was asked; never empty.

    They are what all prompts end with, without the end of the user's turn; a token that opens every text
    (`<bos>`) stays in front, because models lean on it.

    Args:
        encoder: the model's tokenizer and chat template.
    """
    first, second = (encoder.prompt_ids([{"role": "user", "content": text}]) for text in ("x", "乙 7"))
    shared = 0
    while shared < min(len(first), len(second)) and first[-1 - shared] == second[-1 - shared]:
        shared += 1
    tail = first[len(first) - shared :]
    for place in range(len(tail) - 2, -1, -1):
        if tail[place] == encoder.end_of_turn:
            tail = tail[place + 1 :]
            break
    opening = encoder.tokenizer.bos_token_id
    opens = opening is not None and first[0] == opening and len(tail) < len(first)
    return [opening, *tail] if opens else tail or [encoder.end_of_turn]


def _behind(context: PackedContext, micro: Sequence[Example]) -> list[RecordLoss]:
    """Losses of examples whose prefix is in `context`, which is used up."""
    places: list[int] = []
    start = 0
    for example in micro:
        first = start + len(example.prompt) - 1
        places.extend(range(first, first + len(example.target)))
        start += len(example.suffix)
    device = context.model.device
    row = pack([list(example.suffix) for example in micro], context.length, device)
    keep = torch.tensor(places, device=device, dtype=torch.long)
    wanted = torch.tensor(
        [token for example in micro for token in example.target], device=device, dtype=torch.long
    )
    layer = output_layer(transformer(context.model))
    if layer is None:
        losses = cross_entropy(context.extend(row, keep).float(), wanted, reduction="none")
    else:
        losses = _token_losses(context.extend(row, keep, hidden=True), layer, wanted)
    parts = losses.cpu().double().split([len(example.target) for example in micro])
    return [RecordLoss(float(part.sum()), len(part)) for part in parts]


def _token_losses(hidden: Tensor, layer: torch.nn.Linear, wanted: Tensor) -> Tensor:
    """Return −log p(wanted), shape (N,), from hidden states (N, H); only some rows' logits exist at a time."""
    pieces = zip(hidden.split(_LOGIT_ROWS), wanted.split(_LOGIT_ROWS), strict=True)
    return torch.cat([cross_entropy(layer(rows).float(), own, reduction="none") for rows, own in pieces])


def _in_full(model: PreTrainedModel, example: Example) -> RecordLoss:
    count = len(example.target)
    if not count:
        return RecordLoss(0.0, 0)
    logits = last_logits(model, example.prefix + example.suffix, count)
    wanted = torch.tensor(example.target, device=model.device)
    losses = cross_entropy(logits.float(), wanted, reduction="none")
    return RecordLoss(float(losses.cpu().double().sum()), count)
