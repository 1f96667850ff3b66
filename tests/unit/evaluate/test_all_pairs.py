"""Every pair of systems on one task: direction, correction, seeds, failed calls, the rate of false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from tests.unit.evaluate.cases import ERROR, build_answered, build_task

from sftloop.evaluate import compare_trainings, paired_comparison
from sftloop.evaluate.all_pairs import all_pairs
from sftloop.evaluate.holm import holm

TASK = build_task("choice", labels={"a": "x", "b": "y"})


def answered(hits):
    """Records that all expect `a`; each system's answers from its hits."""
    given = {name: ["a" if hit else "b" for hit in own] for name, own in hits.items()}
    some = next(iter(given.values()))
    records, _ = build_answered(TASK, ["a"] * len(some), some)
    predictions = {name: build_answered(TASK, ["a"] * len(said), said)[1] for name, said in given.items()}
    return records, predictions


def ranked(predictions, hits):
    order = sorted(hits, key=lambda name: -np.mean(hits[name]))
    return {name: [predictions[name]] for name in order}


def test_pairs_equal_the_paired_test_and_are_corrected_together() -> None:
    rng = np.random.default_rng(3)
    hits = {name: rng.random(80) < rate for name, rate in {"x": 0.9, "y": 0.7, "z": 0.5}.items()}
    records, predictions = answered(hits)
    pairs = all_pairs(TASK, records, ranked(predictions, hits))
    assert [(one["a"], one["b"], one["against_best"]) for one in pairs] == [
        ("y", "x", True),
        ("z", "x", True),
        ("z", "y", False),
    ]
    for one in pairs:
        alone = paired_comparison(TASK, records, predictions[one["b"]], predictions[one["a"]])
        assert one["difference"] == alone["difference"] < 0
        assert (one["low"], one["high"], one["p"]) == (alone["low"], alone["high"], alone["p"])
    assert [one["p_adjusted"] for one in pairs] == holm([one["p"] for one in pairs])
    assert pairs[1]["verdict"] == "worse" and pairs[1]["more_records"] is None


def test_what_is_not_settled_says_how_many_records_would_do() -> None:
    hits = {"x": [True] * 60 + [False] * 40, "y": [True] * 55 + [False] * 5 + [True] * 3 + [False] * 37}
    records, predictions = answered(hits)
    [pair] = all_pairs(TASK, records, ranked(predictions, hits))
    assert pair["verdict"] == "inconclusive"
    assert pair["needed"] == pair["n"] + pair["more_records"]
    assert pair["more_records"] > 1000
    assert 0.02 < pair["detectable"] < 0.2


def test_alike_systems_are_not_told_apart_and_no_number_of_records_would_do() -> None:
    hits = {"x": [True, False] * 20, "y": [True, False] * 20}
    records, predictions = answered(hits)
    [pair] = all_pairs(TASK, records, ranked(predictions, hits))
    assert (pair["difference"], pair["p_adjusted"], pair["verdict"]) == (0, 1, "inconclusive")
    assert pair["needed"] is None and pair["more_records"] is None


def test_failed_calls_are_left_out_on_both_sides() -> None:
    records, first = build_answered(TASK, ["a"] * 10, ["a"] * 8 + [ERROR, ERROR])
    _, second = build_answered(TASK, ["a"] * 10, [ERROR] + ["b"] * 9)
    [pair] = all_pairs(TASK, records, {"x": [first], "y": [second]})
    assert (pair["n"], pair["difference"]) == (7, -1)
    [seeds] = all_pairs(TASK, records, {"x": [first, first], "y": [second]})
    assert (seeds["n"], seeds["difference"]) == (7, -1)
    _, failed = build_answered(TASK, ["a"] * 10, [ERROR] * 10)
    [none] = all_pairs(TASK, records, {"x": [first], "y": [failed]})
    assert (none["n"], none["difference"], none["verdict"]) == (0, None, "inconclusive")


def test_several_seeds_are_compared_as_trainings() -> None:
    rng = np.random.default_rng(1)
    hits = {f"s{seed}": rng.random(50) < 0.8 for seed in range(3)} | {"y": rng.random(50) < 0.4}
    records, predictions = answered(hits)
    runs = {"x": [predictions[f"s{seed}"] for seed in range(3)], "y": [predictions["y"]]}
    [pair] = all_pairs(TASK, records, runs)
    alone = compare_trainings(TASK, records, runs["x"], runs["y"])
    assert (pair["difference"], pair["p"]) == (alone["difference"], alone["p"])
    assert pair["detectable"] is None
    assert pair["note"] == alone["note"]


@pytest.mark.parametrize("systems", [2, 5])
def test_equal_systems_rarely_raise_any_alarm(systems: int) -> None:
    """All equally good: a false alarm about any pair, the best picked by looking, stays below about 5 in 100."""
    rng, alarms, runs = np.random.default_rng(0), 0, 120
    for _ in range(runs):
        hard = rng.random(150)
        hits = {f"s{k}": (hard + rng.normal(0, 0.3, 150)) < 0.7 for k in range(systems)}
        records, predictions = answered(hits)
        pairs = all_pairs(TASK, records, ranked(predictions, hits))
        alarms += any(pair["verdict"] != "inconclusive" for pair in pairs)
    assert alarms / runs <= 0.09


@pytest.mark.parametrize("many", [8, 12])
def test_among_many_systems_a_bootstrap_still_tells_the_worst(many: int) -> None:
    """With 2,000 draws no p-value could pass the correction for 28 pairs or more."""
    task = build_task("multi", labels={"a": "x", "b": "y"})
    rng = np.random.default_rng(5)
    rates = {f"s{number}": 0.95 for number in range(many - 1)} | {"bad": 0.04}
    right = [["a"]] * 50
    given = {name: [["a"] if hit else ["b"] for hit in rng.random(50) < rate] for name, rate in rates.items()}
    records, _ = build_answered(task, right, right)
    runs = {name: [build_answered(task, right, said)[1]] for name, said in given.items()}
    pairs = [one for one in all_pairs(task, records, runs) if one["a"] == "bad"]
    assert len(pairs) == many - 1
    assert {one["verdict"] for one in pairs} == {"worse"}
