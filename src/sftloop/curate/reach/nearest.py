"""How alike each text is to its nearest among others, and to its nearest fellow.

Knows vectors of length 1; doesn't know what the texts are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Similarities = NDArray[np.float32]

_CHUNK = 2048
"""Rows compared with all others at once."""
_COPY = 0.95
"""Cosine of a text and a copy of it with other punctuation or a typo."""


def nearest_other(vectors: Vectors) -> Similarities:
    """Return each row's cosine to the nearest other row that is no copy of it, (N,); -1 where there is none.

    Copies would make a set look closer to itself than anything else can be.
    """
    return _nearest(vectors, vectors, apart=True)


def nearest_in(vectors: Vectors, among: Vectors) -> Similarities:
    """Return the cosine of each row of `vectors` (N, size) to the nearest row of `among` (M, size), (N,)."""
    return _nearest(vectors, among, apart=False)


def _nearest(vectors: Vectors, among: Vectors, *, apart: bool) -> Similarities:
    found = np.full(len(vectors), -1, np.float32)
    for start in range(0, len(vectors) if len(among) else 0, _CHUNK):
        cosines = vectors[start : start + _CHUNK] @ among.T
        if apart:
            rows = np.arange(len(cosines))
            cosines[rows, start + rows] = -1
            cosines[cosines > _COPY] = -1
        found[start : start + _CHUNK] = cosines.max(axis=1)
    return found
