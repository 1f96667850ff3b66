"""What the GPU shows as used: allocated memory, and what torch's caching allocator can't use again.

Knows where blocks are lost; the allocated bytes are the ledger's.

Fitted on the Llama-3-8B rows at batch 4 of the measured runs; everything else there is a check.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sftloop.plan.line import BACKWARD, END, LOSS, STEP, Line
from sftloop.plan.part import Part
from sftloop.plan.setup import Setup

_CONTEXT = 800 * 2**20
"""The CUDA context and its libraries."""
_COLLECTIVES = 3200 * 2**20
"""NCCL's buffers and the blocks that FSDP's second stream keeps for itself."""
_LOST, _LOST_SHARDED = 0.12, 0.10
"""Share of a pass's activations that is lost to fragments."""
_LOST_LOGITS = 6.5
"""Bytes per token and vocabulary entry: the half-precision logits' block and one fp32 block, both left behind."""
_FULL, _FULLEST = 0.965, 0.992
"""Shares of a GPU at which the allocator, refused more, gives back what it keeps: usually, at most."""
_MARGIN, _MARGIN_BYTES, _MARGIN_SHARDED_BYTES = 1.07, 2**30, 2 * 2**30


class Reserved(NamedTuple):
    """Bytes that the GPU shows as used."""

    median: int
    high: int
    """Covers 95 of 100 runs."""


def reserved_range(
    lines: Sequence[Line], instants: dict[str, int], part: Part, setup: Setup, gpu_bytes: int | None
) -> Reserved:
    """Return the likely reserved memory and a bound above it.

    Args:
        lines: the ledger.
        instants: allocated bytes at each.
        part: the rank's share of the model.
        setup: the training.
        gpu_bytes: where it ends, if that is known.
    """
    peak = max(instants.values())
    sharded = setup.parallel.data > 1
    lost = {name: size + _lost_at(name, part, setup) for name, size in instants.items()}
    fullest = max(lost.values())
    if setup.parallel.sharding == "fsdp":
        fullest = max(fullest, _apart(lines, lost))
    pieces = (_LOST_SHARDED if sharded else _LOST) * _passing(lines)
    median = round(fullest + pieces + _CONTEXT + (_COLLECTIVES if sharded else 0))
    high = round(median * _MARGIN + (_MARGIN_SHARDED_BYTES if sharded else _MARGIN_BYTES))
    if gpu_bytes is not None and peak + _CONTEXT <= _FULLEST * gpu_bytes:
        median = min(median, max(round(gpu_bytes * _FULL), peak + _CONTEXT))
        high = min(high, round(gpu_bytes * _FULLEST))
    return Reserved(median, high)


def _lost_at(instant: str, part: Part, setup: Setup) -> int:
    if instant != LOSS or setup.loss != "plain" or not part.last:
        return 0
    return round(_LOST_LOGITS * part.architecture.vocabulary * setup.batch.own / part.tensor)


def _passing(lines: Sequence[Line]) -> int:
    """Activations of the fuller end of the way back."""
    return max(
        sum(line.bytes for line in lines if line.component == "activations" and instant in line.at)
        for instant in (BACKWARD, END)
    )


def _apart(lines: Sequence[Line], lost: dict[str, int]) -> int:
    """Gradients and the step's temporaries of FSDP lie in other streams' blocks than activations do."""
    step_only = sum(
        line.bytes
        for line in lines
        if STEP in line.at and BACKWARD not in line.at and line.component in {"gradients", "optimizer"}
    )
    return max(lost[LOSS], lost[BACKWARD]) + step_only
