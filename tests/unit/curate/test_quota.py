"""Shares: they add up, follow the sizes, and leave no label to a score that favours another."""

from __future__ import annotations

from collections import Counter

import pytest

from sftloop.curate.quota import best_of_each_label, proportional
from sftloop.records import Record
from sftloop.scenario import Answer

SIZES = {"quick": 12, "slow": 9, "rare": 3}
RECORDS = [
    Record(id=f"{label}-{n:02}", task="t", input={"text": "x"}, answer=Answer(label=label))
    for n in range(12)
    for label, size in SIZES.items()
    if n < size
]
SCORES = {r.id: (2.0 if r.answer.label == "quick" else 0.0) + int(r.id[-2:]) / 100 for r in RECORDS}
"""Any quick record scores above every slow one."""


@pytest.mark.parametrize("n", range(25))
def test_shares_add_up_and_follow_the_sizes(n: int) -> None:
    shares = proportional(Counter(SIZES), n)
    assert sum(shares.values()) == n
    assert all(abs(shares[name] - n * size / 24) < 1 for name, size in SIZES.items())


def test_every_label_keeps_its_best() -> None:
    kept = [record.id for record in best_of_each_label(RECORDS, SCORES, 8)]
    assert Counter(each.split("-")[0] for each in kept) == {"quick": 4, "slow": 3, "rare": 1}
    assert {"quick-11", "slow-08", "rare-02"} <= set(kept)
    assert "quick-07" not in kept, "the fifth of its label, though above all slow ones"
    assert kept == [r.id for r in RECORDS if r.id in set(kept)], "the given order stays"


def test_equal_scores_go_by_id_and_no_more_than_there_are_are_kept() -> None:
    same = dict.fromkeys(SCORES, 1.0)
    assert best_of_each_label(RECORDS, same, 8) == [
        *sorted(best_of_each_label(RECORDS[::-1], same, 8), key=RECORDS.index)
    ]
    assert best_of_each_label(RECORDS, same, 99) == RECORDS


def test_tasks_and_answers_without_labels_have_shares_too() -> None:
    texts = [
        Record(id=f"free-{n}", task="u", input={"text": "x"}, answer=Answer(text=str(n))) for n in range(24)
    ]
    scores = {**SCORES, **{record.id: -1.0 for record in texts}}
    kept = best_of_each_label([*RECORDS, *texts], scores, 16)
    assert Counter(record.task for record in kept) == {"t": 8, "u": 8}


@pytest.mark.parametrize("labels", [1, 3])
def test_groups_of_one_record_are_kept_by_their_scores_not_their_names(labels: int) -> None:
    many = [
        Record(
            id=f"r{n}",
            task="t",
            input={"text": "x"},
            answer=Answer(label=f"l{n:03}")
            if labels == 1
            else Answer(labels=tuple(f"l{each:03}" for each in (n, 100 + n, 200 + n))),
        )
        for n in range(60)
    ]
    scores = {record.id: ((37 * n) % 60) / 60 for n, record in enumerate(many)}
    kept = best_of_each_label(many, scores, 20)
    assert {record.id for record in kept} == set(sorted(scores, key=lambda name: -scores[name])[:20])
