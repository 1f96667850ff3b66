"""The greedy order against the plain greedy algorithm and against exhaustive search."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sftloop.curate.prune import coverage
from sftloop.curate.prune.coverage import Order, greedy_order, groups_of


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def drawn(seed: int, count: int, dimensions: int = 3) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, dimensions)))


def similarity(vectors: np.ndarray) -> np.ndarray:
    alike = np.clip(vectors @ vectors.T, 0, 1)
    np.fill_diagonal(alike, 1)
    return alike


def value(vectors: np.ndarray, chosen: list[int]) -> float:
    return float(similarity(vectors)[:, chosen].max(axis=1).sum()) if chosen else 0.0


def test_order_worked_by_hand() -> None:
    # Four texts at 0, 30, 60 and 180 degrees. The one at 30 covers its neighbours best: 1 + 2 cos 30.
    angles = np.radians([0, 30, 60, 180])
    order = greedy_order(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))
    near = np.cos(np.radians(30))
    assert order.places.tolist()[:2] == [1, 3]
    np.testing.assert_allclose(order.gains, [1 + 2 * near, 1, 1 - near, 1 - near], rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.booleans())
def test_every_step_takes_the_greatest_gain(seed: int, count: int, with_first: bool) -> None:
    vectors = drawn(seed, count)
    first = np.random.default_rng(seed).random(count) < 0.3 if with_first else np.zeros(count, dtype=bool)
    order = greedy_order(vectors, first)
    assert sorted(order.places.tolist()) == list(range(count))
    assert first[order.places[: first.sum()]].all()
    chosen: list[int] = []
    for place, gain in zip(order.places.tolist(), order.gains.tolist(), strict=True):
        open_ = [i for i in range(count) if i not in chosen and (first[i] or len(chosen) >= first.sum())]
        gains = [value(vectors, [*chosen, i]) - value(vectors, chosen) for i in open_]
        assert gain == pytest.approx(max(gains), abs=1e-4)
        assert gains[open_.index(place)] == pytest.approx(max(gains), abs=1e-4)
        chosen.append(place)
    assert order.gains.sum() == pytest.approx(count, rel=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_greedy_is_near_the_best_set(seed: int) -> None:
    vectors = drawn(seed, 11)
    best = max(value(vectors, list(chosen)) for chosen in itertools.combinations(range(11), 3))
    assert greedy_order(vectors).gains[:3].sum() >= (1 - 1 / np.e) * best


def test_copies_come_last_and_add_nothing() -> None:
    vectors = np.concatenate([drawn(0, 20, 8)] * 3)
    order = greedy_order(vectors)
    assert sorted(place % 20 for place in order.places[:20]) == list(range(20))
    assert order.gains[20:].max() < 1e-5


def test_a_text_without_a_vector_covers_itself_only() -> None:
    vectors = np.array([[1, 0], [0, 0], [1, 0]], dtype=np.float32)
    np.testing.assert_allclose(greedy_order(vectors).gains, [2, 1, 0])


def test_nothing_to_order() -> None:
    order = greedy_order(np.zeros((0, 4), dtype=np.float32))
    assert isinstance(order, Order) and not len(order.places) and not len(order.gains)


def test_groups_are_those_of_the_keys() -> None:
    groups = groups_of(["a", "b", "a", "b", "b"], drawn(0, 5))
    assert [group.tolist() for group in groups] == [[0, 2], [1, 3, 4]]


def test_a_large_group_is_cut_where_texts_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "_LARGEST", 40)
    centres = np.eye(4)[np.arange(120) % 4] * 20
    vectors = unit(centres + np.random.default_rng(0).normal(size=(120, 4)))
    groups = groups_of([0] * 120, vectors)
    assert sorted(place for group in groups for place in group) == list(range(120))
    assert max(map(len, groups)) <= 40 and all(len({place % 4 for place in group}) == 1 for group in groups)


def test_a_large_group_of_copies_is_cut_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "_LARGEST", 10)
    groups = groups_of([0] * 35, np.ones((35, 1), dtype=np.float32))
    assert sorted(place for group in groups for place in group) == list(range(35))
    assert max(map(len, groups)) <= 10
