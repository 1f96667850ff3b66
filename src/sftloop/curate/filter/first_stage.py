"""The first stage: the whole pool read twice in a stream, the best by importance weight and by BM25 kept.

The first reading counts n-grams and the target's terms, the second one scores. `count` and `score` take texts
and give numbers, so that anything may run them, over any cut of the pool; `fuse` puts the bests together.
Doesn't know models.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sftloop.core.errors import DataError
from sftloop.core.progress import Progress, clock, say
from sftloop.curate.filter.best import Best
from sftloop.curate.filter.candidate import Candidate
from sftloop.curate.filter.dsir import ImportanceWeights, feature_counts
from sftloop.curate.filter.pool import Pool, PoolCounts, PoolRow, blocks, told_apart
from sftloop.curate.filter.rank_fusion import fused_ranks
from sftloop.curate.filter.target import Target
from sftloop.curate.similarity.bm25 import Occurrences, Query
from sftloop.curate.similarity.terms import hashed_terms, text_keys

_Item = tuple[PoolRow, float, float]
"""A row with its importance weight and its BM25."""


class PoolStatistics(NamedTuple):
    """What the first reading counts; parts of a pool add up. Equal texts count as often as they stand there."""

    features: NDArray[np.int64]
    occurrences: Occurrences
    known: int
    """Texts that the scenario has already."""

    def plus(self, other: PoolStatistics) -> PoolStatistics:
        """Return both together."""
        return PoolStatistics(
            self.features + other.features, self.occurrences.plus(other.occurrences), self.known + other.known
        )


class TextScores(NamedTuple):
    """What the second reading finds, one entry per text."""

    keys: NDArray[np.uint64]
    """Equal for texts that are equal but for case, width, spaces and punctuation."""
    importance: NDArray[np.float64]
    bm25: NDArray[np.float64]


class FirstStage:
    """Counts and scores texts for one target.

    Args:
        target: what is looked for.

    Raises:
        DataError: the target has no words.
    """

    def __init__(self, target: Target) -> None:
        terms = hashed_terms(target.texts)
        if not len(terms.hashes):
            raise DataError(
                "The target has no text to search for.", hint="Give examples or define the labels."
            )
        self._features, self._query = feature_counts(terms), Query(terms)
        self._known = text_keys(hashed_terms(target.known))

    def count(self, texts: Sequence[str]) -> PoolStatistics:
        """Return what these texts add to the pool's statistics."""
        terms = hashed_terms(texts)
        known = int(np.isin(text_keys(terms), self._known).sum()) if len(self._known) else 0
        return PoolStatistics(feature_counts(terms), self._query.occurrences(terms), known)

    def score(self, texts: Sequence[str], pool: PoolStatistics) -> TextScores:
        """Return each text's scores, given the whole pool's statistics."""
        terms = hashed_terms(texts)
        weights = ImportanceWeights(self._features, pool.features)
        return TextScores(text_keys(terms), weights.score(terms), self._query.score(terms, pool.occurrences))

    def score_new(
        self, rows: Sequence[PoolRow], pool: PoolStatistics
    ) -> tuple[Sequence[PoolRow], TextScores]:
        """Return the rows whose text the scenario doesn't have, and their scores."""
        scores = self.score([row.text for row in rows], pool)
        if not len(self._known):
            return rows, scores
        new = np.flatnonzero(~np.isin(scores.keys, self._known))
        found = TextScores(scores.keys[new], scores.importance[new], scores.bm25[new])
        return [rows[place] for place in new.tolist()], found


class Bests:
    """The best rows by importance weight and by BM25.

    Args:
        keep: how many of each.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._importance, self._bm25 = Best[_Item](keep), Best[_Item](keep)

    def offer(self, rows: Sequence[PoolRow], scores: TextScores) -> None:
        """Take in a block."""
        names = [row.place for row in rows]
        items = list(zip(rows, scores.importance.tolist(), scores.bm25.tolist(), strict=True))
        self._importance.offer(scores.importance, scores.keys, names, items)
        hit = np.flatnonzero(scores.bm25)  # the others share no word with the target
        hit_names, hit_items = [names[place] for place in hit], [items[place] for place in hit]
        self._bm25.offer(scores.bm25[hit], scores.keys[hit], hit_names, hit_items)

    def held(self) -> tuple[list[PoolRow], TextScores]:
        """Return what another may be offered in place of all that this one was."""
        found = {each.key: each.item for best in (self._importance, self._bm25) for each in best.ranked()}
        rows, importance, bm25 = zip(*found.values(), strict=True) if found else ((), (), ())
        scores = TextScores(np.array(list(found), np.uint64), np.array(importance), np.array(bm25))
        return list(rows), scores

    def fused(self) -> list[Candidate]:
        """Return the best by rank in both lists together."""
        lists = [best.ranked() for best in (self._importance, self._bm25)]
        items = {each.key: each.item for ranked in lists for each in ranked}
        fused = fused_ranks(*([each.key for each in ranked] for ranked in lists))
        return _candidates([(items[key], fused[key]) for key in list(fused)[: self._keep]])


def search_pool(pool: Pool, target: Target, keep: int) -> tuple[list[Candidate], PoolCounts]:
    """Read the pool twice and return the best, and what the reading came across.

    Args:
        pool: files.
        target: what is looked for.
        keep: how many.

    Raises:
        DataError: the target has no words, or as `Pool.rows`, or no row has any text.
    """
    stage, counts, began = FirstStage(target), PoolCounts(), time.monotonic()
    statistics = stage.count(())
    for block in blocks(pool.rows(counts)):
        statistics = statistics.plus(stage.count([row.text for row in block]))
    texts = statistics.occurrences.texts
    if not texts:
        raise DataError(f"The pool has {counts.rows} rows and no text.", hint="Name the columns with text.")
    say(f"pool: {texts} texts counted in {clock(time.monotonic() - began)}")
    bests = Bests(keep)
    with Progress("pool: scored", texts) as progress:
        for block in blocks(pool.rows()):
            bests.offer(*stage.score_new(block, statistics))
            progress.advance(len(block))
    counts.known = statistics.known
    return bests.fused(), counts


def _candidates(found: Sequence[tuple[_Item, float]]) -> list[Candidate]:
    rows = told_apart([row for (row, _, _), _ in found])
    return [
        Candidate(
            id=row.id,
            text=row.text,
            row=row.row,
            scores={"importance": importance, "bm25": bm25, "fused": fused},
        )
        for row, ((_, importance, bm25), fused) in zip(rows, found, strict=True)
    ]
