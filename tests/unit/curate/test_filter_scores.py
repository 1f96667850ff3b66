"""Importance weights and BM25 against numbers worked by hand and slow references."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sftloop.curate.filter.dsir import BUCKETS, ImportanceWeights, feature_counts
from sftloop.curate.similarity.bm25 import Bm25, Query
from sftloop.curate.similarity.terms import hashed_terms

POOL = ["a b", "a c c", "d", "a b b b"]
TEXTS = st.lists(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=6).map(" ".join), min_size=1, max_size=9
)


def importance(target: list[str], pool: list[str], texts: list[str]) -> list[float]:
    weights = ImportanceWeights(feature_counts(hashed_terms(target)), feature_counts(hashed_terms(pool)))
    return weights.score(hashed_terms(texts)).tolist()


def test_an_importance_weight_by_hand() -> None:
    # Pool features: a ×3, b ×4, c ×2, d, "a b" ×2, "a c", "c c", "b b" ×2: 16. Target: a, b, "a b".
    common = {"a": 4, "b": 5, "a b": 3, "d": 2}
    common = {name: count / (16 + BUCKETS) for name, count in common.items()}
    quotient = {name: (1 + 1000 * q) / 1003 / q for name, q in common.items() if name != "d"}
    quotient["d"] = 1000 / 1003
    found = importance(["a b"], POOL, ["a b", "d", ""])
    assert found[0] == pytest.approx(
        sum(math.log(quotient[name]) for name in ("a", "b", "a b")) / math.sqrt(3)
    )
    assert found[1:] == pytest.approx([math.log(quotient["d"]), 0.0])


def test_bm25_by_hand() -> None:
    # 4 texts of 2, 3, 1 and 4 words (2.5 on average); b stands in 2 of them, c in 1; the query asks for b twice.
    query, pool = Query(hashed_terms(["b c", "b"])), hashed_terms(POOL)
    seen = query.occurrences(pool)
    assert (seen.texts, seen.terms, sorted(seen.holding.tolist())) == (4, 10, [1, 2])
    idf_b, idf_c = math.log(1 + 2.5 / 2.5), math.log(1 + 3.5 / 1.5)
    expected = [
        2 * idf_b * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 2 / 2.5)),
        idf_c * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 2.5)),
        0.0,
        2 * idf_b * 3 * 2.2 / (3 + 1.2 * (0.25 + 0.75 * 4 / 2.5)),
    ]
    assert query.score(pool, seen) == pytest.approx(expected)


@settings(deadline=None)
@given(TEXTS, TEXTS, st.integers(0, 9))
def test_bm25_of_a_pool_cut_in_two(target: list[str], pool: list[str], cut: int) -> None:
    query = Query(hashed_terms(target))
    parts = [hashed_terms(pool[:cut]), hashed_terms(pool[cut:])]
    seen = query.occurrences(parts[0]).plus(query.occurrences(parts[1]))
    found = np.concatenate([query.score(part, seen) for part in parts])
    assert found == pytest.approx(Bm25.of(pool).scores([" ".join(target)], pool)[0], rel=1e-4, abs=1e-5)


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_importance_against_a_slow_count(target: list[str], pool: list[str]) -> None:
    def features(texts: list[str]) -> Counter[object]:
        words = [text.split() for text in texts]
        return Counter(part for each in words for part in (*each, *pairwise(each)))

    wanted, common = features(target), features(pool)
    found = importance(target, pool, pool)
    for text, score in zip(pool, found, strict=True):
        mine, total = features([text]), 0.0
        for part, times in mine.items():
            q = (common[part] + 1) / (common.total() + BUCKETS)
            total += times * math.log((wanted[part] + 1000 * q) / (wanted.total() + 1000) / q)
        assert score == pytest.approx(total / math.sqrt(mine.total()))


def test_chinese_is_searched_by_two_characters() -> None:
    query = Query(hashed_terms(["银行卡"]))
    pool = hashed_terms(["我的银行卡丢了", "卡", "银 行", "bank card"])
    scores = query.score(pool, query.occurrences(pool))
    assert (scores > 0).tolist() == [True, False, True, False]


def test_a_query_without_terms_finds_nothing() -> None:
    query, pool = Query(hashed_terms([" "])), hashed_terms(POOL)
    seen = query.occurrences(pool)
    assert seen.holding.size == 0 and not query.score(pool, seen).any()
