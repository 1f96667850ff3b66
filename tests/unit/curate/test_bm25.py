"""BM25 against numbers worked by hand and against the formula written out word by word."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sftloop.curate.similarity.bm25 import Bm25, words

DOCUMENTS = ["card lost card", "card stolen", "new pin", ""]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("My card's LOST!", ["my", "card", "s", "lost"]),
        ("银行卡丢了", ["银行", "行卡", "卡丢", "丢了"]),
        ("我的iPhone15坏了", ["我的", "iphone15", "坏了"]),
        ("好", ["好"]),
        ("カード カ", ["カー", "ード", "カ"]),
        ("…?!", []),
    ],
)
def test_words(text: str, wanted: list[str]) -> None:
    assert words(text) == wanted


def test_scores_worked_by_hand() -> None:
    # 4 documents of 3, 2, 2 and 0 words: 7 / 4 on average. "card" stands in 2, "pin" in 1.
    card, pin = math.log(1 + 2.5 / 2.5), math.log(1 + 3.5 / 1.5)
    twice_in_three = 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 1.75))
    once_in_two = 1 * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 2 / 1.75))
    wanted = [
        [card * twice_in_three, card * once_in_two, 0, 0],
        [0, 0, 2 * pin * once_in_two, 0],
    ]
    got = Bm25.of(DOCUMENTS).scores(["the Card", "pin pin"], DOCUMENTS)
    np.testing.assert_allclose(got, wanted, rtol=1e-6)


def slowly(queries: list[str], documents: list[str], collection: list[str]) -> list[list[float]]:
    bags = [Counter(words(text)) for text in collection]
    mean = sum(bag.total() for bag in bags) / len(bags) or 1.0

    def one(query: str, document: str) -> float:
        bag, total = Counter(words(document)), 0.0
        for word in words(query):
            n = sum(word in other for other in bags)
            rarity = math.log(1 + (len(bags) - n + 0.5) / (n + 0.5))
            norm = 1.2 * (1 - 0.75 + 0.75 * bag.total() / mean)
            total += rarity * bag[word] * 2.2 / (bag[word] + norm) if bag[word] else 0.0
        return total

    return [[one(query, document) for document in documents] for query in queries]


TEXTS = st.lists(st.text("ab 卡丢", max_size=12), min_size=1, max_size=6)


@settings(max_examples=30, deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_scores_equal_the_formula_word_by_word(
    queries: list[str], documents: list[str], collection: list[str]
) -> None:
    got = Bm25.of(collection).scores(queries, documents)
    np.testing.assert_allclose(got, slowly(queries, documents, collection), rtol=1e-4, atol=1e-6)


def test_chunks_score_like_the_whole() -> None:
    model = Bm25.of(DOCUMENTS)
    pieces = [model.scores(["card pin"], [document]) for document in DOCUMENTS]
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), model.scores(["card pin"], DOCUMENTS))
