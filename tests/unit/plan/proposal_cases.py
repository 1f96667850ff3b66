"""Facts to plan from, and the methods' starting rates as the trainer has them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sftloop.plan import Architecture, find_config
from sftloop.plan.facts import Facts, Hardware, Tokens
from sftloop.plan.proposal import Proposal, propose

CPU = Hardware(device="cpu", name="two cores", memory_bytes=16 * 10**9, cores=2)
GPU = Hardware(device="cuda", name="a GPU", memory_bytes=80 * 10**9, cores=8, gpus=1, precision="bf16")
TOKENS = Tokens(
    prefix=200, prefix_mean=200, own=40, own_longest=90, answer=6, context=8192, counted=True
)  # fmt: skip
RATES = {"lora": (1e-3, 2e-4), "qlora": (1e-3, 2e-4), "full": (5e-5, 1e-5), "ptuning": (1e-3, 3e-4)}


def shape(model: str) -> Architecture:
    config = find_config(model)
    assert config is not None
    return Architecture.from_config(config, model)


def facts(total: int, model: str | None = "qwen2.5-7b", hardware: Hardware = GPU, **more: Any) -> Facts:
    found = Facts(
        records={"t": total},
        kinds={"t": "choice"},
        validation=200,
        tokens=TOKENS,
        architecture=shape(model) if model else None,
        hardware=hardware,
    )
    return replace(found, **more)


def proposed(given: Facts, asked: dict[str, Any] | None = None, **more: Any) -> Proposal:
    def rate(method: str) -> float:
        return RATES.get(method, (1e-3, 2e-4))[not given.small]

    return propose("a-model", given, asked or {}, rate, **more)


def value(proposal: Proposal, name: str) -> Any:
    return next(choice.value for choice in proposal.choices if choice.name == name)
