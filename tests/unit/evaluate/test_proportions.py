"""Intervals and tests of shares against published and hand-worked numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2

from sftloop.evaluate.proportions import (
    mcnemar_exact,
    paired_difference,
    proportion_interval,
    wilson_bounds,
    wilson_interval,
)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        # Newcombe 1998, "Two-sided confidence intervals for the single proportion", Stat Med 17, table I
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_equals_newcombes_table(hits, n, low, high):
    found = wilson_interval(hits, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert found.value == hits / n


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy_and_holds_the_share(counts):
    hits, n = counts
    found = wilson_interval(hits, n)
    reference = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert found.low == pytest.approx(reference.low, abs=1e-9)
    assert found.high == pytest.approx(reference.high, abs=1e-9)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_wilson_of_nothing_is_everything():
    found = wilson_interval(0, 0)
    assert (math.isnan(found.value), found.low, found.high) == (True, 0.0, 1.0)
    assert found.to_json()["value"] is None


def test_wilson_is_elementwise():
    low, high = wilson_bounds([1, 5, 0], [10, 10, 0])
    assert low[1] == wilson_interval(5, 10).low
    assert (low[2], high[2]) == (0.0, 1.0)


def test_more_hits_than_items_are_refused():
    with pytest.raises(ValueError, match=r"between 0 and n = 3, got 4"):
        wilson_interval(4, 3)


# Fagerland, Lydersen and Laake's two examples: airway hyper-responsiveness (Bentur 2009: 1, 1, 7, 12) and
# complete response (Cavo 2012: 59, 6, 16, 80); values as their R package contingencytables prints them.
@pytest.mark.parametrize(
    ("first", "second", "n", "p", "p_exact", "low", "high"),
    [
        (1, 7, 21, 0.0390625, 0.0703125, -0.517, -0.026),
        (6, 16, 161, 0.034690, 0.052479, -0.1240, -0.0054),
    ],
)
def test_mcnemar_and_tango_equal_fagerlands_examples(first, second, n, p, p_exact, low, high):
    test, difference = mcnemar_exact(first, second), paired_difference(first, second, n)
    assert test.p == pytest.approx(p, abs=1e-6)
    assert test.p_exact == pytest.approx(p_exact, abs=1e-6)
    tolerance = 5e-4 if n == 21 else 5e-5
    assert difference.low == pytest.approx(low, abs=tolerance)
    assert difference.high == pytest.approx(high, abs=tolerance)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_equals_the_binomial_test_and_is_symmetric(first, second):
    test = mcnemar_exact(first, second)
    total = first + second
    expected = binomtest(first, total).pvalue if total else 1.0
    assert test.p_exact == pytest.approx(expected)
    assert test == mcnemar_exact(second, first)
    assert 0 <= test.p <= test.p_exact or first == second


@given(
    st.integers(1, 200).flatmap(
        lambda n: st.integers(0, n).flatmap(lambda k: st.tuples(st.integers(0, k), st.just(k), st.just(n)))
    )
)
def test_tango_limits_are_score_test_inversions(counts):
    first, discordant, n = counts
    second = discordant - first
    found = paired_difference(first, second, n)
    mirrored = paired_difference(second, first, n)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert (mirrored.low, mirrored.high) == (pytest.approx(-found.high), pytest.approx(-found.low))
    # at difference 0 Tango's test is McNemar's chi-square: the interval excludes 0 exactly when it rejects
    if discordant:
        statistic = (first - second) ** 2 / discordant
        rejects = statistic > chi2.ppf(0.95, 1)
        assert (found.low > 0 or found.high < 0) == rejects


def test_all_pairs_won_still_leaves_doubt():
    found = paired_difference(5, 0, 5)
    assert found.value == found.high == 1.0
    assert 0 < found.low < 0.6


def test_independent_clusters_change_nothing_and_identical_copies_count_once():
    hits = np.array([True] * 30 + [False] * 10)
    alone = proportion_interval(hits, np.arange(40))
    reference = wilson_interval(30, 40)
    assert (alone.low, alone.high) == pytest.approx((reference.low, reference.high))
    copies, owners = np.repeat(hits, 5), np.repeat(np.arange(40), 5)
    clustered, naive = proportion_interval(copies, owners), proportion_interval(copies)
    assert clustered.value == naive.value
    assert naive.high - naive.low < 0.5 * (clustered.high - clustered.low)
    # 200 copies of 40 outcomes are worth about 40 outcomes
    assert clustered.high - clustered.low == pytest.approx(alone.high - alone.low, rel=0.1)


def test_unanimous_clusters_count_as_one_item_each():
    found = proportion_interval(np.ones(50, dtype=bool), np.repeat(np.arange(5), 10))
    assert found.low == pytest.approx(wilson_interval(5, 5).low)
