"""Risk over coverage, calibration and thresholds: hand-worked numbers, slow references, properties."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftloop.diagnose.calibration import calibration, ece_statistic
from sftloop.diagnose.risk_coverage import area_statistic, best_area, risk_coverage
from sftloop.diagnose.threshold import (
    at_threshold,
    choose_threshold,
    fewest_records,
    threshold_in_words,
    threshold_report,
)
from sftloop.evaluate.proportions import wilson_interval

ROWS = st.lists(st.tuples(st.sampled_from([0.2, 0.4, 0.6, 0.8, 1.0]), st.booleans()), min_size=1, max_size=6)


def area(confidence: list[float], correct: list[bool], weights: list[float] | None = None) -> float:
    statistic = area_statistic(np.array(confidence), np.array(correct))
    given_ = np.ones((1, len(confidence))) if weights is None else np.array([weights])
    return float(statistic(given_)[0])


def test_area_by_hand() -> None:
    """Sure to unsure: right, wrong, right, wrong. Risks 0, 1/2, 1/3, 1/2; their mean is 1/3."""
    found = risk_coverage(np.array([0.6, 0.9, 0.8, 0.7]), np.array([False, True, False, True]))
    assert found["aurc"]["value"] == pytest.approx(1 / 3)
    assert found["random"] == 0.5
    assert found["best"] == pytest.approx((0 + 0 + 1 / 3 + 2 / 4) / 4)
    assert [(point["coverage"], point["risk"]) for point in found["curve"]] == [
        (0.25, 0), (0.5, 0.5), (0.75, pytest.approx(1 / 3)), (1.0, 0.5),
    ]  # fmt: skip
    assert found["curve"][1]["confidence"] == 0.8


@given(ROWS)
def test_ties_are_the_mean_over_all_their_orders(rows: list[tuple[float, bool]]) -> None:
    """Against a slow reference: every order of the records that keeps confidence falling."""
    areas = []
    for order in permutations(range(len(rows))):
        sure = [rows[i][0] for i in order]
        if sure == sorted(sure, reverse=True):
            wrong = np.cumsum([not rows[i][1] for i in order])
            areas.append(float(np.mean(wrong / np.arange(1, len(rows) + 1))))
    assert area(*map(list, zip(*rows, strict=True))) == pytest.approx(np.mean(areas))


@given(ROWS, st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_a_weight_is_that_many_copies(rows: list[tuple[float, bool]], weights: list[int]) -> None:
    copies = [row for row, weight in zip(rows, weights, strict=False) for _ in range(weight)]
    if copies:
        weighted = area(*map(list, zip(*rows, strict=True)), weights[: len(rows)])
        assert weighted == pytest.approx(area(*map(list, zip(*copies, strict=True))))


@given(ROWS)
def test_no_order_beats_the_best_and_one_confidence_is_chance(rows: list[tuple[float, bool]]) -> None:
    confidence, correct = map(list, zip(*rows, strict=True))
    assert area(confidence, correct) >= best_area(len(rows), correct.count(False)) - 1e-12
    assert area([0.5] * len(rows), correct) == pytest.approx(correct.count(False) / len(rows))


def test_calibration_by_hand() -> None:
    """Bins: 0.9 and 0.94 (1 of 2 right), 0.6 (right). ECE = (|1 - 1.84| + |1 - 0.6|) / 3."""
    table = np.array([[0.9, 0.1], [0.06, 0.94], [0.6, 0.4]])
    found = calibration(table, np.array([0, 0, 0]))
    assert found["ece"]["value"] == pytest.approx((0.84 + 0.4) / 3)
    assert found["brier"]["value"] == pytest.approx((2 * 0.01 + 2 * 0.94**2 + 2 * 0.16) / 3)
    assert found["confidence"]["value"] == pytest.approx((0.9 + 0.94 + 0.6) / 3)
    assert [(each["from"], each["accuracy"]["value"], each["accuracy"]["n"]) for each in found["bins"]] == [
        (0.6, 1, 1), (0.9, 0.5, 2),
    ]  # fmt: skip


def test_a_probability_that_means_what_it_says_has_no_error() -> None:
    confidence = np.array([0.75] * 4 + [1.0] * 3)
    correct = np.array([True, True, True, False] + [True] * 3)
    assert ece_statistic(confidence, correct)(np.ones((1, 7)))[0] == pytest.approx(0)


def test_the_threshold_keeps_most_claims_that_hold() -> None:
    """Sorted: 40 right at 0.9, then one wrong at 0.8, ten right at 0.7, ten wrong at 0.6."""
    scores = np.array([0.9] * 40 + [0.8] + [0.7] * 10 + [0.6] * 10)
    is_label = np.array([True] * 40 + [False] + [True] * 10 + [False] * 10)
    assert wilson_interval(50, 51).low > 0.89 > wilson_interval(50, 61).low
    assert choose_threshold(scores, is_label, metric="precision", at_least=0.89) == 0.7
    assert wilson_interval(40, 40).low > 0.91 > wilson_interval(50, 51).low
    assert choose_threshold(scores, is_label, metric="precision", at_least=0.91) == 0.9
    assert choose_threshold(scores, is_label, metric="precision", at_least=0.95) is None
    assert choose_threshold(scores, is_label, metric="precision", at_least=0.95, bound=False) == 0.7
    assert choose_threshold(scores, is_label, metric="recall", at_least=0.6) == 0.9
    assert choose_threshold(scores, is_label, metric="recall", at_least=0.9) == 0.7


def test_figures_at_a_threshold() -> None:
    found = at_threshold(np.array([0.9, 0.5, 0.4]), np.array([True, False, True]), 0.5)
    assert {name: one.value for name, one in found.items()} == {
        "precision": 0.5, "recall": 0.5, "claimed": pytest.approx(2 / 3),
    }  # fmt: skip


def test_a_threshold_is_reported_on_other_records() -> None:
    """All fifty claims hold on validation, half of them on the others: the target is missed there."""
    chosen_on = (np.full(50, 0.9), np.ones(50, dtype=bool), None)
    reported_on = (np.array([0.9, 0.9, 0.1]), np.array([True, False, True]), None)
    found = threshold_report(chosen_on, reported_on, metric="precision", at_least=0.9, bound=True)
    assert found is not None
    assert found["validation"]["precision"]["value"] == 1
    assert found["test"]["precision"]["value"] == 0.5
    assert not found["met"] and not found["sure"]


@pytest.mark.parametrize(("at_least", "needed"), [(0.9, 35), (0.8, 16), (0.5, 4), (1.0, None)])
def test_records_needed_when_all_are_right(at_least: float, needed: int | None) -> None:
    """Wilson's lower limit of k of k is k / (k + 1.96²)."""
    assert fewest_records(at_least) == needed
    if needed:
        assert wilson_interval(needed, needed).low >= at_least > wilson_interval(needed - 1, needed - 1).low


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.500"),
        (0.72399, "0.723"),
        (0.9987, "0.9987"),
        (0.99987, "0.99987"),
        (0.0002, "0.00020"),
        (1.0, "1.000"),
    ],
)
def test_a_threshold_is_written_so_that_it_keeps_what_it_was_chosen_for(value: float, text: str) -> None:
    assert threshold_in_words(value) == text
    assert float(text) <= value
