"""The first stage finds what is alike, whatever the order of the pool, and once where a text comes twice."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftloop.core.errors import DataError
from sftloop.curate.filter import first_stage as measured
from sftloop.curate.filter.best import Best
from sftloop.curate.filter.candidate import Candidate, read_candidates, write_candidates
from sftloop.curate.filter.first_stage import FirstStage, search_pool
from sftloop.curate.filter.pool import Pool
from sftloop.curate.filter.pool_baselines import pool_baselines
from sftloop.curate.filter.target import Target, known_texts
from sftloop.records import Record
from sftloop.scenario import Answer

TARGET = Target(("my card has not arrived", "when will the new card come", "银行卡还没有寄到"), examples=True)
_WORDS = "apple river stone music green window paper cloud seven travel".split()


def made_up(count: int, seed: int = 0) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(_WORDS, k=draw.randint(2, 12))) for _ in range(count)]


def write_pool(path: Path, texts: list[str]) -> Pool:
    path.write_text("".join(json.dumps({"id": f"r-{text}", "text": text}) + "\n" for text in texts))
    return Pool(files=(path,))


CARDS = ["the card did not arrive", "where is my new card", "新的银行卡什么时候寄到", "the card will come"]


def test_it_finds_what_is_alike(tmp_path: Path) -> None:
    found, counts = search_pool(write_pool(tmp_path / "p.jsonl", made_up(300) + CARDS), TARGET, 4)
    assert {each.text for each in found} == set(CARDS)
    assert counts.rows == 304
    assert all(each.row == {"id": each.id, "text": each.text} for each in found)
    fused = [each.scores["fused"] or 0 for each in found]
    assert fused == sorted(fused, reverse=True)


def test_neither_the_order_nor_the_blocks_change_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = made_up(200) + CARDS
    usual, _ = search_pool(write_pool(tmp_path / "p.jsonl", texts), TARGET, 20)
    random.Random(1).shuffle(texts)
    real = measured.blocks
    monkeypatch.setattr(measured, "blocks", lambda rows: ([row] for block in real(rows) for row in block))
    assert search_pool(write_pool(tmp_path / "p.jsonl", texts), TARGET, 20)[0] == usual


def test_equal_texts_are_chosen_once(tmp_path: Path) -> None:
    twice = ["My card has not arrived!", "my card has NOT arrived", *CARDS, *CARDS]
    found, _ = search_pool(write_pool(tmp_path / "p.jsonl", made_up(50) + twice), TARGET, 5)
    assert len({each.text for each in found}) == 5 and set(CARDS) < {each.text for each in found}
    assert found[0].id == "r-My card has not arrived!"


def test_different_texts_of_one_id_are_told_apart(tmp_path: Path) -> None:
    rows = [{"id": "same", "text": text} for text in CARDS[:2]]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found, _ = search_pool(Pool(files=(tmp_path / "p.jsonl",)), TARGET, 5)
    assert {(each.id, each.row["id"]) for each in found} == {("p:1", "p:1"), ("p:2", "p:2")}


def test_ranks_are_fused_by_hand(tmp_path: Path) -> None:
    found, _ = search_pool(write_pool(tmp_path / "p.jsonl", made_up(30) + CARDS), TARGET, 34)
    ranks = {
        name: {
            each.id: rank for rank, each in enumerate(sorted(found, key=lambda c: -(c.scores[name] or 0)), 1)
        }
        for name in ("importance", "bm25")
    }
    for each in found[:4]:  # the others share no word with the target
        expected = 1 / (60 + ranks["importance"][each.id]) + 1 / (60 + ranks["bm25"][each.id])
        assert each.scores["fused"] == pytest.approx(expected)


def test_what_has_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text('{"stars": 5}\n')
    with pytest.raises(DataError, match="1 rows and no text"):
        search_pool(Pool(files=(tmp_path / "p.jsonl",)), TARGET, 5)
    with pytest.raises(DataError, match="no text to search for"):
        FirstStage(Target((" ",), examples=True))


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5), st.integers(0, 4)), max_size=60),
    st.integers(1, 12),
    st.integers(1, 9),
)
def test_the_best_of_a_stream(stream: list[tuple[int, int, int]], keep: int, block: int) -> None:
    """A key counts once, with its best score."""
    offers = [(score, key, f"n{name}") for key, name, score in stream]
    best: Best[str] = Best(keep)
    for start in range(0, len(offers), block):
        scores, keys, names = zip(*offers[start : start + block], strict=True)
        best.offer(np.array(scores, float), np.array(keys, np.uint64), names, names)
    once = {key: min((-score, key, name) for score, k, name in offers if k == key) for _, key, _ in offers}
    expected = sorted(once.values())[:keep]
    assert [(-each.score, each.key, each.name) for each in best.ranked()] == expected


def test_candidates_come_back_from_disk(tmp_path: Path) -> None:
    candidates = [
        Candidate(id="a", text="x\u2028y", row={"id": "a", "n": 1}, scores={"fused": 0.1, "bm25": None})
    ]
    write_candidates(tmp_path / "stage.jsonl", candidates)
    assert read_candidates(tmp_path / "stage.jsonl") == candidates


def test_what_the_scenario_has_already_is_left_out_and_counted(tmp_path: Path) -> None:
    known = ("The card did NOT arrive.", CARDS[1], "never in the pool")
    pool = write_pool(tmp_path / "p.jsonl", [*made_up(50), *CARDS, CARDS[1]])
    found, counts = search_pool(pool, TARGET._replace(known=known), 60)
    assert {each.text for each in found} & set(CARDS) == set(CARDS[2:])
    assert counts.known == 3 and counts.rows == 55
    everything = search_pool(pool, TARGET, 60)[0]
    assert {each.text for each in everything} > set(CARDS)


def test_baselines_leave_it_out_too_and_their_ids_differ(tmp_path: Path) -> None:
    for part in range(2):
        rows = [{"id": str(n), "text": text} for n, text in enumerate(made_up(30, seed=part) + CARDS)]
        (tmp_path / f"part{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pool = Pool(files=(tmp_path / "part0.jsonl", tmp_path / "part1.jsonl"))
    first, second = pool_baselines(pool, 50, seeds=(0, 1), known=CARDS)
    assert first["random"] != second["random"] and first["longest"] == second["longest"]
    for rows in (first["random"], first["longest"]):
        assert not {row["text"] for row in rows} & set(CARDS)
        assert len({row["id"] for row in rows}) == len(rows) == 50


def test_the_scenario_s_own_records_are_known_whatever_stands_beside_their_texts(tmp_path: Path) -> None:
    """Reason, evidence, labels and the fields' order make no other text of them."""
    answers = [
        Answer(label="a", reason="It says so.", evidence=("so",)),
        Answer(fields={"city": "Oslo", "day": None}),
        Answer(text="Thank you for writing."),
        Answer(score=3.0),
        Answer(labels=("a", "b")),
    ]
    records = [
        Record(id=f"r{n}", task="t", input={"title": f"{text} {n}", "body": text}, answer=answer)
        for n, (text, answer) in enumerate(zip(made_up(5), answers, strict=True))
    ]
    path = tmp_path / "pool.jsonl"
    path.write_text("".join(json.dumps(record.to_json()) + "\n" for record in records))
    with path.open("a") as stream:
        stream.write(json.dumps({"id": "new", "text": CARDS[0]}) + "\n")
    target = TARGET._replace(known=known_texts(records))
    found, counts = search_pool(Pool(files=(path,)), target, 9)
    assert (counts.known, [each.id for each in found]) == (5, ["new"])
