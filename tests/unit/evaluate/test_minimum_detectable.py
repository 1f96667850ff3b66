"""What a comparison could have seen: hand-worked numbers, and whether the promised power is reached."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sftloop.evaluate.minimum_detectable import detectable_share, pairs_needed, reach
from sftloop.evaluate.proportions import mcnemar_exact


def test_connors_formula_by_hand() -> None:
    """One side alone is right on 15 %, the other on 5 %: (1.960 √0.2 + 0.842 √(0.2 − 0.01))² / 0.01."""
    assert pairs_needed(0.1, 0.2) == pytest.approx(154.7, abs=0.2)
    assert pairs_needed(0.1, 0.2, alpha=0.01) > pairs_needed(0.1, 0.2, alpha=0.05)


def test_detectable_difference_is_the_inverse() -> None:
    found = detectable_share(154, 0.2)
    assert found == pytest.approx(0.1002, abs=0.0005)
    assert detectable_share(1000, 0.2) < detectable_share(200, 0.2)


def test_sides_that_never_disagree_still_have_a_smallest_difference() -> None:
    """With no disagreement at all, a difference d needs a share d of pairs to disagree."""
    found = detectable_share(100, 0.0)
    assert found is not None
    assert pairs_needed(found, found) == pytest.approx(100, abs=0.1)
    assert detectable_share(3, 0.0) is None


@pytest.mark.parametrize(("first", "second", "n"), [(0.15, 0.05, 155), (0.3, 0.15, 155), (0.06, 0.01, 218)])
def test_the_power_is_reached(first: float, second: float, n: int) -> None:
    """Simulated: pairs drawn with that difference are told apart about 8 times in 10."""
    needed = math.ceil(pairs_needed(first - second, first + second))
    assert needed == pytest.approx(n, abs=3)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(needed, [first, second, 1 - first - second], size=1500)
    found = np.mean([mcnemar_exact(int(wins), int(losses)).p < 0.05 for wins, losses, _ in draws])
    assert 0.76 <= found <= 0.86


def test_a_mcnemar_comparison() -> None:
    found = reach({"n": 100, "difference": 0.03, "wins": 8, "losses": 5})
    assert found.detectable == pytest.approx(detectable_share(100, 0.13))
    assert found.needed == math.ceil(pairs_needed(0.03, 0.13))
    assert reach({"n": 100, "difference": 0.0, "wins": 5, "losses": 5}).needed is None


def test_any_other_metric_goes_by_its_interval() -> None:
    """Limits ± 0.0588 mean a standard error of 0.03; (1.960 + 0.842) · 0.03 = 0.0841."""
    compared = {"n": 200, "difference": 0.03, "low": 0.03 - 0.0588, "high": 0.03 + 0.0588}
    found = reach(compared)
    assert found.detectable == pytest.approx(0.0841, abs=0.0001)
    assert found.needed == pytest.approx(200 * (0.0841 / 0.03) ** 2, abs=3)
    assert reach(compared | {"difference": -0.03}).needed == found.needed


@pytest.mark.parametrize(
    "compared",
    [
        {"n": 0, "difference": None, "low": None, "high": None},
        {"n": 1, "difference": 1.0, "low": None, "high": None},
        {"n": 9, "difference": 0.0, "low": 0.0, "high": 0.0},
    ],
)
def test_nothing_to_tell(compared: dict) -> None:
    assert reach(compared) == (None, None)
