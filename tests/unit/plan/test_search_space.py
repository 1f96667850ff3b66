"""What a search may try: order, multiples of 16, the method's own options, what is fixed."""

from __future__ import annotations

import pytest

from sftloop.plan.search_space import (
    Range,
    Values,
    as_training,
    batch_sizes,
    goes_on,
    scaled_rate,
    shares,
    stage_of,
)

DEFAULT = {
    "batch_size": 16,
    "learning_rate": 1e-3,
    "epochs": 3.0,
    "rank": 16,
    "alpha": 32,
    "alpha_over_rank": 2.0,
    "warmup": 0.05,
    "weight_decay": 0.0,
    "optimizer": "adamw",
}


def names(stage: str, method: str, fixed: set[str]) -> set[str]:
    found = stage_of(stage, method, DEFAULT, 1000, frozenset(fixed))
    return set() if found is None else {parameter.name for parameter in found.parameters}


def test_batch_sizes_are_multiples_of_16_and_leave_steps_to_learn() -> None:
    assert batch_sizes(1000, 16) == (32, 64, 128)
    assert batch_sizes(1000, 12) == (16, 32, 64, 128)
    assert batch_sizes(200, 16) == (32,)
    assert batch_sizes(60, 16) == ()


def test_the_rate_follows_the_square_root_of_the_batch() -> None:
    assert scaled_rate(1e-3, 64, 16) == pytest.approx(2e-3)


def test_the_rate_is_searched_around_the_best_so_far() -> None:
    stage = stage_of("rate", "lora", {**DEFAULT, "learning_rate": 2e-3}, 1000, frozenset())
    assert stage is not None
    [span] = stage.parameters
    assert isinstance(span, Range)
    assert (span.low, span.high) == pytest.approx((2e-4, 2e-2))
    assert [one["learning_rate"] for one in stage.first] == pytest.approx([6e-3, 2e-3 / 3])


@pytest.mark.parametrize(
    ("method", "has", "lacks"),
    [
        ("lora", {"rank", "alpha_over_rank"}, {"virtual_tokens"}),
        ("ptuning", {"virtual_tokens"}, {"rank", "alpha_over_rank"}),
        ("full", {"epochs", "warmup", "weight_decay", "optimizer"}, {"rank", "virtual_tokens"}),
    ],
)
def test_the_rest_holds_the_methods_own_options(method: str, has: set[str], lacks: set[str]) -> None:
    found = names("rest", method, set())
    assert has <= found
    assert not lacks & found


def test_what_is_fixed_is_not_searched() -> None:
    assert names("batch", "lora", {"batch_size"}) == set()
    assert names("rate", "lora", {"learning_rate"}) == set()
    assert names("rest", "lora", {"rank", "alpha"}) == {"epochs", "warmup", "weight_decay", "optimizer"}


def test_the_default_is_among_the_values() -> None:
    stage = stage_of("rest", "lora", {**DEFAULT, "rank": 12, "optimizer": "adafactor"}, 1000, frozenset())
    assert stage is not None
    values = {one.name: one.values for one in stage.parameters if isinstance(one, Values)}
    assert values["rank"] == (8, 12, 16, 32, 64)
    assert "adafactor" in values["optimizer"]


def test_alpha_follows_the_rank_and_another_optimizer_drops_the_switch() -> None:
    tried = {"rank": 8, "alpha_over_rank": 4.0, "optimizer": "adamw"}
    assert as_training(tried, DEFAULT) == {"rank": 8, "alpha": 32.0, "optimizer": "adamw", "switch_at": None}
    assert as_training({"alpha_over_rank": 1.0}, DEFAULT) == {"alpha": 16.0}


def test_shares_too_small_to_tell_are_left_out() -> None:
    assert shares(1000) == pytest.approx((1 / 9, 1 / 3, 1))
    assert shares(100) == pytest.approx((1 / 3, 1))
    assert shares(40) == (1.0,)


def test_the_best_third_goes_on_and_a_tie_does_too() -> None:
    others = [0.5, 0.6, 0.7, 0.8, 0.9]
    assert goes_on(0.9, others)
    assert goes_on(0.85, others)
    assert not goes_on(0.75, others)
    assert goes_on(0.4, [])
