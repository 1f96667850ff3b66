"""What a filtered selection must beat: as many documents drawn at random from the pool, and its longest ones.

One reading of the pool for all seeds, in bounded memory; equal texts count once, and the order of the files plays
no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sftloop.core.seeds import derive_seed
from sftloop.curate.filter.best import Best
from sftloop.curate.filter.candidate import Candidate
from sftloop.curate.filter.pool import Pool, PoolRow, blocks, told_apart
from sftloop.curate.similarity.terms import hashed_terms, text_keys

_MIX = np.uint64(0x9E3779B97F4A7C15)
Row = dict[str, Any]


def pool_baselines(
    pool: Pool, n: int, *, seeds: Sequence[int] = (0,), known: Sequence[str] = ()
) -> list[dict[str, list[Row]]]:
    """Return, for each seed, `n` rows of the pool drawn at random (`random`), and its `longest` by characters.

    Args:
        pool: files.
        n: how many.
        seeds: of the draws.
        known: texts that the scenario has already; copies of them are not drawn.
    """
    salts = [np.uint64(derive_seed("pool baseline", seed)) for seed in seeds]
    drawn, longest = [Best[PoolRow](n) for _ in seeds], Best[PoolRow](n)
    left_out = text_keys(hashed_terms(known))
    for block in blocks(pool.rows()):
        every = text_keys(hashed_terms([row.text for row in block]))
        new = np.flatnonzero(~np.isin(every, left_out))
        rows, keys = [block[place] for place in new], every[new]
        names = [row.place for row in rows]
        for best, salt in zip(drawn, salts, strict=True):
            best.offer(_scattered(keys, salt), keys, names, rows)
        longest.offer(np.array([len(row.text) for row in rows], dtype=np.float64), keys, names, rows)
    return [{"random": _rows(best), "longest": _rows(longest)} for best in drawn]


def _rows(best: Best[PoolRow]) -> list[Row]:
    return [row.row for row in told_apart([each.item for each in best.ranked()])]


def candidate_baselines(candidates: Sequence[Candidate], n: int) -> dict[str, list[Row]]:
    """Return the first stage's best `n` by BM25 alone (`bm25`) and by importance weight alone (`dsir`)."""
    found = {}
    for name, score in (("bm25", "bm25"), ("dsir", "importance")):
        order = sorted(candidates, key=lambda each: (-(each.scores[score] or 0.0), each.id))
        found[name] = [each.row for each in order[:n]]
    return found


def _scattered(keys: NDArray[np.uint64], salt: np.uint64) -> NDArray[np.float64]:
    """Return a number in [0, 1) per key that looks random and depends on key and salt only (splitmix64)."""
    with np.errstate(over="ignore"):
        mixed = (keys ^ salt) * _MIX
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / float(1 << 53)
