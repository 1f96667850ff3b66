"""The rules of a proposal: thresholds, what follows from what, what the user gives, and a reason for each."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.plan.proposal_cases import CPU, GPU, TOKENS, facts, proposed, shape, value

from sftloop.core.errors import UsageError
from sftloop.plan.base_model import Candidate, choose_base
from sftloop.plan.facts import Hardware
from sftloop.scenario import choose_training

BIG = replace(GPU, memory_bytes=2_000 * 10**9)


@pytest.mark.parametrize(
    ("total", "method"),
    [
        (40, "lora"),
        (999, "lora"),
        (1_000, "ptuning"),
        (4_999, "ptuning"),
        (5_000, "lora"),
        (60_000, "lora"),
        (1_000_000, "full"),
    ],
)
def test_the_method_follows_the_number_of_records(total: int, method: str) -> None:
    found = proposed(facts(total, hardware=BIG))
    assert value(found, "method") == method
    assert next(c for c in found.choices if c.name == "method").row == "H8"


def test_a_small_model_trains_all_weights_and_says_what_the_records_alone_would_suggest() -> None:
    found = next(c for c in proposed(facts(3_000, "smollm2-135m", CPU)).choices if c.name == "method")
    assert found.value == "full"
    assert "P-tuning" in found.because and "P-tuning" in found.because_zh


def test_a_small_model_whose_weights_do_not_fit_gets_lora() -> None:
    little = replace(CPU, memory_bytes=4 * 10**9)
    assert value(proposed(facts(3_000, "qwen2.5-0.5b", little)), "method") == "lora"


def test_what_does_not_fit_steps_down() -> None:
    assert value(proposed(facts(2_000_000)), "method") == "lora", "all weights of 7B take more than 80 GB"
    small = replace(GPU, memory_bytes=16 * 10**9)
    found = proposed(facts(500, hardware=small))
    assert value(found, "method") == "qlora"
    assert found.fitted is not None and found.fitted.fits


@given(total=st.integers(1, 3_000_000), prefix=st.integers(1, 4_000), own=st.integers(2, 400))
@settings(max_examples=60, deadline=None)
def test_every_size_of_data_gets_a_plan_that_the_trainer_takes(total: int, prefix: int, own: int) -> None:
    tokens = replace(TOKENS, prefix=prefix, prefix_mean=prefix, own=own, own_longest=2 * own)
    found = proposed(facts(total, None, tokens=tokens))
    size, epochs = value(found, "batch_size"), value(found, "epochs")
    assert size % 16 == 0 if total >= 32 else 1 <= size <= max(1, total // 4)
    assert size <= max(16, total // 30)
    assert 1 <= epochs <= 20
    training = choose_training(None, found.training)
    assert {k: v for k, v in training.model_dump().items() if k in found.training} == found.training
    for choice in found.choices:
        assert choice.because.endswith(".") and choice.because_zh.endswith("。") and choice.row
        assert choice.because.count(". ") == 0, "one sentence"


def test_a_long_prefix_and_many_records_ask_for_larger_batches() -> None:
    assert value(proposed(facts(2_000)), "batch_size") == 16
    assert value(proposed(facts(20_000)), "batch_size") == 32, "an epoch of at most 1,000 updates"
    assert value(proposed(facts(10**6)), "batch_size") == 128
    long = replace(TOKENS, prefix=2_000, prefix_mean=2_000)
    assert value(proposed(facts(3_000, tokens=long)), "batch_size") == 64, "2,000 / 40 = 50, rounded up"
    assert value(proposed(facts(1_000, tokens=long)), "batch_size") == 32, "at least 30 updates an epoch"


def test_the_rate_follows_method_size_and_batch() -> None:
    assert value(proposed(facts(500)), "learning_rate") == 2e-4
    assert value(proposed(facts(500, "smollm2-135m", CPU)), "learning_rate") == 5e-5
    assert value(proposed(facts(500), {"batch_size": 64}), "learning_rate") == 4e-4, "√(64 / 16) = 2"
    assert value(proposed(facts(20)), "batch_size") == 5
    assert value(proposed(facts(20)), "learning_rate") == 1.1e-4, "2e-4 · √(5 / 16)"


def test_few_records_are_seen_more_often() -> None:
    for total, epochs in ((20, 10), (100, 10), (462, 4), (999, 3), (50_000, 3), (200_000, 2), (10**6, 1)):
        found = proposed(facts(total, "smollm2-135m", BIG))
        assert value(found, "epochs") == epochs, total
        updates = ceil(total / value(found, "batch_size")) * epochs
        assert updates >= 100 or epochs == 10
    assert value(proposed(facts(2_000)), "epochs") == 4, "virtual tokens: 400 updates, 125 an epoch"


def test_early_stopping_waits_longer_on_a_rough_score() -> None:
    assert value(proposed(facts(500)), "patience") == 2
    assert value(proposed(facts(500, validation=40)), "patience") == 3
    short = proposed(facts(500), {"epochs": 1})
    assert value(short, "patience") is None
    assert "patience" not in short.training


def test_what_the_user_gives_stays_and_the_rest_follows() -> None:
    found = proposed(facts(500), {"method": "full", "epochs": "2", "weight_decay": 0.1, "seed": 3})
    by_name = {choice.name: choice for choice in found.choices}
    assert found.training["method"] == "full" and "rank" not in found.training
    assert found.training["learning_rate"] == 1e-5, "that of the given method"
    assert found.training["epochs"] == 2.0 and found.training["weight_decay"] == 0.1
    assert by_name["epochs"].because == "You chose it." and by_name["epochs"].row == "J3"
    assert found.training["seed"] == 3


def test_an_option_chooses_its_method() -> None:
    small = facts(3_000, "smollm2-135m", CPU)
    assert value(proposed(small, {"rank": 4}), "method") == "lora"
    assert value(proposed(small, {"rank": 4}), "alpha") == 8
    assert value(proposed(small, {"virtual_tokens": 5}), "method") == "ptuning"
    assert value(proposed(small, {"rank": 4, "ratio": 8}), "method") == "lora+"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"learning_rat": 1e-3}, "Did you mean 'learning_rate'?"),
        ({"method": "lorra"}, "Did you mean 'lora'?"),
        ({"method": "full", "rank": 4}, "'rank' belongs to"),
        ({"rank": 4, "virtual_tokens": 3}, "belongs to"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_settings_that_cannot_be_are_refused(asked: dict, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        proposed(facts(500), asked)
    assert told in str(caught.value)


def test_written_answers_in_plenty_get_a_higher_rank() -> None:
    assert value(proposed(facts(6_000)), "rank") == 16
    assert value(proposed(facts(6_000, kinds={"t": "extract"})), "rank") == 32
    assert value(proposed(facts(600, kinds={"t": "extract"})), "rank") == 16


def test_lora_against_full_is_said_to_be_open() -> None:
    texts = [note.text for note in proposed(facts(500)).notes]
    assert any("at odds" in text and "learning-curve" in text for text in texts)
    rival = [note.text for note in proposed(facts(2_000)).notes]
    assert any("P-tuning's rival" in text and "learning-curve" in text for text in rival)


def test_a_measured_winner_goes_before_the_rules() -> None:
    found = proposed(facts(3_000, "smollm2-135m", CPU, measured="lora"))
    choice = next(c for c in found.choices if c.name == "method")
    assert choice.value == "lora" and "learning curve" in choice.because
    assert not any("at odds" in note.text for note in found.notes)
    assert value(proposed(facts(500, measured="full")), "method") == "lora", "all weights of 7B don't fit"


CANDIDATES = [Candidate(name, shape(name)) for name in ("qwen2.5-0.5b", "qwen2.5-7b", "qwen2.5-14b")]


def test_a_larger_base_that_fits_is_named_and_not_taken() -> None:
    found = proposed(facts(500, "qwen2.5-0.5b"), candidates=CANDIDATES)
    base = found.choices[0]
    assert (base.name, base.value, base.row) == ("base_model", "a-model", "D1")
    assert "--model qwen2.5-14b" in base.because and "--model qwen2.5-14b" in base.because_zh
    assert "base_model" not in found.training


def test_a_base_that_does_not_fit_names_the_largest_that_does() -> None:
    little = replace(GPU, memory_bytes=8 * 10**9)
    base = proposed(facts(500, "qwen2.5-14b", little), candidates=CANDIDATES).choices[0]
    assert "does not fit" in base.because and "qwen2.5-0.5b" not in base.because
    assert "--model qwen2.5-7b" in base.because
    assert "(--model" not in proposed(facts(500, "qwen2.5-14b", little)).choices[0].because


def test_on_a_cpu_no_larger_base_is_proposed() -> None:
    choice = choose_base("m", facts(500, "smollm2-135m", CPU), CANDIDATES, lambda shape: True)
    assert "time sets the limit" in choice.because


def test_an_unknown_shape_or_memory_still_gets_a_plan() -> None:
    unknown = Hardware(device="mps", name="m", memory_bytes=None, cores=8)
    for given_facts in (facts(500, None), facts(500, hardware=unknown)):
        found = proposed(given_facts)
        assert found.fitted is None and value(found, "method") == "lora"
    four_bits = proposed(facts(500, "smollm2-135m", CPU), {"method": "qlora"})
    assert four_bits.fitted is None
    assert any("can't count" in note.text for note in four_bits.notes)
