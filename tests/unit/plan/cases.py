"""What the planner's tests share: architectures by name, and one ledger."""

from __future__ import annotations

from typing import Any

from sftloop.plan import Architecture, Batch, Ledger, Parallel, Setup, find_config, simulate
from sftloop.plan.line import Line


def architecture(name: str) -> Architecture:
    config = find_config(name)
    assert config is not None
    return Architecture.from_config(config, name)


TINY = Architecture.from_config(
    {
        "model_type": "llama",
        "hidden_size": 8,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "intermediate_size": 16,
        "vocab_size": 32,
        "tie_word_embeddings": True,
    },
    "tiny",
)
"""head 4; q 8, k 4; per layer 8·(8+4+4)+8·8 + 3·8·16 + 2·8 = 592; embeddings 256; last norm 8: 1,448."""


def ledger(model: Architecture = TINY, *, gpus: int = 1, sharding: str = "none", **options: Any) -> Ledger:
    batch = Batch(micro_batch=options.pop("micro_batch", 1), seq_len=options.pop("seq_len", 16))
    offload = options.pop("offload", False)
    parallel = Parallel(gpus=gpus, sharding=sharding, offload=offload)  # type: ignore[arg-type]
    return simulate(model, Setup(batch=batch, parallel=parallel, **options))


def of(found: Ledger, component: str, at: str = "optimizer step") -> int:
    """Bytes of a component at an instant."""
    return sum(line.bytes for line in found.lines if line.component == component and at in line.at)


def line(found: Ledger, what: str) -> Line:
    return next(each for each in found.lines if each.what == what)
