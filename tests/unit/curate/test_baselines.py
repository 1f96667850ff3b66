"""The baselines: the same size, and each by its own simple rule."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from sftloop.curate.baselines import balanced, baselines, nearest_by_words
from sftloop.records import Record
from sftloop.scenario import Answer


def record(identifier: str, text: str, label: str = "a", task: str = "t") -> Record:
    return Record(id=identifier, task=task, input={"text": text}, answer=Answer(label=label))


RECORDS = [
    record(f"{label}{n:02}", f"{label} word{n} " + "x" * n, label)
    for label, count in (("a", 60), ("b", 30), ("c", 5))
    for n in range(count)
]


def test_all_have_the_size_asked_for() -> None:
    [found] = baselines(RECORDS, 20, targets=["b word3"])
    assert list(found) == ["random", "balanced", "longest", "bm25"]
    known = {each.id for each in RECORDS}
    assert all(len(ids) == len(set(ids)) == 20 and set(ids) <= known for ids in found.values())
    assert "bm25" not in baselines(RECORDS, 20)[0]


def test_more_than_there_are_gives_all() -> None:
    [found] = baselines(RECORDS, 500, targets=["b"])
    assert all(sorted(ids) == sorted(each.id for each in RECORDS) for ids in found.values())


def test_random_draws_depend_on_the_seed_and_not_on_the_order() -> None:
    shuffled = RECORDS[:]
    random.Random(1).shuffle(shuffled)
    [one], [other] = baselines(RECORDS, 20, targets=["word7"]), baselines(shuffled, 20, targets=["word7"])
    assert {name: sorted(ids) for name, ids in one.items()} == {
        name: sorted(ids) for name, ids in other.items()
    }
    assert set(one["random"]) != set(baselines(RECORDS, 20, seeds=[1])[0]["random"])


def test_balanced_gives_labels_equal_shares() -> None:
    chosen = balanced(RECORDS, 25)
    assert Counter(identifier[0] for identifier in chosen) == {"a": 10, "b": 10, "c": 5}


def test_balanced_gives_tasks_their_proportions() -> None:
    others = [record(f"o{n}", "text", task="other") for n in range(19)]
    chosen = balanced([*RECORDS, *others], 30)
    assert len(chosen) == 30 and sum(identifier.startswith("o") for identifier in chosen) == 5


def test_longest_counts_input_and_answer() -> None:
    long_answer = Record(id="z", task="t", input={"text": "s"}, answer=Answer(text="y" * 200))
    found = baselines([*RECORDS, long_answer], 3)[0]["longest"]
    assert found == ["z", "a59", "a58"]


def test_each_target_chooses_in_turn() -> None:
    pool = [
        record("1", "lost card"),
        record("2", "lost card card today please help me"),
        record("3", "new pin"),
        record("4", "exchange rate"),
    ]
    assert nearest_by_words(pool, 3, ["lost card", "pin"]) == ["1", "3", "2"]
    assert nearest_by_words(pool, 1, ["RATE?"]) == ["4"]


@pytest.mark.parametrize("n", [0, 1])
def test_small_sizes(n: int) -> None:
    assert all(len(ids) == n for ids in baselines(RECORDS, n, targets=["x"])[0].values())
