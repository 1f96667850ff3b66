"""Does a proposed training fit, and which steps of the ladder make it fit.

Turns settings of the training section into a `Setup` of the ledger and back. Takes only steps that leave method,
data and model as they are; those are chosen elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from math import ceil
from typing import Any, cast

from sftloop.core.errors import UsageError
from sftloop.plan.facts import Facts
from sftloop.plan.ladder import Fitted, climb
from sftloop.plan.setup import Adapter, Batch, Engine, Method, Optimizer, Precision, Setup
from sftloop.plan.steps import STEPS, Step

_METHODS: dict[str, Method] = {"lora+": "lora", "pissa": "lora", "plora": "lora"}
"""Methods that the ledger counts as another."""
_OPTIMIZERS: dict[str, Optimizer] = {"adamw": "adamw-fused", "adam-then-momentum": "adamw"}
_STEPS = {
    "half the micro-batch, twice the accumulation": {"micro_batch_tokens", "micro_batch_size"},
    "activation checkpointing": {"recompute"},
    "AdamW with 8-bit states": {"optimizer"},
    "Adafactor": {"optimizer"},
}
"""Step → the settings it may change: the ordinary path counts records, the shared one packed tokens."""
_RECORDS_IN_FULL, BATCH_SIZE = 8, 16
"""The trainer's defaults."""


def micro_batch_tokens(facts: Facts) -> int:
    """Return the trainer's default: suffix tokens per pass that keep this device busy."""
    if facts.hardware.device == "cuda":
        return 2048
    return 1024 if facts.hardware.precision == "bf16" else 512


def fit(facts: Facts, settings: Mapping[str, Any], kept: Collection[str] = ()) -> Fitted | None:
    """Return the plan with the steps that make it fit; None where shape or memory aren't known.

    Args:
        facts: model, tokens, machine.
        settings: keys of the training section.
        kept: keys that no step may change.

    Raises:
        UsageError: the method can't run on this device.
    """
    memory = facts.hardware.memory_bytes
    if facts.architecture is None or memory is None:
        return None
    steps = tuple(step for step in STEPS if _allowed(step, facts, kept))
    setup = setup_of(facts, settings)
    found = climb(facts.architecture, setup, memory, "proposed", steps)
    longest = facts.tokens.own_longest
    if found.setup.batch.own >= longest:
        return found
    alone = replace(setup.batch, micro_batch=1, seq_len=setup.batch.prefix_len + longest)
    return climb(facts.architecture, replace(setup, batch=alone), memory, "proposed", steps)


def fits(facts: Facts, settings: Mapping[str, Any]) -> bool:
    """Whether it fits by steps that touch nothing but time; True where that can't be known."""
    try:
        fitted = fit(facts, settings, kept=("optimizer",))
    except UsageError:
        return False
    return fitted is None or fitted.fits


def _allowed(step: Step, facts: Facts, kept: Collection[str]) -> bool:
    keys = _STEPS.get(step.name, set())
    eight_bit_elsewhere = step.name.startswith("AdamW") and facts.hardware.device != "cuda"
    return bool(keys) and keys.isdisjoint(kept) and not eight_bit_elsewhere


def setup_of(facts: Facts, settings: Mapping[str, Any]) -> Setup:
    """Return the ledger's view of a training on this machine."""
    method: str = settings["method"]
    optimizer = settings.get("optimizer") or "adamw"
    return Setup(
        method=cast(Method, _METHODS.get(method, method)),
        adapter=Adapter(
            rank=settings.get("rank") or 16,
            dropout=settings.get("dropout"),
            virtual_tokens=settings.get("virtual_tokens") or 20,
        ),
        optimizer=cast(Optimizer, _OPTIMIZERS.get(optimizer, optimizer)),
        precision=_precision(facts, method),
        batch=_batch(facts, settings),
        loss="chunked" if shares(facts, settings) else "plain",
        checkpointing=bool(settings.get("recompute")),
        engine=_engine(facts),
    )


def changed(before: Setup, after: Setup) -> dict[str, Any]:
    """Return the settings that the ladder's steps changed."""
    found: dict[str, Any] = {}
    if after.batch.own < before.batch.own and before.loss == "plain":
        found["micro_batch_size"] = after.batch.micro_batch
    elif after.batch.own < before.batch.own:
        found["micro_batch_tokens"] = after.batch.own
    if after.checkpointing != before.checkpointing:
        found["recompute"] = True
    if after.optimizer != before.optimizer:
        found["optimizer"] = after.optimizer
    return found


def _precision(facts: Facts, method: str) -> Precision:
    return "bf16-mixed" if facts.hardware.precision == "bf16" or method == "qlora" else "fp32"


def _engine(facts: Facts) -> Engine:
    return "sftloop-cpu" if facts.hardware.device == "cpu" else "sftloop"


def _batch(facts: Facts, settings: Mapping[str, Any]) -> Batch:
    """Return the fullest pass: as many mean records as the micro-batch takes, or the longest alone."""
    tokens, size = facts.tokens, int(settings.get("batch_size") or BATCH_SIZE)
    shared = shares(facts, settings)
    prefix, mean = (tokens.prefix if shared else 0), max(1, ceil(tokens.own))
    answer = max(1, ceil(tokens.answer))
    if shared:
        most = settings.get("micro_batch_tokens") or micro_batch_tokens(facts)
        micro = min(size, max(1, int(most) // mean))
        own = mean if micro * mean >= tokens.own_longest else tokens.own_longest
        micro = micro if own == mean else 1
    else:
        own = tokens.prefix + tokens.own_longest
        micro = min(size, int(settings.get("micro_batch_size") or _RECORDS_IN_FULL))
        answer *= micro  # answers end at different places: logits are there where any record has a target
    return Batch(
        micro_batch=micro,
        seq_len=prefix + own,
        prefix_len=prefix,
        accumulation=ceil(size / micro),
        answer_len=answer,
    )


def shares(facts: Facts, settings: Mapping[str, Any]) -> bool:
    """Whether training shares the prefix, so far as the facts tell."""
    wanted = settings.get("shared_prefix") is not False and not settings.get("dropout")
    return wanted and facts.shareable
