"""When nothing changed, a comparison must say so about 95 times in 100; a real gain must be seen."""

from __future__ import annotations

import numpy as np
import pytest

from sftloop.evaluate.paired_bootstrap import paired_bootstrap
from sftloop.evaluate.proportions import mcnemar_exact, paired_difference
from sftloop.evaluate.resample import additive
from sftloop.evaluate.verdict import verdict


def share(hits):
    sums = np.column_stack([hits, np.ones(len(hits))]).astype(float)
    return additive(sums, lambda totals: totals[:, 0] / totals[:, 1])


def rejection_rate(draw, compare, runs):
    rng = np.random.default_rng(0)
    return sum(compare(*draw(rng)) != "inconclusive" for _ in range(runs)) / runs


def by_mcnemar(before, after, _):
    wins, losses = np.count_nonzero(after & ~before), np.count_nonzero(before & ~after)
    difference = paired_difference(int(wins), int(losses), len(before))
    return verdict(difference.low, difference.high, mcnemar_exact(int(wins), int(losses)).p)


def by_bootstrap(before, after, groups):
    found = paired_bootstrap(
        share(before),
        share(after),
        len(before),
        clusters=groups,
        resamples=400,
        differs=before != after,
    )
    return verdict(found.low, found.high, found.p)


def independent(rng, n=100, gain=0.0):
    return rng.random(n) < 0.7, rng.random(n) < 0.7 + gain, None


def clustered(rng, groups=25, size=12):
    """Whether a group is right or wrong is mostly decided for the whole group, on each side anew."""
    codes = np.repeat(np.arange(groups), size)

    def side():
        level = np.clip(0.7 + 0.25 * rng.standard_normal(groups), 0, 1)
        return rng.random(groups * size) < level[codes]

    return side(), side(), codes


@pytest.mark.parametrize(("compare", "runs"), [(by_mcnemar, 1500), (by_bootstrap, 500)])
def test_null_is_kept(compare, runs):
    # standard error of a 5 % rate: 0.006 for 1500 runs, 0.01 for 500
    assert 0.02 <= rejection_rate(independent, compare, runs) <= 0.08


def test_null_is_kept_over_groups_and_lost_without_them():
    assert rejection_rate(clustered, by_bootstrap, 500) <= 0.08
    assert rejection_rate(clustered, by_mcnemar, 300) > 0.15


def test_a_real_gain_is_seen():
    def gained(rng):
        return independent(rng, gain=0.25)

    assert rejection_rate(gained, by_mcnemar, 200) > 0.9
    assert rejection_rate(gained, by_bootstrap, 100) > 0.9


def test_verdict_needs_interval_and_test():
    assert verdict(0.01, 0.2, 0.03) == "better"
    assert verdict(-0.2, -0.01, 0.03) == "worse"
    assert verdict(0.01, 0.2, 0.06) == "inconclusive"
    assert verdict(-0.01, 0.2, 0.03) == "inconclusive"
    assert verdict(float("nan"), 0.2, 0.001) == "inconclusive"
