"""BM25: how well texts answer a query, by their words alone.

Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework", eq. 3.15, with Lucene's non-negative idf,
ln(1 + (N − n + 0.5) / (n + 0.5)): the published one turns negative for a word that most texts hold. Only terms of
the query count, so one pass over a stream of texts gives all that the next one needs: how many texts hold each of
them, and the average length. A term of the query weighs as often as it occurs there.

A term is a word, or two wide characters in a row; a wide character without such a neighbour is one by itself.
Knows terms, not texts; who the queries are is for the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sftloop.curate.similarity.terms import Hashes, Places, Terms, bigrams, hashed_terms

_SATURATION, _LENGTH_SHARE = 1.2, 0.75
"""The usual k1 and b."""


class Occurrences(NamedTuple):
    """What one pass over texts finds out for a query; two of them add up."""

    texts: int
    terms: int
    """Terms of all texts together, of the query or not."""
    holding: NDArray[np.int64]
    """How many texts hold each term of the query."""

    def plus(self, other: Occurrences) -> Occurrences:
        """Return both together."""
        return Occurrences(self.texts + other.texts, self.terms + other.terms, self.holding + other.holding)


class Query:
    """The terms that are looked for.

    Args:
        terms: those of all target texts.
    """

    def __init__(self, terms: Terms) -> None:
        found, _ = _searchable(terms)
        self.vocabulary, self.counts = np.unique(found, return_counts=True)

    def occurrences(self, terms: Terms) -> Occurrences:
        """Return what these texts contribute."""
        hashes, owner = _searchable(terms)
        hit, place = self._hits(hashes)
        distinct = np.unique(owner[hit] * len(self.vocabulary) + place)
        holding = np.bincount(distinct % max(len(self.vocabulary), 1), minlength=len(self.vocabulary))
        return Occurrences(len(terms.offsets) - 1, len(hashes), holding)

    def score(self, terms: Terms, pool: Occurrences) -> NDArray[np.float64]:
        """Return each text's BM25.

        Args:
            terms: of the texts.
            pool: what a pass over the whole pool found.
        """
        hashes, owner = _searchable(terms)
        texts = len(terms.offsets) - 1
        hit, place = self._hits(hashes)
        pairs, counts = np.unique(owner[hit] * len(self.vocabulary) + place, return_counts=True)
        text, term = np.divmod(pairs, max(len(self.vocabulary), 1))
        average = max(pool.terms, 1) / max(pool.texts, 1)
        length = np.bincount(owner, minlength=texts) / average
        damped = counts + _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * length[text])
        idf = np.log1p((pool.texts - pool.holding + 0.5) / (pool.holding + 0.5))
        weight = self.counts * idf * (_SATURATION + 1)
        weights: NDArray[np.float64] = weight[term] * counts / damped
        return np.bincount(text, weights, minlength=texts).astype(np.float64)

    def _hits(self, hashes: Hashes) -> tuple[NDArray[np.bool_], Places]:
        """Return which terms are the query's, and the place of each of those in its vocabulary."""
        if not len(self.vocabulary):
            return np.zeros(len(hashes), bool), np.zeros(0, np.int64)
        place = np.searchsorted(self.vocabulary, hashes)
        place[place == len(self.vocabulary)] = 0
        hit = self.vocabulary[place] == hashes
        return hit, place[hit]


class Bm25:
    """A collection that is small enough to be held, and the scores of texts under it."""

    def __init__(self, collection: Terms) -> None:
        self._collection = collection

    @classmethod
    def of(cls, documents: Iterable[str]) -> Bm25:
        """Take in a collection: the texts to be scored, or a fair sample of them."""
        return cls(hashed_terms(list(documents)))

    def scores(self, queries: Sequence[str], documents: Sequence[str]) -> NDArray[np.float64]:
        """Return every document's score for every query, shape (queries, documents); 0: no term in common."""
        table = np.zeros((len(queries), len(documents)))
        for row, scores in enumerate(self.each(queries, documents)):
            table[row] = scores
        return table

    def each(self, queries: Sequence[str], documents: Sequence[str]) -> Iterator[NDArray[np.float64]]:
        """Yield the documents' scores, (documents,), for one query after the other."""
        scored = hashed_terms(documents)
        for text in queries:
            query = Query(hashed_terms([text]))
            yield query.score(scored, query.occurrences(self._collection))


def _searchable(terms: Terms) -> tuple[Hashes, Places]:
    """Return the hash and the text of every term that is searched for."""
    pairs, first = bigrams(terms)
    both = terms.wide[first] & terms.wide[first + 1]
    paired = np.zeros(len(terms.hashes), bool)
    paired[first[both]] = paired[first[both] + 1] = True
    owner = terms.owner
    return np.concatenate((terms.hashes[~paired], pairs[both])), np.concatenate(
        (owner[~paired], owner[first[both]])
    )
