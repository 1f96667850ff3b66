"""BM25: how well documents answer queries, by their words alone (Robertson & Zaragoza 2009, eq. 3.15).

The inverse document frequency is ln(1 + (N − n + 0.5) / (n + 0.5)), which stays positive for a word that most
documents hold; the published one turns negative there. Words are hashed, so documents that weren't counted can be
scored too, chunk by chunk.

Knows texts only; who the queries are is for the caller.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]

_BUCKETS = 1 << 20
_SATURATION = 1.2
"""k₁: how soon more of the same word stops counting."""
_LENGTH = 0.75
"""b: how much a long document is held to be long-winded rather than rich."""
_CJK = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS = re.compile(rf"[{_CJK}]+|[^\W{_CJK}]+")
_IS_CJK = re.compile(rf"[{_CJK}]")


def words(text: str) -> list[str]:
    """Return the lower-cased words of a text; of scripts without spaces, each two neighbouring characters."""
    found: list[str] = []
    for run in _RUNS.findall(text.lower()):
        if len(run) > 1 and _IS_CJK.match(run):
            found.extend(run[at : at + 2] for at in range(len(run) - 1))
        else:
            found.append(run)
    return found


class Bm25:
    """Word frequencies of a collection, and the scores of documents under them."""

    def __init__(self, rarity: Scores, mean_length: float) -> None:
        self._rarity, self._mean_length = rarity, mean_length

    @classmethod
    def of(cls, documents: Iterable[str]) -> Bm25:
        """Count the words of a collection: the documents to be scored, or a fair sample of them."""
        counts = _counts(documents)
        holding = np.bincount(counts.indices, minlength=_BUCKETS)
        rarity = np.log1p((counts.shape[0] - holding + 0.5) / (holding + 0.5))
        mean = counts.sum() / max(1, counts.shape[0])
        return cls(rarity.astype(np.float32), float(mean) or 1.0)

    def scores(self, queries: Sequence[str], documents: Sequence[str]) -> Scores:
        """Return every document's score for every query, shape (queries, documents); 0: no word in common.

        A word that a query holds twice counts twice.
        """
        asked, weighted = _counts(queries), self._weighted(documents)
        table: Scores = (asked @ weighted.T).toarray()
        return table

    def _weighted(self, documents: Sequence[str]) -> Any:
        """Return (documents, buckets): what each word of a document adds to its score."""
        counts = _counts(documents)
        lengths = np.asarray(counts.sum(axis=1)).ravel()
        damping = _SATURATION * (1 - _LENGTH + _LENGTH * lengths / self._mean_length)
        often = counts.data / (counts.data + np.repeat(damping, np.diff(counts.indptr)))
        counts.data = (often * (_SATURATION + 1) * self._rarity[counts.indices]).astype(np.float32)
        return counts


def _counts(documents: Iterable[str]) -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    hashing = HashingVectorizer(
        n_features=_BUCKETS, analyzer=words, alternate_sign=False, norm=None, dtype=np.float32
    )
    return hashing.transform(documents)
