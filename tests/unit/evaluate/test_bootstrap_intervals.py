"""Bootstrap intervals against theory, scipy, and the cases that mislead."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.sparse import csr_matrix

from sftloop.evaluate.bootstrap import bootstrap_estimates, bootstrap_interval
from sftloop.evaluate.paired_bootstrap import paired_bootstrap
from sftloop.evaluate.proportions import wilson_interval
from sftloop.evaluate.resample import additive, draw_weights


def mean_of(values):
    sums = np.column_stack([values, np.ones(len(values))])
    return additive(sums, lambda totals: totals[:, 0] / totals[:, 1])


def test_interval_of_a_mean_equals_students():
    values = np.random.default_rng(0).normal(3, 2, size=15)
    found = bootstrap_interval(mean_of(values), 15, method="percentile", resamples=20_000)
    # sqrt(n/(n-1)) t widens the bootstrap's sqrt((n-1)/n) s: the result is Student's interval
    low, high = stats.t.interval(0.95, 14, loc=values.mean(), scale=stats.sem(values))
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == (pytest.approx(low, abs=0.1), pytest.approx(high, abs=0.1))


def test_bca_equals_scipys_on_a_skewed_sample():
    values = np.random.default_rng(1).exponential(size=150)
    found = bootstrap_interval(mean_of(values), 150, method="bca", resamples=20_000)
    reference = stats.bootstrap(
        (values,), np.mean, method="BCa", n_resamples=20_000, rng=np.random.default_rng(2)
    ).confidence_interval
    assert (found.low, found.high) == (
        pytest.approx(reference.low, abs=0.02),
        pytest.approx(reference.high, abs=0.02),
    )


def test_sparse_and_dense_sums_agree():
    values = np.random.default_rng(3).integers(0, 2, size=(40, 3)).astype(float)

    def metric(totals):
        return totals[:, 0] / (1 + totals[:, 1] + totals[:, 2])

    dense, sparse = additive(values, metric), additive(csr_matrix(values), metric)
    weights = next(draw_weights(40, resamples=7))
    assert np.allclose(dense(weights), sparse(weights))


@given(st.integers(1, 60), st.integers(0, 3))
def test_every_draw_takes_n_units(n, seed):
    weights = np.concatenate(list(draw_weights(n, seed=seed, resamples=5)))
    assert weights.shape == (5, n)
    assert (weights.sum(axis=1) == n).all()


@given(st.lists(st.integers(0, 6), min_size=2, max_size=40))
def test_clusters_are_drawn_whole(groups):
    codes = np.unique(groups, return_inverse=True)[1]
    weights = np.concatenate(list(draw_weights(len(codes), clusters=codes, resamples=4)))
    for code in set(codes):
        of_group = weights[:, codes == code]
        assert (of_group == of_group[:, :1]).all()
    first_of_group = np.unique(codes, return_index=True)[1]
    assert (weights[:, first_of_group].sum(axis=1) == len(first_of_group)).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.booleans(), min_size=2, max_size=60), st.sampled_from(["bca", "percentile"]))
def test_limits_of_a_share_hold_the_value_and_are_never_certain(outcomes, method):
    hits = np.array(outcomes, dtype=float)
    found = bootstrap_interval(mean_of(hits), len(hits), share=True, method=method, resamples=200)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high > found.low


def test_a_perfect_share_gets_wilsons_limit():
    found = bootstrap_interval(mean_of(np.ones(20)), 20, share=True)
    assert (found.low, found.high) == (pytest.approx(wilson_interval(20, 20).low), 1.0)
    codes = np.repeat(np.arange(4), 5)
    assert bootstrap_interval(mean_of(np.ones(20)), 20, clusters=codes, share=True).low == pytest.approx(
        wilson_interval(4, 4).low
    )


def test_one_unit_says_nothing_of_its_spread():
    alone = bootstrap_interval(mean_of(np.array([2.0])), 1)
    assert math.isnan(alone.low) and math.isnan(alone.high)
    share = bootstrap_estimates(mean_of(np.ones(6)), 6, clusters=np.zeros(6, dtype=np.int64), share=True)
    assert (share.low[0], share.high[0]) == (0.0, 1.0)


def test_copies_within_clusters_do_not_narrow_the_interval():
    values = np.random.default_rng(4).normal(size=40)
    once = bootstrap_interval(mean_of(values), 40)
    copies, owners = np.repeat(values, 5), np.repeat(np.arange(40), 5)
    clustered = bootstrap_interval(mean_of(copies), 200, clusters=owners)
    assert clustered.high - clustered.low == pytest.approx(once.high - once.low, rel=1e-9)
    naive = bootstrap_interval(mean_of(copies), 200)
    assert naive.high - naive.low < 0.55 * (once.high - once.low)


def test_same_seed_same_numbers():
    values = np.random.default_rng(5).normal(size=30)
    first, second = (bootstrap_interval(mean_of(values), 30, seed=9) for _ in range(2))
    assert first == second
    assert first != bootstrap_interval(mean_of(values), 30, seed=10)


def test_paired_bootstrap_agrees_with_the_paired_t_test():
    rng = np.random.default_rng(6)
    before = rng.normal(size=200)
    after = before + rng.normal(0.15, 1, size=200)
    found = paired_bootstrap(mean_of(before), mean_of(after), 200, resamples=20_000)
    reference = stats.ttest_rel(after, before)
    low, high = reference.confidence_interval(0.95)
    assert found.difference == pytest.approx(after.mean() - before.mean())
    assert (found.low, found.high) == (pytest.approx(low, abs=0.02), pytest.approx(high, abs=0.02))
    assert found.p == pytest.approx(reference.pvalue, abs=0.01)


def test_a_few_lucky_records_prove_nothing():
    before, after = np.zeros(5), np.ones(5)
    differs = np.ones(5, dtype=bool)
    found = paired_bootstrap(mean_of(before), mean_of(after), 5, differs=differs)
    assert found.difference == 1.0
    assert found.p == 2**-4
    assert found.low == 0.0
    more = paired_bootstrap(mean_of(np.zeros(9)), mean_of(np.ones(9)), 9, differs=np.ones(9, dtype=bool))
    assert 2**-8 <= more.p < 0.05
    assert more.low > 0


def test_equal_systems_have_no_difference():
    values = np.random.default_rng(7).normal(size=50)
    found = paired_bootstrap(mean_of(values), mean_of(values), 50)
    assert (found.difference, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)
