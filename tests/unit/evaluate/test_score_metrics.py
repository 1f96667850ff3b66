"""Figures of `score` tasks against scikit-learn and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import mean_absolute_error
from tests.unit.evaluate.cases import UNPARSED, build_answered, build_task

from sftloop.evaluate import task_metrics
from sftloop.evaluate.score import rank_function

TASK = build_task("score", range=(0, 10))


def test_equals_scikit_learn_and_scipy():
    rng = np.random.default_rng(0)
    expected = rng.integers(0, 11, size=60).astype(float)
    said = np.clip(expected + rng.integers(-3, 4, size=60), 0, 10).astype(float)
    found = task_metrics(TASK, *build_answered(TASK, list(expected), list(said)))["metrics"]
    assert found["mae"]["value"] == pytest.approx(mean_absolute_error(expected, said))
    pearson = stats.pearsonr(expected, said)
    assert found["pearson"]["value"] == pytest.approx(pearson.statistic)
    assert found["spearman"]["value"] == pytest.approx(stats.spearmanr(expected, said).statistic)
    fisher = pearson.confidence_interval(0.95)
    assert found["pearson"]["low"] == pytest.approx(fisher.low, abs=0.08)
    assert found["pearson"]["high"] == pytest.approx(fisher.high, abs=0.05)
    assert found["mae"]["low"] < found["mae"]["value"] < found["mae"]["high"]


def test_ranks_are_counted_anew_in_a_resample():
    values = np.array([3.0, 1.0, 1.0, 7.0])
    weights = np.array([[2.0, 1.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    # first resample: 1, 3, 3, 7 -> ranks 1, 2.5, 2.5, 4
    ranks = rank_function(values)(weights)
    assert ranks[0, [0, 1, 3]].tolist() == [2.5, 1.0, 4.0]
    assert ranks[1].tolist() == stats.rankdata(values).tolist()


def test_an_unparsable_answer_costs_the_largest_possible_error():
    found = task_metrics(TASK, *build_answered(TASK, [2.0, 9.0, 5.0], [2.0, UNPARSED, UNPARSED]))
    assert found["metrics"]["mae"]["value"] == pytest.approx((0 + 9 + 5) / 3)
    assert found["metrics"]["mae"]["unparsable"] == 2
    unbounded = build_task("score")
    found = task_metrics(unbounded, *build_answered(unbounded, [2.0, 9.0, 5.0], [2.0, UNPARSED, 5.0]))
    assert found["metrics"]["mae"]["value"] == pytest.approx(7 / 3)


@pytest.mark.parametrize(("score", "worst"), [(0.0, 1.0), (4.0, 4.0)])
def test_silence_is_not_free_where_all_scores_are_equal_and_no_range_is_stated(score, worst):
    unbounded = build_task("score")
    found = task_metrics(unbounded, *build_answered(unbounded, [score] * 3, [UNPARSED, UNPARSED, score]))
    assert found["metrics"]["mae"]["value"] == pytest.approx(2 * worst / 3)


def test_a_constant_answer_has_no_correlation():
    found = task_metrics(TASK, *build_answered(TASK, [1.0, 2.0, 3.0], [5.0, 5.0, 5.0]))["metrics"]
    assert found["pearson"]["value"] is None and found["spearman"]["value"] is None
    assert found["mae"]["value"] == pytest.approx(3.0)
