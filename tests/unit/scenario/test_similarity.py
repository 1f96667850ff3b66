"""N-gram similarity and word counts, on hand-worked numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftloop.scenario.similarity import ngram_similarity, ngrams, normalised, word_count


def test_by_hand():
    assert ngrams("abcab") == {"abc": 1, "bca": 1, "cab": 1}
    assert ngram_similarity("abcd", "abce") == pytest.approx(2 * 1 / (2 + 2))
    assert ngram_similarity("aaaa", "aaa") == pytest.approx(2 * 1 / (2 + 1)), "with multiplicity"


def test_case_width_and_punctuation_do_not_count():
    assert normalised("Ａb,  C！") == "ab c"
    assert ngram_similarity("Wants money back.", "wants MONEY, back") == 1


@given(one=st.text(max_size=30), other=st.text(max_size=30))
def test_bounds_and_symmetry(one, other):
    assert 0 <= ngram_similarity(one, other) <= 1
    assert ngram_similarity(one, other) == ngram_similarity(other, one)
    assert ngram_similarity(one, one) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [("", 0), ("refund", 1), ("a re-fund", 3), ("退款", 1), ("要求退款", 2), ("用 iPhone 拍照", 3), ("…", 0)],
)
def test_words(text, words):
    assert word_count(text) == words
