"""BM25 against numbers worked by hand and against the formula written out word by word."""

from __future__ import annotations

import math
from collections import Counter
from unicodedata import east_asian_width

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sftloop.curate.similarity.bm25 import Bm25, Query
from sftloop.curate.similarity.terms import hashed_terms
from sftloop.records.identity import normalise

DOCUMENTS = ["card lost card", "card stolen", "new pin", ""]


def words(text: str) -> list[str]:
    """Cut slowly: words, and of wide characters every two in a row, or one alone."""
    found: list[str] = []
    apart = "".join(
        f" {mark} " if east_asian_width(mark) == "W" else mark for mark in normalise(text)
    ).split()
    wide = [east_asian_width(term[0]) == "W" for term in apart]
    for place, term in enumerate(apart):
        before, behind = place > 0 and wide[place - 1], place + 1 < len(apart) and wide[place + 1]
        if not wide[place] or not (before or behind):
            found.append(term)
        elif behind:
            found.append(term + apart[place + 1])
    return found


@pytest.mark.parametrize(
    ("query", "hit", "missed"),
    [
        ("LOST card!", "my card's lost", "my cards"),
        ("卡丢", "银行卡丢了", "卡没丢"),
        ("Ｃａｒｄ", "card", "cart"),
        ("好", "好 card", "好的"),
        ("iphone15", "我的iPhone15坏了", "iphone 15"),
        ("カード", "カード", "カ"),
    ],
)
def test_what_is_a_term(query: str, hit: str, missed: str) -> None:
    found = Bm25.of([hit, missed]).scores([query], [hit, missed])[0]
    assert found[0] > 0 and found[1] == 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("ab 卡丢", max_size=12), min_size=1, max_size=6), st.text("ab 卡丢", max_size=8))
def test_a_stream_scores_as_a_collection_does(texts: list[str], query: str) -> None:
    stream, terms = Query(hashed_terms([query])), [hashed_terms([text]) for text in texts]
    seen = stream.occurrences(terms[0])
    for part in terms[1:]:
        seen = seen.plus(stream.occurrences(part))
    streamed = np.concatenate([stream.score(part, seen) for part in terms])
    np.testing.assert_array_equal(streamed, Bm25.of(texts).scores([query], texts)[0])


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
