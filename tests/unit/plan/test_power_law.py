"""Curves over the size of the data: known laws are found again, and the intervals cover what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftloop.plan.power_law import fit_power_law, predicted, seed_noise

SIZES = [125, 250, 500, 1000]
AHEAD = [1000, 2000, 10_000]
LAWS = [(0.1, 0.1, 0.5), (0.05, 0.05, 1.0), (0.1, 0.2, 0.3), (0.0, 0.3, 0.5), (0.2, 0.0, 0.5)]


def true_losses(law: tuple[float, float, float], sizes: list[int]) -> np.ndarray:
    limit, gap, exponent = law
    return limit + gap * (np.array(sizes) / SIZES[-1]) ** -exponent


def test_a_law_without_noise_is_found_again() -> None:
    law = fit_power_law(SIZES, list(true_losses((0.1, 0.1, 0.5), SIZES)), [1e-4] * 4)
    assert law.limit == pytest.approx(0.1, abs=0.01)
    assert law.gap == pytest.approx(0.1, abs=0.01)
    assert law.exponent == pytest.approx(0.5, rel=0.08)
    assert law.at(4000) == pytest.approx(0.15, abs=0.003)


def test_by_hand_a_loss_that_halves_with_four_times_the_data() -> None:
    law = fit_power_law([100, 400, 1600], [0.4, 0.2, 0.1], [1e-4] * 3)
    assert law.at(6400) == pytest.approx(0.05, abs=0.005)


def test_more_data_that_harms_is_a_flat_line() -> None:
    law = fit_power_law(SIZES, [0.1, 0.11, 0.12, 0.13], [0.01] * 4)
    assert law.gap == 0
    assert law.at(10_000) == pytest.approx(0.115)


@given(
    st.tuples(st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0.1, 1.5)),
    st.lists(st.floats(-0.05, 0.05), min_size=4, max_size=4),
)
def test_more_data_never_makes_it_worse_and_no_loss_is_negative(
    law: tuple[float, float, float], noise: list[float]
) -> None:
    losses = np.maximum(true_losses(law, SIZES) + noise, 0)
    found = fit_power_law(SIZES, list(losses), [0.02] * 4)
    along = [found.at(n) for n in (125, 1000, 2000, 10_000, 1e9)]
    assert along == sorted(along, reverse=True)
    assert min(along) >= 0


@pytest.mark.parametrize("law", LAWS)
def test_intervals_cover_what_lies_ahead(law: tuple[float, float, float]) -> None:
    """Nominal 95 %; 3 seeds with noise of 0.02 each, 300 trainings of the whole curve."""
    rng = np.random.default_rng(7)
    truth, held = true_losses(law, AHEAD), np.zeros(3)
    for number in range(300):
        values = true_losses(law, SIZES)[:, None] + 0.02 * rng.standard_normal((4, 3))
        draws = values.mean(axis=1) + seed_noise(values.tolist(), 200, number)
        ahead = predicted(SIZES, np.maximum(draws, 0), list(draws.std(axis=0)), AHEAD, number)
        low, high = np.quantile(ahead, (0.025, 0.975), axis=0)
        held += (low <= truth) & (truth <= high)
    assert (held / 300 >= 0.88).all(), held / 300


def test_the_further_ahead_the_wider() -> None:
    values = true_losses((0.1, 0.1, 0.5), SIZES)[:, None] + [[-0.02, 0.0, 0.02]]
    draws = values.mean(axis=1) + seed_noise(values.tolist(), 2000, 0)
    ahead = predicted(SIZES, draws, list(draws.std(axis=0)), AHEAD, 0)
    low, high = np.quantile(ahead, (0.025, 0.975), axis=0)
    assert list(high - low) == sorted(high - low)


def test_seed_noise_has_the_pooled_standard_error() -> None:
    """Seeds 0, 2 and 4, 6: variance 2 each, so the standard error is 1, times Student's with 2 degrees."""
    draws = seed_noise([[0.0, 2.0], [4.0, 6.0]], 40_000, 0)
    assert np.median(np.abs(draws)) == pytest.approx(0.8165, abs=0.02)
    assert (seed_noise([[0.3], [0.4]], 5, 0) == 0).all()
