"""Pruning: what stays, in which order, and what the curve says."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from sftloop.core.errors import UsageError
from sftloop.curate.prune.pruning import Pruned, prune
from sftloop.records import Record
from sftloop.scenario import Answer


def record(identifier: str, label: str | tuple[str, ...] | None, task: str = "t", **more: object) -> Record:
    if label is None:
        answer = Answer(text="yes")
    else:
        answer = Answer(label=label) if isinstance(label, str) else Answer(labels=label)
    return Record(id=identifier, task=task, input={"text": identifier}, answer=answer, **more)  # type: ignore[arg-type]


def many(sizes: dict[str, int], **more: object) -> list[Record]:
    return [record(f"{label}{n:03}", label, **more) for label, count in sizes.items() for n in range(count)]


def vectors(count: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, 6))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def topics(records: list[Record], count: int) -> np.ndarray:
    """Near copies: record i is about topic i mod `count`."""
    rows = np.eye(count)[np.arange(len(records)) % count] * 30 + vectors(len(records), 1)[:, :1]
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def coverage_of(records: list[Record], rows: np.ndarray, kept: list[str]) -> float:
    """The definition: each record's similarity to the nearest kept one with its label, averaged."""
    rows = rows - rows.mean(axis=0)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    alike = np.clip(rows @ rows.T, 0, 1)
    np.fill_diagonal(alike, 1)
    here = [i for i, each in enumerate(records) if each.id in set(kept)]
    best = []
    for i, each in enumerate(records):
        mine = [alike[i, j] for j in here if records[j].labels() == each.labels()]
        best.append(max(mine, default=0.0))
    return float(np.mean(best))


def test_one_record_of_every_topic_stays() -> None:
    records = many({"a": 40, "b": 40})
    rows = topics(records, 10)
    done = prune(records, rows, n=20, floor=0)
    kept = [(each.labels()[0], i % 10) for i, each in enumerate(records) if each.id in done.kept]
    assert len(kept) == 20 and len(set(kept)) == 20
    assert done.curve[4].n == 20 and done.curve[4].coverage > 0.99
    assert prune(records, rows, coverage=0.99, floor=0).n == 20


def test_alike_texts_with_other_labels_both_stay() -> None:
    records = [record("a1", "a"), record("a2", "a"), record("b1", "b"), record("a3", "a")]
    rows = np.array([[1, 0], [1, 0], [1, 0], [-1, 0]], dtype=np.float32)
    assert set(prune(records, rows, n=3, floor=0).kept) == {"a1", "a3", "b1"}


def test_the_curve_is_the_coverage_at_its_sizes() -> None:
    records = many({"a": 30, "b": 12, "c": 3})
    rows = vectors(45)
    done = prune(records, rows, n=17)
    assert [point.n for point in done.curve] == sorted({*(-(-45 * k // 20) for k in range(1, 21)), 17})
    ids = [each.id for each in done.ranked]
    for point in done.curve:
        assert point.coverage == pytest.approx(coverage_of(records, rows, ids[: point.n]), abs=1e-4)
    assert done.curve[-1].n == 45 and done.curve[-1].coverage == pytest.approx(1)


def test_a_coverage_is_reached_by_as_few_as_possible() -> None:
    records, rows = many({"a": 40}), vectors(40)
    done = prune(records, rows, coverage=0.8)
    ids = [each.id for each in done.ranked]
    assert coverage_of(records, rows, ids[: done.n]) >= 0.8 - 1e-6
    assert coverage_of(records, rows, ids[: done.n - 1]) < 0.8
    assert prune(records, rows).n == prune(records, rows, coverage=0.95).n
    assert prune(records, rows, coverage=1).n == 40


def test_labels_stay_even_and_none_falls_below_the_floor() -> None:
    records = many({"a": 60, "b": 30, "c": 4})
    done = prune(records, vectors(94), n=24)
    assert done.labels == {("t", "a"): (60, 10), ("t", "b"): (30, 10), ("t", "c"): (4, 4)}


def test_protected_records_stay() -> None:
    records = [
        *many({"a": 50, "b": 50}),
        record("x-hard", "a", tags=("hard",)),
        record("x-boundary", "a", tags=("boundary",)),
        record("x-reviewed", "b", tags=("reviewed",)),
        record("x-hand", "b", source="hand"),
    ]
    rows = np.concatenate([vectors(100), vectors(1).repeat(4, axis=0)])  # copies of the first: nothing to add
    shielded = {"x-hard", "x-boundary", "x-reviewed", "x-hand", "a007"}
    done = prune(records, rows, n=8, floor=1, hard={"a007"})
    assert shielded <= set(done.kept) and done.protected_dropped == 0
    phases = Counter(each.phase for each in done.ranked[:8])
    assert phases == {"floor": 2, "protected": 3, "coverage": 3}
    assert prune(records, rows, n=3, floor=1, hard={"a007"}).protected_dropped == 2


def test_the_order_of_the_file_does_not_matter() -> None:
    records, rows = many({"a": 30, "b": 20}), vectors(50)
    shuffled = list(range(50))
    random.Random(3).shuffle(shuffled)
    again = prune([records[i] for i in shuffled], rows[shuffled], n=9)
    assert again.kept == prune(records, rows, n=9).kept


def test_what_all_vectors_share_does_not_matter() -> None:
    records = many({"a": 30})
    rows = topics(records, 10)
    shifted = rows / 20 + np.eye(1, 10)  # every cosine above 0.98, as hidden states of language models are
    shifted = (shifted / np.linalg.norm(shifted, axis=1, keepdims=True)).astype(np.float32)
    kept = prune(records, shifted, n=10, floor=0).kept
    assert len({int(each[1:]) % 10 for each in kept}) == 10


def test_a_record_with_several_labels_counts_for_the_rarest() -> None:
    records = [*(record(f"m{n}", ("common",)) for n in range(20)), record("z", ("common", "rare"))]
    done = prune(records, vectors(21), n=2, floor=1)
    assert "z" in done.kept and done.labels[("t", "rare")] == (1, 1)


def test_tasks_keep_their_proportions_and_need_no_labels() -> None:
    texts = [record(f"g{n:02}", None, task="write") for n in range(60)]
    done = prune([*texts, *many({"a": 20, "b": 20})], vectors(100), n=50)
    assert Counter(each.task for each in done.ranked[:50]) == {"write": 30, "t": 20}


@pytest.mark.parametrize(("options", "message"), [({"n": 0}, "got 0"), ({"coverage": 1.5}, "got 1.5")])
def test_sizes_out_of_range_are_refused(options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        prune(many({"a": 3}), vectors(3), **options)


def test_few_records_and_none() -> None:
    assert prune(many({"a": 3}), vectors(3), n=10).n == 3
    nothing = prune([], np.zeros((0, 6), dtype=np.float32))
    assert isinstance(nothing, Pruned) and nothing.kept == [] and nothing.curve == ()
