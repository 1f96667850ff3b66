"""From settings to the ledger and back: which pass is the fullest, and which settings the ladder may change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.plan.proposal_cases import CPU, GPU, TOKENS, facts, proposed, shape

from sftloop.plan import simulate
from sftloop.plan.fit import _STEPS, fit, setup_of
from sftloop.plan.steps import STEPS

LORA = {"method": "lora", "batch_size": 16, "rank": 16}


def test_every_step_it_takes_is_one_of_the_ladder() -> None:
    assert set(_STEPS) <= {step.name for step in STEPS}


def test_the_fullest_pass() -> None:
    batch = setup_of(facts(500), {**LORA, "micro_batch_tokens": 200}).batch
    assert (batch.micro_batch, batch.own, batch.prefix_len, batch.accumulation) == (5, 200, 200, 4)
    alone = setup_of(facts(500), {**LORA, "micro_batch_tokens": 80}).batch
    assert (alone.micro_batch, alone.own) == (1, 90), "the longest record is a pass of its own"
    in_full = setup_of(facts(500), {**LORA, "shared_prefix": False}).batch
    assert (in_full.micro_batch, in_full.seq_len, in_full.prefix_len) == (8, 290, 0)
    assert setup_of(facts(500), {**LORA, "dropout": 0.1}).batch.prefix_len == 0


def test_a_proposal_says_the_memory_that_the_ledger_says() -> None:
    given = facts(500, "smollm2-135m", CPU)
    found = proposed(given)
    assert found.fitted is not None and not found.fitted.rungs
    ledger = simulate(shape("smollm2-135m"), setup_of(given, found.training))
    assert found.fitted.ledger.peak_allocated == ledger.peak_allocated


def test_steps_of_the_ladder_become_settings() -> None:
    tight = replace(GPU, memory_bytes=18_300_000_000)
    found = proposed(facts(500, hardware=tight))
    assert found.fitted is not None and found.fitted.fits
    assert found.training["method"] == "lora"
    assert found.training.get("recompute") or found.training["micro_batch_tokens"] < 2048
    assert any(choice.row == "I2" and "fit" in choice.because for choice in found.choices)
    again = fit(facts(500, hardware=tight), found.training)
    assert again is not None and again.fits and not again.rungs, "the settings alone fit"


def test_what_the_user_gave_is_not_changed_to_fit() -> None:
    tight = replace(GPU, memory_bytes=40 * 10**9)
    asked = {"method": "full", "optimizer": "momentum", "micro_batch_tokens": 2048}
    found = proposed(facts(500, hardware=tight), asked)
    assert found.training["optimizer"] == "momentum" and found.training["micro_batch_tokens"] == 2048
    assert found.fitted is not None and not found.fitted.fits
    assert any("does not fit" in note.text.lower() for note in found.notes)


def test_one_very_long_record_decides() -> None:
    tokens = replace(TOKENS, own_longest=12_000)
    plain, long = (fit(facts(500, tokens=t), {**LORA, "micro_batch_tokens": 2048}) for t in (TOKENS, tokens))
    assert plain is not None and long is not None
    assert long.setup.batch.own == 12_000 and long.setup.batch.micro_batch == 1
    assert [rung.step for rung in long.rungs] == ["activation checkpointing"] and not plain.rungs


def test_what_the_scenario_leaves_in_place_counts() -> None:
    given = facts(500, "smollm2-135m", CPU)
    shared, in_full = proposed(given), proposed(given, own={"shared_prefix": False})
    assert shared.fitted is not None and in_full.fitted is not None
    assert in_full.fitted.setup.batch.prefix_len == 0
    assert in_full.fitted.ledger.peak_allocated != pytest.approx(shared.fitted.ledger.peak_allocated)


@pytest.mark.parametrize(
    "asked", [{"dropout": 0.05}, {"shared_prefix": False}], ids=["dropout", "not shared"]
)
def test_what_is_written_for_the_ordinary_path_fits_there(asked: dict[str, Any]) -> None:
    """It counts records and reads no `micro_batch_tokens`."""
    tokens = replace(TOKENS, prefix=300, own=600, own_longest=900, answer=400)
    given = facts(500, hardware=replace(GPU, memory_bytes=40 * 10**9), tokens=tokens)
    found = proposed(given, {"method": "lora", **asked})
    assert found.fitted is not None and found.fitted.fits
    assert found.training["micro_batch_size"] < 8 and "micro_batch_tokens" not in found.training
    again = fit(given, found.training)
    assert again is not None and again.fits and not again.rungs, "the settings alone fit"
    kept = proposed(given, {"method": "lora", "micro_batch_size": 8, **asked})
    assert kept.training["micro_batch_size"] == 8


def test_a_model_that_shares_no_prefix_is_counted_so() -> None:
    given = replace(facts(500), shareable=False)
    assert setup_of(given, LORA).batch.prefix_len == 0
    assert setup_of(given, LORA).loss == "plain"
