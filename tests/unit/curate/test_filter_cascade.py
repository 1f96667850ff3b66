"""The stages behind the first: shares by hand, the hint's bound, and a run that goes on after a kill."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.tiny_scenario import scenario
from tests.unit.curate.test_filter_first_stage import CARDS, TARGET, made_up, write_pool

from sftloop.core.errors import DataError, UsageError
from sftloop.curate.filter import Budget, Pool, Target, run_cascade, target_of_definitions, target_of_records
from sftloop.curate.filter.candidate import read_candidates
from sftloop.curate.filter.likeness import likeness
from sftloop.curate.filter.rank_fusion import fused_ranks
from sftloop.curate.filter.round_robin import affinities, round_robin
from sftloop.records.schema import Record


def bags(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return counts of letters: vectors that need no model."""
    marks = sorted({mark for text in texts for mark in text.lower()})
    return np.array([[text.lower().count(mark) for mark in marks] for text in texts], np.float32)


def test_affinities_by_hand() -> None:
    target = np.array([[1, 0], [0, 1]], np.float32)
    candidates = np.array([[2, 0], [0, 2], [-2, 0], [0, -2]], np.float32)  # their mean is 0
    found = affinities(target, candidates)
    mean = 3 * 0.5
    assert found.candidates == pytest.approx(
        np.array([[1 + mean, 0 + mean, -1 - mean, 0 - mean], [0 + mean, 1 + mean, 0 - mean, -1 - mean]])
    )
    assert found.held_out.tolist() == [0, 0]


def test_the_common_part_is_taken_off() -> None:
    draw = np.random.default_rng(0)
    target, candidates = draw.normal(size=(3, 5)), draw.normal(size=(9, 5))
    moved = affinities((target + 7).astype(np.float32), (candidates + 7).astype(np.float32))
    usual = affinities(target.astype(np.float32), candidates.astype(np.float32))
    assert moved.candidates == pytest.approx(usual.candidates, abs=1e-4)


def test_everyone_has_a_turn_by_hand() -> None:
    affinity = np.array([[0.9, 0.8, 0.7, 0.1], [0.5, 0.6, 0.2, 0.3], [0.95, 0.1, 0.4, 0.0]])
    choice = round_robin(affinity, 4)
    # The third is nearest and takes 0; the first, whose 0 is gone, 1; the second, whose 1 is gone, 3.
    assert choice.order.tolist() == [0, 1, 3, 2]
    assert choice.target.tolist() == [2, 0, 1, 0]


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 30), st.integers(1, 40), st.integers(0, 9))
def test_shares_are_equal_and_the_order_of_the_target_is_nothing(
    queries: int, count: int, keep: int, seed: int
) -> None:
    affinity = np.random.default_rng(seed).normal(size=(queries, count))
    choice = round_robin(affinity, keep)
    assert len(set(choice.order.tolist())) == len(choice.order) == min(keep, count)
    shares = np.bincount(choice.target, minlength=queries)
    assert shares.max() - shares.min() <= 1
    turned = round_robin(affinity[::-1], keep)
    assert turned.order.tolist() == choice.order.tolist()


def test_how_many_are_meant_where_it_is_known() -> None:
    draw = np.random.default_rng(3)
    others = draw.normal(0, 1, 5000)
    meant = draw.normal(6, 1, 400)
    found = likeness(draw.normal(6, 1, 200), np.concatenate((meant, others)))
    assert found is not None
    assert found.meant == pytest.approx(400, rel=0.15)
    assert found.chances.sum() <= found.meant + 1e-9
    assert found.chances[:400].mean() > 0.8
    assert found.chances[400:].mean() < 0.01


def test_where_nothing_is_meant_little_is_claimed() -> None:
    draw = np.random.default_rng(4)
    found = likeness(draw.normal(6, 1, 50), draw.normal(0, 1, 5000))
    assert found is not None and found.meant < 10
    assert likeness(np.ones(9), np.ones(50)) is None


@given(
    st.lists(st.floats(-5, 5), min_size=10, max_size=40), st.lists(st.floats(-5, 5), min_size=1, max_size=60)
)
@settings(deadline=None)
def test_chances_rise_with_the_score(held_out: list[float], scores: list[float]) -> None:
    found = likeness(np.array(held_out), np.array(scores))
    assert found is not None
    rising = found.chances[np.argsort(scores, kind="stable")]
    assert (np.diff(rising) >= -1e-12).all() and rising.min() >= 0 and rising.max() <= 1


def run(
    pool: Pool, directory: Path, target: Target = TARGET, n: int = 4, loss_drop: object = None
) -> list[str]:
    filtered = run_cascade(
        pool,
        target,
        directory,
        budget=Budget(n=n, first=3),
        embed=bags,
        loss_drop=loss_drop,  # type: ignore[arg-type]
    )
    return [candidate.text for candidate in filtered.chosen]


def test_every_stage_leaves_its_scores(tmp_path: Path) -> None:
    pool = write_pool(tmp_path / "p.jsonl", made_up(100) + CARDS)
    chosen = run_cascade(
        pool,
        TARGET,
        tmp_path / "run",
        budget=Budget(n=3, first=3),
        embed=bags,
        loss_drop=lambda texts: np.array([-len(text) for text in texts], float),
    ).chosen
    sizes = [len((tmp_path / "run" / f"stage{k}.jsonl").read_text().splitlines()) for k in (1, 2, 3)]
    assert sizes == [9, 6, 6]
    assert [len(candidate.text) for candidate in chosen] == sorted(
        len(candidate.text) for candidate in chosen
    )
    assert set(chosen[0].scores) == {
        "importance",
        "bm25",
        "fused",
        "affinity",
        "target",
        "chance",
        "loss_drop",
    }
    row = json.loads((tmp_path / "run" / "stage3.jsonl").read_text().splitlines()[0])
    assert row["row"] == {"id": row["id"], "text": row["text"]}


def test_after_a_kill_it_goes_on_behind_the_last_stage(tmp_path: Path) -> None:
    pool = write_pool(tmp_path / "p.jsonl", made_up(100) + CARDS)
    usual = run(pool, tmp_path / "usual")

    def killed(texts: Sequence[str]) -> NDArray[np.float32]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_cascade(pool, TARGET, tmp_path / "run", budget=Budget(n=4, first=3), embed=killed)
    pool.files[0].unlink()  # what was read once isn't read again
    assert run(pool, tmp_path / "run") == usual
    assert run(pool, tmp_path / "run") == usual


def test_a_pool_of_known_texts_is_refused_each_time(tmp_path: Path) -> None:
    pool = write_pool(tmp_path / "p.jsonl", [TARGET.texts[0]])
    known = TARGET._replace(known=TARGET.texts)
    for _ in range(2):
        with pytest.raises(DataError, match="of 1 rows 1 stand in the scenario already"):
            run(pool, tmp_path / "run", known)


def test_the_curve_says_where_relevance_ends(tmp_path: Path) -> None:
    draw = random.Random(2)
    cards = [f"my {draw.choice(['new', 'old', 'bank'])} card {number} did not arrive" for number in range(60)]
    draw.shuffle(cards)
    target = Target(tuple(cards[:20]), examples=True)
    pool = write_pool(tmp_path / "p.jsonl", made_up(300) + cards[20:])
    found = run_cascade(pool, target, tmp_path / "run", budget=Budget(n=80, first=3), embed=bags)
    assert found.meant is not None and 20 <= found.meant <= 60
    coverage = [point["coverage"] for point in found.curve]
    assert coverage == sorted(coverage) and coverage[-1] > 0.9
    assert found.curve[0]["precision"] > 0.5 > found.curve[-1]["precision"]
    assert found.curve[-1]["n"] == 80


def test_definitions_give_no_hint(tmp_path: Path) -> None:
    pool = write_pool(tmp_path / "p.jsonl", made_up(30) + CARDS)
    target = Target((*TARGET.texts, *CARDS, "a", "b", "c"), examples=False)
    found = run_cascade(pool, target, tmp_path, budget=Budget(n=5), embed=bags)
    assert found.meant is None and found.curve == [] and found.chosen[0].scores["chance"] is None
    first, best = (read_candidates(tmp_path / "stage1.jsonl")), found.chosen[0]
    near = affinities(*np.split(bags([*target.texts, *(each.text for each in first)]), [len(target.texts)]))
    order = round_robin(near.candidates, len(first)).order.tolist()
    assert best.id == first[next(iter(fused_ranks(range(len(first)), order)))].id


def test_a_budget_is_positive() -> None:
    with pytest.raises(UsageError, match="'n' of the filter's budget must be at least 1, got 0"):
        Budget(n=0)


def test_targets_out_of_a_scenario() -> None:
    definitions = target_of_definitions(scenario(), ["kind"])
    assert definitions == Target(("w30: w15 w16", "w31: w17 w18", "w32: w19 w20"), examples=False)
    row = {"id": "1", "task": "kind", "input": {"text": "w1"}, "answer": {"label": "w30"}}
    records = [Record.from_json(row), Record.from_json({**row, "id": "2", "answer": {"text": "free"}})]
    assert target_of_records(records * 2) == Target(("w1", "w1\nfree"), examples=True)


def test_ranks_fused_by_hand() -> None:
    fused = fused_ranks([7, 5, 3], [5, 9])
    assert list(fused) == [5, 7, 9, 3]
    assert fused == pytest.approx({5: 1 / 62 + 1 / 61, 7: 1 / 61, 9: 1 / 62, 3: 1 / 63})
    assert list(fused_ranks([2], [1])) == [1, 2]
