"""How well some records stand for all, and in which order to keep them so that they do it best.

A record is as well covered as the most similar kept record of its group is similar to it (cosine, 0 where
negative); coverage is the mean over all records: the facility location function, 1 when everything is kept. It
is monotone and submodular, so taking the record with the greatest gain next stays within 1 − 1/e of the best set
of every size (Nemhauser et al. 1978). Gains only fall, so old ones are upper bounds and few need computing again
(lazy greedy, Minoux 1978); the sampled greedy of Mirzasoleiman et al. (2015, arXiv:1409.7938) isn't needed at the
size of a group.

Knows vectors and groups; doesn't know records or labels.

Shapes: `N` texts of a group.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sftloop.core.seeds import derive_seed

Vectors = NDArray[np.float32]
Places = NDArray[np.intp]

_LARGEST = 4096
"""Texts whose similarities are held at once (67 MB); a larger group is cut into clusters first."""
_AT_ONCE = 16
"""Gains computed again together."""


@dataclass(frozen=True, slots=True)
class Order:
    """Texts from the first to keep to the first to drop."""

    places: Places
    gains: NDArray[np.float64]
    """What each adds to the sum of similarities when those in front of it are kept."""


def groups_of(keys: Sequence[Hashable], vectors: Vectors, *, seed: int = 0) -> list[Places]:
    """Return the places of texts that may stand for each other: those of one key, in clusters if they are many.

    Args:
        keys: one per text; texts with different keys never cover each other.
        vectors: shape (texts, dimensions), of length 1.
        seed: of the clusters.
    """
    members: dict[Hashable, list[int]] = {}
    for place, key in enumerate(keys):
        members.setdefault(key, []).append(place)
    return [part for group in members.values() for part in _clusters(np.array(group), vectors, seed)]


def _clusters(places: Places, vectors: Vectors, seed: int) -> Iterator[Places]:
    """Cut a group in clusters of similar texts until each is small enough."""
    if len(places) <= _LARGEST:
        yield places
        return
    from sklearn.cluster import MiniBatchKMeans

    wanted = 2 * -(-len(places) // _LARGEST)
    draw = derive_seed("clusters", seed)
    means = MiniBatchKMeans(wanted, batch_size=4096, n_init=1, random_state=draw)
    cluster = means.fit_predict(vectors[places])
    if cluster.max() == cluster.min():  # all alike: any cut is as good
        cluster = np.arange(len(places)) % wanted
    for number in np.unique(cluster):
        yield from _clusters(places[cluster == number], vectors, seed)


def greedy_order(vectors: Vectors, first: NDArray[np.bool_] | None = None) -> Order:
    """Return the texts of one group in the order in which they cover it best.

    Args:
        vectors: (N, dimensions), of length 1.
        first: (N,) texts that come before all others, among themselves in the same kind of order.
    """
    alike = np.clip(vectors @ vectors.T, 0.0, 1.0)
    np.fill_diagonal(alike, 1.0)
    covered = np.zeros(len(vectors), dtype=np.float32)
    urgent = np.zeros(len(vectors), dtype=bool) if first is None else first
    found = [pick for tier in (urgent, ~urgent) for pick in _greedily(alike, covered, tier)]
    places, gains = zip(*found, strict=True) if found else ((), ())
    return Order(np.array(places, dtype=np.intp), np.array(gains, dtype=np.float64))


def _greedily(alike: Vectors, covered: Vectors, candidates: NDArray[np.bool_]) -> Iterator[tuple[int, float]]:
    """Yield candidates and their gains, the greatest first; `covered` (N,) is kept up to date."""
    bounds = np.where(candidates, np.inf, -np.inf)
    last = np.inf
    for _ in range(int(candidates.sum())):
        best = _best(alike, covered, bounds)
        last = min(last, float(bounds[best]))
        yield best, max(last, 0.0)
        np.maximum(covered, alike[best], out=covered)
        bounds[best] = -np.inf


def _best(alike: Vectors, covered: Vectors, bounds: NDArray[np.float64]) -> int:
    """Return the place with the greatest gain, computing gains again where an old one might be it."""
    fresh = np.zeros(len(bounds), dtype=bool)
    while True:
        stale = np.where(fresh, -np.inf, bounds)
        top = np.argpartition(-stale, min(_AT_ONCE, len(stale)) - 1)[:_AT_ONCE]
        top = top[stale[top] > -np.inf]
        best = int(np.argmax(np.where(fresh, bounds, -np.inf)))
        if not len(top) or (fresh[best] and bounds[best] >= stale[top].max()):
            return best
        gains = np.maximum(alike[top] - covered, 0.0).sum(axis=1, dtype=np.float64)
        bounds[top] = np.minimum(bounds[top], gains)
        fresh[top] = True
