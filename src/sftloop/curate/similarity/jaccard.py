"""Exact Jaccard similarity of many pairs of shingle sets.

Knows sets; doesn't know where the pairs come from or what similarity is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from sftloop.curate.similarity.shingles import ShingleSets, all_shingle_sets
from sftloop.curate.threads import in_threads

_CHUNK_PAIRS = 2048


def similarities(texts: Iterable[str], pairs: Sequence[tuple[int, int]]) -> list[float]:
    """Return the similarity of each pair of texts, given by position."""
    if not pairs:
        return []
    left, right = np.asarray(pairs, np.int64).T
    return [float(value) for value in jaccard(all_shingle_sets(texts), left, right)]


def jaccard(sets: ShingleSets, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return shared over all shingles for each pair of sets, `[pairs]`."""
    chunks = [slice(begin, begin + _CHUNK_PAIRS) for begin in range(0, len(left), _CHUNK_PAIRS)]
    parts = in_threads(lambda chunk: _shared(sets, left[chunk], right[chunk]), chunks)
    shared = np.concatenate([np.zeros(0, np.int64), *parts])
    union: NDArray[np.int64] = sets.sizes[left] + sets.sizes[right] - shared
    ratio: NDArray[np.float64] = shared / union
    return ratio


def _shared(sets: ShingleSets, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort both sets of every pair together: what they share stands twice."""
    keys = []
    for side in (left, right):
        mine = sets.taken(side)
        pair = np.repeat(np.arange(len(side), dtype=np.uint64), mine.sizes)
        keys.append((pair << np.uint64(32)) | mine.hashes)
    both = np.concatenate(keys)
    both.sort()
    twice = both[1:][both[1:] == both[:-1]] >> np.uint64(32)
    return np.bincount(twice.astype(np.int64), minlength=len(left))
