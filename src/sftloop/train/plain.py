"""The ordinary step, record by record in full: what the shared path is measured against, and its fallback.

Whole sequences, padded on the right, through the model's usual forward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from sftloop.train.examples import Example
from sftloop.train.objective import Objective
from sftloop.train.shared import TOKENS, StepResult, autocast

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def plain_step(
    model: PreTrainedModel,
    batch: Sequence[Example],
    *,
    micro_batch: int,
    precision: torch.dtype | None,
    objective: Objective = TOKENS,
) -> StepResult:
    """Add the gradients of the batch's mean token loss to the parameters, without sharing anything.

    Args:
        model: in training mode.
        batch: the global batch.
        micro_batch: records per forward and backward pass.
        precision: dtype of matrix products (autocast), None for the weights' own.
        objective: what is learned.
    """
    units = objective.units(batch)
    batch = sorted(batch, key=lambda example: example.length)  # least padding
    result = StepResult(0.0, units, 0, 0)
    for start in range(0, len(batch), micro_batch):
        micro = batch[start : start + micro_batch]
        with autocast(model, precision):
            loss = objective.whole(model, micro) / units
        loss.backward()
        result.loss += loss.item()
        result.suffix_tokens += sum(example.length - 1 for example in micro)
    return result
