"""The second stage: each target text in turn takes the document nearest to it.

RDS+ (Ivison et al. 2025, arXiv:2503.01807, section 3) ranks by the cosine of pooled hidden states to each
target text and goes round them, so that every one gets its share. Three departures:

- The candidates' mean is taken off all vectors: hidden states share a large common part that tells nothing
  apart.
- A document's affinity to a target text is its cosine to it plus `_WHOLE` times its mean cosine to all of
  them. By the nearest example alone, look-alikes of one odd example count as much as what all examples have
  in common.
- Within a round the target texts choose in the order of their affinities, so that it doesn't matter how they
  are sorted.

Knows vectors only.

Shapes: `Q` target texts, `C` candidates.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Places = NDArray[np.int64]

_WHOLE = 3.0
"""Weight of the mean cosine; between 1 and 5 the precision moves by about 0.02."""


class Affinities(NamedTuple):
    """How near documents are to target texts."""

    candidates: NDArray[np.float64]
    """Shape (Q, C)."""
    held_out: NDArray[np.float64]
    """Shape (Q,): the best affinity of each target text to the others, as if it were a candidate."""


class Choice(NamedTuple):
    """Places of candidates in the order they were chosen, and the target text that each was chosen for."""

    order: Places
    target: Places


def affinities(target: Vectors, candidates: Vectors) -> Affinities:
    """Compare vectors of target texts (Q, size) with those of candidates (C, size)."""
    mean = candidates.mean(axis=0, keepdims=True, dtype=np.float64)
    queries, documents = _unit(target - mean), _unit(candidates - mean)
    cosines = queries @ documents.T
    among = queries @ queries.T
    others = max(len(among) - 1, 1)
    whole = (among.sum(axis=1) - among.diagonal()) / others
    np.fill_diagonal(among, -np.inf)
    return Affinities(cosines + _WHOLE * cosines.mean(axis=0), among.max(axis=0) + _WHOLE * whole)


def round_robin(affinity: NDArray[np.float64], keep: int) -> Choice:
    """Let every target text in turn take the nearest candidate that is left, until so many are chosen.

    Args:
        affinity: shape (Q, C). Among equal ones the earlier place goes first.
        keep: how many, or all if there are fewer.
    """
    wanted = np.argsort(-affinity, axis=1, kind="stable")
    taken = np.zeros(affinity.shape[1], bool)
    at = np.zeros(len(affinity), np.int64)
    order: list[int] = []
    target: list[int] = []
    keep = min(keep, len(taken))
    while len(order) < keep:
        nearest = [_next_free(wanted, taken, at, turn) for turn in range(len(affinity))]
        turns = np.argsort(-affinity[np.arange(len(affinity)), nearest], kind="stable")
        for turn in turns[: keep - len(order)].tolist():
            place = _next_free(wanted, taken, at, turn)
            taken[place] = True
            order.append(place)
            target.append(turn)
    return Choice(np.array(order, np.int64), np.array(target, np.int64))


def _next_free(wanted: Places, taken: NDArray[np.bool_], at: Places, turn: int) -> int:
    """Move on to the nearest candidate that is left (there is one) and return it."""
    while taken[wanted[turn, at[turn]]]:
        at[turn] += 1
    return int(wanted[turn, at[turn]])


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), np.float64)
