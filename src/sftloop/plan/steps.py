"""The steps that make a training smaller, cheapest first, each with what it costs.

The order is that of practice (logits, half precision, flash attention, micro-batch, ZeRO 1, 2, 3, offloading, then
with care checkpointing, adapters, parallel matrices), moved where the predicted cost says so: what touches
neither result nor time comes first, then what costs time, then what touches quality.

Knows setups; doesn't know bytes, or whether a step is enough.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sftloop.plan.architecture import Architecture
from sftloop.plan.names import find_config, smaller_model
from sftloop.plan.setup import Optimizer, Setup, Sharding

Plan = tuple[Architecture, Setup]
_SHORTEST = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One way of needing less."""

    name: str
    costs: str
    time: float
    """Time per record over that before, about; from the papers named in `costs` where there are any."""
    quality: bool
    """Does it touch what the model learns?"""
    change: Callable[[Plan], Plan | None]
    """Returns the smaller plan, or None where the step changes nothing."""


def _setup(change: Callable[[Setup], Setup | None]) -> Callable[[Plan], Plan | None]:
    def applied(plan: Plan) -> Plan | None:
        changed = change(plan[1])
        return None if changed is None or changed == plan[1] else (plan[0], changed)

    return applied


def _own_trainer(setup: Setup) -> Setup | None:
    if setup.ours or setup.parallel.gpus > 1 or setup.precision == "fp16-mixed":
        return None
    if setup.method == "full" and setup.precision == "bf16":
        return None
    attention = "sdpa" if setup.attention == "flash" else setup.attention
    return replace(setup, engine="sftloop", loss="chunked", attention=attention)


def _no_whole_logits(setup: Setup) -> Setup | None:
    return replace(setup, loss="chunked" if setup.ours else "fused") if setup.loss == "plain" else None


def _fused_optimizer(setup: Setup) -> Setup | None:
    return replace(setup, optimizer="adamw-fused") if setup.optimizer == "adamw" else None


def _half_precision(setup: Setup) -> Setup | None:
    return replace(setup, precision="bf16-mixed") if setup.precision == "fp32" else None


def _fused_attention(setup: Setup) -> Setup | None:
    return replace(setup, attention="sdpa") if setup.attention == "eager" else None


def _smaller_micro_batch(setup: Setup) -> Setup | None:
    """Take half the micro-batch, or the next smaller one that leaves the records of a step as they are."""
    batch = setup.batch
    if batch.micro_batch == 1:
        return None
    records = batch.micro_batch * batch.accumulation
    micro = next(size for size in range(batch.micro_batch // 2, 0, -1) if records % size == 0)
    return replace(setup, batch=replace(batch, micro_batch=micro, accumulation=records // micro))


def _shard(sharding: Sharding, *, offload: bool = False) -> Callable[[Setup], Setup | None]:
    order: tuple[Sharding, ...] = ("none", "zero1", "zero2", "zero3")

    def change(setup: Setup) -> Setup | None:
        way = setup.parallel
        if way.data < 2 or way.sharding == "fsdp" or setup.optimizer in {"adafactor", "adamw-8bit"}:
            return None
        further = order.index(sharding) > order.index(way.sharding)
        if way.offload >= offload and not further:
            return None
        return replace(setup, parallel=replace(way, sharding=sharding, offload=offload))

    return change


def _checkpointing(setup: Setup) -> Setup | None:
    return None if setup.checkpointing else replace(setup, checkpointing=True)


def _optimizer(optimizer: Optimizer) -> Callable[[Setup], Setup | None]:
    def change(setup: Setup) -> Setup | None:
        if setup.parallel.sharding != "none" or setup.optimizer == "sgd" or setup.method != "full":
            return None
        return replace(setup, optimizer=optimizer)

    return change


def _lora(setup: Setup) -> Setup | None:
    return replace(setup, method="lora") if setup.method == "full" else None


def _qlora(setup: Setup) -> Setup | None:
    return replace(setup, method="qlora") if setup.method == "lora" and setup.precision != "fp32" else None


def _shorter(setup: Setup) -> Setup | None:
    batch = setup.batch
    own = (batch.seq_len - batch.prefix_len) // 2
    if own < _SHORTEST:
        return None
    return replace(setup, batch=replace(batch, seq_len=batch.prefix_len + own))


def _smaller_base(plan: Plan) -> Plan | None:
    name = smaller_model(plan[0].name)
    config = find_config(name) if name else None
    return None if config is None or name is None else (Architecture.from_config(config, name), plan[1])


def _tensor_parallel(plan: Plan) -> Plan | None:
    architecture, setup = plan
    way = setup.parallel
    if way.gpus < 2 or way.tensor > 1 or architecture.kv_heads % way.gpus or architecture.heads % way.gpus:
        return None
    return architecture, replace(
        setup, parallel=replace(way, tensor=way.gpus, sharding="none", offload=False)
    )


STEPS: tuple[Step, ...] = (
    Step(
        name="sftloop's own trainer",
        costs="nothing: loss in chunks, fused layers, the same numbers",
        time=1.0,
        quality=False,
        change=_setup(_own_trainer),
    ),
    Step(
        name="no whole logits",
        costs="nothing: the same loss, some rows at a time",
        time=1.0,
        quality=False,
        change=_setup(_no_whole_logits),
    ),
    Step(
        name="fused AdamW",
        costs="nothing: the same update without temporaries",
        time=1.0,
        quality=False,
        change=_setup(_fused_optimizer),
    ),
    Step(
        name="half precision (bf16, fp32 masters)",
        costs="nothing known; about twice as fast on tensor cores",
        time=0.5,
        quality=False,
        change=_setup(_half_precision),
    ),
    Step(
        name="attention without its weights (SDPA)",
        costs="nothing: exact, and faster (Dao 2023, arXiv:2307.08691)",
        time=0.9,
        quality=False,
        change=_setup(_fused_attention),
    ),
    Step(
        name="half the micro-batch, twice the accumulation",
        costs="nothing in the result; a few percent of time while the GPU stays busy",
        time=1.03,
        quality=False,
        change=_setup(_smaller_micro_batch),
    ),
    Step(
        name="ZeRO 1",
        costs="nothing in the result; traffic as with plain data parallelism (arXiv:1910.02054, section 7)",
        time=1.0,
        quality=False,
        change=_setup(_shard("zero1")),
    ),
    Step(
        name="ZeRO 2",
        costs="as ZeRO 1",
        time=1.0,
        quality=False,
        change=_setup(_shard("zero2")),
    ),
    Step(
        name="activation checkpointing",
        costs="a third more time: one more forward pass (arXiv:1604.06174)",
        time=1.33,
        quality=False,
        change=_setup(_checkpointing),
    ),
    Step(
        name="ZeRO 3",
        costs="half as much traffic again (arXiv:1910.02054, section 7)",
        time=1.15,
        quality=False,
        change=_setup(_shard("zero3")),
    ),
    Step(
        name="ZeRO 2 with offloading",
        costs="the step runs on the host; needs its memory (arXiv:2101.06840)",
        time=1.5,
        quality=False,
        change=_setup(_shard("zero2", offload=True)),
    ),
    Step(
        name="ZeRO 3 with offloading",
        costs="weights come over the bus in every pass; needs the host's memory",
        time=2.0,
        quality=False,
        change=_setup(_shard("zero3", offload=True)),
    ),
    Step(
        name="AdamW with 8-bit states",
        costs="states rounded to 8 bits; hardly seen in results (arXiv:2110.02861)",
        time=1.0,
        quality=True,
        change=_setup(_optimizer("adamw-8bit")),
    ),
    Step(
        name="Adafactor",
        costs="rows and columns instead of v; another optimizer, other rates (arXiv:1804.04235)",
        time=1.0,
        quality=True,
        change=_setup(_optimizer("adafactor")),
    ),
    Step(
        name="LoRA",
        costs="somewhat behind full fine-tuning where data is plenty; measure it",
        time=0.8,
        quality=True,
        change=_setup(_lora),
    ),
    Step(
        name="QLoRA",
        costs="weights rounded to four bits, and slower than LoRA (arXiv:2305.14314)",
        time=1.4,
        quality=True,
        change=_setup(_qlora),
    ),
    Step(
        name="half the context",
        costs="longer records are cut or left out",
        time=0.5,
        quality=True,
        change=_setup(_shorter),
    ),
    Step(
        name="Megatron: every matrix over all GPUs",
        costs="another trainer, traffic in every layer; within one machine only (arXiv:1909.08053)",
        time=1.3,
        quality=False,
        change=_tensor_parallel,
    ),
    Step(
        name="a smaller base model",
        costs="a weaker start; try it when the rest is done",
        time=0.5,
        quality=True,
        change=_smaller_base,
    ),
)
