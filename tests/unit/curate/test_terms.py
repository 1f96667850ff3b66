"""Hashed terms agree with a slow cut of the normalised text, alone or in any company."""

from __future__ import annotations

from itertools import pairwise
from unicodedata import east_asian_width

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sftloop.curate.similarity.terms import bigrams, hashed_terms, text_keys
from sftloop.records.identity import normalise

TEXTS = st.lists(st.text(st.sampled_from("ab C,.!你好 \n1😀é"), max_size=12), max_size=8)


def slow_terms(text: str) -> list[str]:
    """Cut at spaces and around wide characters."""
    apart = "".join(f" {mark} " if east_asian_width(mark) == "W" else mark for mark in normalise(text))
    return apart.split()


@given(TEXTS)
def test_terms_are_equal_where_the_words_are(texts: list[str]) -> None:
    terms = hashed_terms(texts)
    words = [slow_terms(text) for text in texts]
    assert np.diff(terms.offsets).tolist() == [len(each) for each in words]
    flat = [word for each in words for word in each]
    known: dict[str, int] = {}
    for word, value in zip(flat, terms.hashes.tolist(), strict=True):
        assert known.setdefault(word, value) == value
    assert len(set(known.values())) == len(known)
    assert terms.wide.tolist() == [east_asian_width(word[0]) == "W" for word in flat]
    assert terms.owner.tolist() == [place for place, each in enumerate(words) for _ in each]


@given(TEXTS)
def test_bigrams_stay_within_a_text(texts: list[str]) -> None:
    terms = hashed_terms(texts)
    values, first = bigrams(terms)
    pairs = [pair for text in texts for pair in pairwise(slow_terms(text))]
    assert len(values) == len(pairs) == len(first)
    assert len(set(values.tolist())) == len(set(pairs))


@given(TEXTS)
def test_keys_are_equal_where_the_terms_are(texts: list[str]) -> None:
    keys = text_keys(hashed_terms(texts)).tolist()
    assert len(set(keys)) == len({tuple(slow_terms(text)) for text in texts})
    assert keys == [int(text_keys(hashed_terms([text]))[0]) for text in texts]


def test_order_and_case() -> None:
    one, other, loud, blank = text_keys(hashed_terms(["a b", "b a", "A,  b!", " "])).tolist()
    assert one == loud and len({one, other, blank}) == 3
