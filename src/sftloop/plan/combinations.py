"""Refuses what can't be run, and names the nearest thing that can.

Knows which choices exclude each other; computes no bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from sftloop.core.errors import UsageError
from sftloop.plan.architecture import Architecture
from sftloop.plan.setup import Setup


def check(architecture: Architecture, setup: Setup) -> None:
    """Refuse an impossible setup.

    Raises:
        UsageError: what excludes what, and the nearest possible choice.
    """
    for problem, nearest in (*_numbers(setup), *_parallel(architecture, setup), *_choices(setup)):
        raise UsageError(problem, hint=nearest)


_Found = Iterator[tuple[str, str]]


def _numbers(setup: Setup) -> _Found:
    batch = setup.batch
    if min(batch.micro_batch, batch.seq_len, batch.accumulation, setup.adapter.rank) < 1:
        yield (
            "Micro-batch, sequence length, accumulation and rank must be 1 or more.",
            "Give positive numbers.",
        )
    if not 0 <= batch.prefix_len < batch.seq_len:
        yield (
            f"A shared prefix of {batch.prefix_len} tokens leaves nothing of a record of {batch.seq_len}.",
            "--seq-len counts the whole record, prefix included; give a larger one.",
        )


def _parallel(architecture: Architecture, setup: Setup) -> _Found:
    way = setup.parallel
    if min(way.gpus, way.tensor, way.pipeline) < 1 or way.gpus % (way.tensor * way.pipeline):
        parts = way.tensor * way.pipeline
        yield (
            f"{way.gpus} GPUs can't be split into {way.tensor} (tensor) × {way.pipeline} (pipeline) ranks.",
            f"--gpus {max(parts, way.gpus // max(1, parts) * parts)}",
        )
    if way.sharding != "none" and way.data < 2:
        yield (
            f"--sharding {way.sharding} spreads over data-parallel GPUs, and there is only one.",
            "--gpus 2 or more, or --sharding none; on one GPU, --method qlora or --checkpointing saves more.",
        )
    if way.offload and way.sharding == "none":
        yield (
            "--offload moves what is sharded to the host's memory, and nothing is sharded.",
            "--sharding zero2 --offload (two GPUs or more).",
        )
    if architecture.heads % way.tensor or architecture.kv_heads % way.tensor:
        yield (
            f"{architecture.heads} query and {architecture.kv_heads} key heads can't be split over "
            f"--tensor-parallel {way.tensor}.",
            f"--tensor-parallel {_largest_divisor(architecture, way.tensor)}",
        )
    if way.pipeline > architecture.layers:
        yield (
            f"{architecture.layers} layers can't be split over --pipeline-parallel {way.pipeline}.",
            f"--pipeline-parallel {architecture.layers}",
        )
    if way.pipeline > 1 and way.sharding in {"zero2", "zero3", "fsdp"}:
        yield (
            f"--sharding {way.sharding} would gather weights or gradients for every micro-batch of the pipeline.",
            "--sharding zero1 beside --pipeline-parallel.",
        )


def _choices(setup: Setup) -> _Found:
    if setup.method == "qlora" and setup.precision == "fp32":
        yield "Four-bit weights are multiplied in half precision, not in fp32.", "--precision bf16-mixed"
    if setup.attention == "flash" and setup.precision == "fp32" and setup.engine != "sftloop-cpu":
        yield "Flash attention's kernels compute in half precision, not in fp32.", "--attention sdpa"
    if setup.optimizer == "adamw-8bit" and setup.parallel.sharding in {"zero1", "zero2", "zero3"}:
        yield (
            "DeepSpeed shards optimizer states in fp32; it can't shard those of adamw-8bit.",
            "--optimizer adamw, or --sharding fsdp.",
        )
    if setup.optimizer == "adafactor" and setup.parallel.sharding != "none":
        yield (
            "Adafactor keeps rows and columns of whole matrices, which sharding cuts apart.",
            "--optimizer adamw, or --sharding none.",
        )
    if setup.ours and setup.parallel.gpus > 1:
        yield (
            "sftloop's own engine trains on one GPU.",
            "--gpus 1, or without --prefix-len and with --engine fused for another trainer.",
        )
    if setup.ours and setup.method == "full" and setup.precision == "bf16":
        yield (
            "sftloop's full fine-tuning keeps weights in fp32, in which small updates aren't lost.",
            "--precision bf16-mixed",
        )
    if setup.ours and setup.precision == "fp16-mixed":
        yield "sftloop computes in bf16 or fp32.", "--precision bf16-mixed"
    if setup.ours and setup.loss == "fused":
        yield "--loss fused is Liger's; sftloop's engine computes the loss in chunks.", "--loss chunked"
    if setup.batch.prefix_len and not setup.ours:
        yield (
            "Only sftloop's engine computes a shared prefix once.",
            "--engine sftloop, or --prefix-len 0.",
        )
    if setup.engine == "sftloop-cpu" and (setup.method == "qlora" or setup.optimizer == "adamw-8bit"):
        yield "Four-bit weights and 8-bit states need a GPU here.", "--engine sftloop"


def _largest_divisor(architecture: Architecture, most: int) -> int:
    ways = (n for n in range(most, 0, -1) if not architecture.heads % n and not architecture.kv_heads % n)
    return next(ways, 1)
