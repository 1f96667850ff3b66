"""Trainings with several seeds: chance in records and chance in seeds both widen the interval."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from tests.unit.evaluate.cases import build_answered, build_task

from sftloop.core.errors import UsageError
from sftloop.evaluate import compare_trainings, mean_interval
from sftloop.evaluate.proportions import wilson_interval

TASK = build_task("choice", labels={"a": "first", "b": "second"})


def runs_of(hits):
    """Records and one list of predictions per row of hits[k, n]."""
    n = hits.shape[1]
    records, _ = build_answered(TASK, ["a"] * n, ["a"] * n)
    return records, [build_answered(TASK, ["a"] * n, np.where(row, "a", "b").tolist())[1] for row in hits]


def drawn(rng, n, seeds, level, seed_spread, difficulty):
    """Hits of one way to train: each seed has a level of its own, each record a difficulty shared by all."""
    levels = level + seed_spread * rng.standard_normal(seeds)
    return rng.random((seeds, n)) < np.clip(levels[:, None] + difficulty, 0, 1)


def compared(rng, *, gain=0.0, seed_spread=0.03, n=150, seeds=3):
    difficulty = 0.3 * rng.standard_normal(n)
    records, first = runs_of(drawn(rng, n, seeds, 0.7, seed_spread, difficulty))
    _, second = runs_of(drawn(rng, n, seeds, 0.7 + gain, seed_spread, difficulty))
    return compare_trainings(TASK, records, first, second, resamples=100)


@pytest.mark.parametrize("seed_spread", [0.0, 0.03])
def test_equal_trainings_are_rarely_called_different(seed_spread):
    rng = np.random.default_rng(1)
    verdicts = [compared(rng, seed_spread=seed_spread)["verdict"] for _ in range(150)]
    # 5 % of 150 with a standard error of 1.8 points
    assert sum(verdict != "inconclusive" for verdict in verdicts) <= 0.1 * 150


def test_a_real_gain_is_seen():
    rng = np.random.default_rng(2)
    verdicts = [compared(rng, gain=0.15, seed_spread=0.01)["verdict"] for _ in range(40)]
    assert verdicts.count("better") >= 34
    assert "worse" not in verdicts


def test_without_chance_in_records_it_is_welch_s_test():
    """A seed answers every record right or every record wrong: only the seeds' spread is left."""
    first, second = [0, 1, 0], [1, 1, 0, 1]
    records, runs_first = runs_of(np.repeat(np.array(first)[:, None] == 1, 40, axis=1))
    _, runs_second = runs_of(np.repeat(np.array(second)[:, None] == 1, 40, axis=1))
    found = compare_trainings(TASK, records, runs_first, runs_second)
    welch = stats.ttest_ind(second, first, equal_var=False)
    assert found["difference"] == pytest.approx(3 / 4 - 1 / 3)
    assert found["p"] == pytest.approx(welch.pvalue)
    limits = welch.confidence_interval(0.95)
    assert limits.low > -1 and limits.high > 1, "a difference of shares is at most 1"
    assert (found["low"], found["high"]) == pytest.approx((limits.low, 1.0))


@pytest.mark.parametrize(("n", "wins"), [(2, 2), (5, 4), (100, 4)])
def test_a_few_records_prove_nothing_with_seeds_either(n, wins):
    """With all seeds alike, what one run each can't decide stays undecided."""
    hits = np.arange(n) < n - wins
    records, first = runs_of(np.stack([hits, hits]))
    _, second = runs_of(np.ones((2, n), dtype=bool))
    found = compare_trainings(TASK, records, first, second)
    assert found["p"] >= 0.5 ** (wins - 1)
    assert found["low"] <= 0 < found["difference"] <= found["high"] <= 1
    assert found["verdict"] == "inconclusive"


def test_records_that_all_say_the_same_have_tango_s_interval():
    records, (wrong, right) = runs_of(np.repeat(np.array([[False], [True]]), 20, axis=1))
    found = compare_trainings(TASK, records, [wrong, wrong], [right, right])
    alone = compare_trainings(TASK, records, [wrong], [right])
    assert (found["low"], found["high"]) == pytest.approx((alone["low"], 1.0))
    assert found["verdict"] == alone["verdict"] == "better"
    assert "Only 20 compared records" in found["note"]


def test_a_perfect_mean_has_wilson_s_limit():
    records, runs = runs_of(np.ones((2, 3), dtype=bool))
    found = mean_interval(TASK, records, runs)
    assert (found["low"], found["high"]) == pytest.approx((wilson_interval(3, 3).low, 1.0))
    _, wrong = runs_of(np.zeros((2, 3), dtype=bool))
    assert mean_interval(TASK, records, wrong)["high"] == pytest.approx(wilson_interval(0, 3).high)
    f1 = mean_interval(build_task("multi", labels={"a": "x", "b": "y"}), *multi_with_few_labels())
    assert f1["low"] == pytest.approx(wilson_interval(2, 2).low), "only two records have a label"


def multi_with_few_labels():
    task = build_task("multi", labels={"a": "x", "b": "y"})
    records, run = build_answered(task, [["a"]] * 2 + [[]] * 50, [["a"]] * 2 + [[]] * 50)
    return records, [run, run]


def test_the_same_runs_do_not_differ():
    records, runs = runs_of(np.random.default_rng(3).random((3, 50)) < 0.6)
    found = compare_trainings(TASK, records, runs, runs)
    assert found["difference"] == 0
    assert found["verdict"] == "inconclusive"


def test_one_seed_each_is_a_paired_comparison_with_a_note():
    records, runs = runs_of(np.random.default_rng(4).random((2, 60)) < 0.6)
    found = compare_trainings(TASK, records, runs[:1], runs[1:])
    assert found["test"] == "mcnemar exact (mid-p)"
    assert "One seed each" in found["note"]


def test_mean_interval_covers_the_level():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(150):
        records, runs = runs_of(drawn(rng, 200, 3, 0.7, 0.03, np.zeros(200)))
        found = mean_interval(TASK, records, runs, resamples=100)
        covered += found["low"] <= 0.7 <= found["high"]
    assert covered >= 0.88 * 150


def test_a_side_without_runs_and_an_unknown_metric_are_refused():
    records, runs = runs_of(np.ones((1, 5), dtype=bool))
    with pytest.raises(UsageError, match="at least one run"):
        compare_trainings(TASK, records, [], runs)
    with pytest.raises(UsageError, match="no metric 'acuracy'"):
        compare_trainings(TASK, records, runs, runs, metric="acuracy")


def test_two_seeds_borrow_the_spread_of_trainings_beside_them():
    rng = np.random.default_rng(6)
    covered = wide = narrow = 0
    for _ in range(60):
        records, runs = runs_of(drawn(rng, 200, 8, 0.7, 0.05, np.zeros(200)))
        pairs = [runs[start : start + 2] for start in (0, 2, 4, 6)]
        alone = mean_interval(TASK, records, pairs[0], resamples=100)
        found = mean_interval(TASK, records, pairs[0], resamples=100, beside=pairs[1:])
        assert found["mean"] == alone["mean"]
        covered += found["low"] <= 0.7 <= found["high"]
        wide += alone["high"] - alone["low"] > 0.5
        narrow += found["high"] - found["low"] > 0.5
    assert covered >= 0.88 * 60
    assert wide > 10 and narrow <= 2
