"""The ordinary step, record by record in full: what the shared path is measured against, and its fallback.

Whole sequences, padded on the right, through the model's usual forward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from sftloop.train.examples import Example
from sftloop.train.shared import StepResult

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def plain_step(
    model: PreTrainedModel, batch: Sequence[Example], *, micro_batch: int, precision: torch.dtype | None
) -> StepResult:
    """Add the gradients of the batch's mean token loss to the parameters, without sharing anything.

    Args:
        model: in training mode.
        batch: the global batch.
        micro_batch: records per forward and backward pass.
        precision: dtype of matrix products (autocast), None for the weights' own.
    """
    targets = sum(len(example.target) for example in batch)
    result = StepResult(0.0, targets, 0, 0)
    for start in range(0, len(batch), micro_batch):
        micro = batch[start : start + micro_batch]
        with torch.autocast(
            model.device.type, dtype=precision or torch.bfloat16, enabled=precision is not None
        ):
            loss = _padded_loss(model, micro) / targets
        loss.backward()
        result.loss += loss.item()
        result.suffix_tokens += sum(example.length - 1 for example in micro)
    return result


def _padded_loss(model: PreTrainedModel, micro: Sequence[Example]) -> Tensor:
    sequences = [example.prefix + example.suffix for example in micro]
    width = max(map(len, sequences))
    ids = torch.zeros(len(micro), width, dtype=torch.long)
    mask = torch.zeros(len(micro), width, dtype=torch.long)
    labels = torch.full((len(micro), width), -100)
    for row, (sequence, example) in enumerate(zip(sequences, micro, strict=True)):
        ids[row, : len(sequence)] = torch.tensor(sequence)
        mask[row, : len(sequence)] = 1
        labels[row, len(sequence) - len(example.target) : len(sequence)] = torch.tensor(example.target)
    first = min(len(s) - len(e.target) for s, e in zip(sequences, micro, strict=True))
    output = model(
        input_ids=ids.to(model.device),
        attention_mask=mask.to(model.device),
        use_cache=False,
        logits_to_keep=width - first,
    )
    logits, wanted = output.logits, labels[:, first:].to(model.device)
    chosen = wanted != -100
    return cross_entropy(logits[chosen].float(), wanted[chosen], reduction="sum")
