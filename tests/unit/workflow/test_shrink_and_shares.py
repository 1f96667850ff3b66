"""A target over several seeds, and shares of a training set."""

from __future__ import annotations

import math

import pytest

from sftloop.evaluate import target_over_seeds
from sftloop.records import Record
from sftloop.scenario import Scenario
from sftloop.scenario.schema import Task
from sftloop.workflow.learning_curve import SHARES, _by_size
from sftloop.workflow.trials import share_of

TASK = {
    "kind": "choice",
    "input": ["text"],
    "instruction": "Which?",
    "labels": {"yes": "It is.", "no": "It is not."},
    "target": {"metric": "accuracy", "at_least": 0.8},
}


def task(**target: object) -> Task:
    data = {
        "name": "s",
        "language": "en",
        "model": "m",
        "system": "x",
        "tasks": {"t": TASK | {"target": target}},
    }
    return Scenario.model_validate(data | {"data": {"train": "a"}}).tasks["t"]


def accuracy(value: float, low: float) -> dict:
    return {
        "n": 80,
        "errors": 0,
        "metrics": {"accuracy": {"value": value, "low": low, "high": 1.0}},
        "labels": {},
    }


def test_records_and_seeds_add_up_by_hand() -> None:
    """Seeds 0.84, 0.86, 0.88: deviation 0.02, Student's t 4.303, so 0.0497; records 0.03; both 0.0580."""
    found = target_over_seeds(
        task(metric="accuracy", at_least=0.8), [accuracy(v, v - 0.03) for v in (0.84, 0.86, 0.88)]
    )
    assert found["value"] == pytest.approx(0.86)
    assert found["spread"] == pytest.approx(0.02)
    assert found["low"] == pytest.approx(0.86 - math.hypot(0.03, 4.3027 * 0.02 / math.sqrt(3)), abs=1e-4)
    assert found["met"] and found["sure"]


def test_seeds_that_scatter_make_a_target_unsure() -> None:
    found = target_over_seeds(
        task(metric="accuracy", at_least=0.8), [accuracy(v, v - 0.01) for v in (0.75, 0.85, 0.95)]
    )
    assert found["met"]
    assert not found["sure"]


def test_one_seed_covers_the_records_only() -> None:
    found = target_over_seeds(task(metric="accuracy", at_least=0.8), [accuracy(0.9, 0.82)])
    assert found["spread"] is None
    assert found["low"] == pytest.approx(0.82)


def test_a_label_that_is_never_given_misses_its_target() -> None:
    row = {"precision": None, "precision_low": None, "recall": 0.0, "recall_low": 0.0}
    found = target_over_seeds(
        task(metric="precision", label="yes", at_least=0.5),
        [{"n": 80, "errors": 0, "metrics": {}, "labels": {"yes": row}}],
    )
    assert not found["met"] and not found["sure"]


def records() -> list[Record]:
    rows = [("t", "yes", 60), ("t", "no", 20), ("u", "no", 8)]
    return [
        Record.from_json(
            {"id": f"{name}-{label}-{n}", "task": name, "input": {"text": str(n)}, "answer": {"label": label}}
        )
        for name, label, count in rows
        for n in range(count)
    ]


def test_shares_keep_tasks_and_labels_in_proportion() -> None:
    chosen = share_of(records(), 0.25, seed=0)
    counts = {(r.task, r.answer.label): 0 for r in records()}
    for record in chosen:
        counts[record.task, record.answer.label] += 1
    assert counts == {("t", "yes"): 15, ("t", "no"): 5, ("u", "no"): 2}


def test_shares_of_one_size_are_one_point_with_all_their_runs() -> None:
    few = [Record.from_json({**r.to_json(), "id": f"{r.id}x"}) for r in records()[:40]]
    small = [r for r in records() if r.task == "u"][:5]
    runs = {share: [[] for _ in range(3)] for share in SHARES}
    found = _by_size({"lora": runs}, [*few, *small], "u")["lora"]
    assert sum(map(len, found.values())) == 3 * len(SHARES)
    assert len(found) < len(SHARES)


def test_a_smaller_share_is_part_of_a_larger_one_in_any_order() -> None:
    every = records()
    ids = [{r.id for r in share_of(every, share, seed=3)} for share in (1 / 8, 1 / 4, 1 / 2, 1)]
    assert ids[0] < ids[1] < ids[2] < ids[3] == {r.id for r in every}
    assert {r.id for r in share_of(every[::-1], 1 / 4, seed=3)} == ids[1]
    assert {r.id for r in share_of(every, 1 / 4, seed=4)} != ids[1]
