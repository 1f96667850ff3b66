"""Vectors without a model: alike texts are near, in both languages; the sketch keeps the exact similarities."""

from __future__ import annotations

import numpy as np
import pytest

from sftloop.curate.similarity import hashed_ngrams as module
from sftloop.curate.similarity.hashed_ngrams import hashed_ngrams

ENGLISH = [
    "My card was stolen, please block it",
    "please block my stolen cards",
    "What is the exchange rate for euros?",
    "which exchange rates do you use",
    "",
]
CHINESE = ["我的银行卡被偷了，请冻结", "银行卡被偷，帮我冻结一下", "欧元汇率是多少", "今天的欧元汇率多少"]


@pytest.mark.parametrize(("texts", "language"), [(ENGLISH, "en"), (CHINESE, "zh")])
def test_alike_texts_are_near(texts: list[str], language: str) -> None:
    vectors = hashed_ngrams(texts, language)
    alike = vectors @ vectors.T
    assert vectors.dtype == np.float32 and vectors.shape == (len(texts), 256)
    others = max(alike[0, 2], alike[0, 3], alike[1, 2], alike[1, 3])
    assert min(alike[0, 1], alike[2, 3]) > 1.5 * max(others, 0.1)


def test_lengths_are_one_and_an_empty_text_is_like_nothing() -> None:
    vectors = hashed_ngrams(ENGLISH, "en")
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 1, 0], atol=1e-5)


def test_all_directions_keep_the_similarities_of_the_weights() -> None:
    texts = [f"word{n % 7} thing{n % 5} {n % 3} and more words {n}" for n in range(60)]
    vectors = hashed_ngrams(texts, "en", dimensions=1024)
    exact = module._tf_idf(texts, "en").toarray()
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    assert np.abs(vectors @ vectors.T - exact @ exact.T).max() < 0.2
    assert np.abs(vectors @ vectors.T - exact @ exact.T).mean() < 0.04


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = hashed_ngrams(CHINESE * 3, "zh")
    monkeypatch.setattr(module, "_CHUNK", 5)
    pieces = hashed_ngrams(CHINESE * 3, "zh")
    np.testing.assert_allclose(pieces @ pieces.T, whole @ whole.T, atol=1e-4)


def test_the_order_of_texts_does_not_matter() -> None:
    forward, backward = hashed_ngrams(ENGLISH, "en"), hashed_ngrams(ENGLISH[::-1], "en")[::-1]
    np.testing.assert_allclose(forward @ forward.T, backward @ backward.T, atol=1e-4)


def test_nothing_gives_nothing() -> None:
    assert hashed_ngrams([], "en").shape == (0, 256)
    assert not hashed_ngrams(["", "…"], "zh").any()
