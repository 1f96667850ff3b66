"""How varied a set is: effective numbers of labels, tags and texts.

Takes counts and embedding matrices; doesn't know records or where embeddings come from.
Shapes: `n` rows, `d` dimensions.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from sftloop.core.seeds import derive_seed

FloatArray = npt.NDArray[np.float64]

_EXACT_UP_TO = 1024
"""Dimensions whose covariance is decomposed as it is; more are projected down to so many."""


def effective_number(items: Iterable[str]) -> float:
    """Return how many equally frequent kinds would be as varied: exp of Shannon's entropy; 0 without items."""
    _, counts = np.unique(list(items), return_counts=True)
    if not len(counts):
        return 0.0
    shares = counts / counts.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def vendi_score(rows: npt.ArrayLike, *, seed: int = 0) -> float:
    """Return the effective number of distinct rows, 1 to n, with the cosine kernel; 0 without rows.

    exp of the entropy of the eigenvalues of K / n (Friedman and Dieng 2023, "The Vendi Score",
    arXiv:2210.02410, equation 2). With a linear kernel K = X Xᵀ these are the eigenvalues of Xᵀ X / n, [d, d],
    so the cost grows with n only linearly and the result is exact (their section on the cosine kernel). Only
    where both n and d exceed 1,024 are the rows projected at random to 1,024 dimensions first
    (Johnson-Lindenstrauss), which can't show more than 1,024 distinct rows.

    Args:
        rows: embeddings, [n, d]; a row of zeros counts as one more direction of its own kind: nothing.
        seed: of the projection.
    """
    units = _units(rows)
    n, d = units.shape
    if not n:
        return 0.0
    if min(n, d) > _EXACT_UP_TO:
        units = _units(units @ _projection(d, seed))
    gram = units @ units.T if n <= units.shape[1] else units.T @ units
    eigenvalues = np.linalg.eigvalsh(gram / n)
    eigenvalues = eigenvalues[eigenvalues > 1e-12]
    eigenvalues = eigenvalues / eigenvalues.sum()
    return float(np.exp(-(eigenvalues * np.log(eigenvalues)).sum()))


def _units(rows: npt.ArrayLike) -> FloatArray:
    """Return the rows at length 1; zeros stay zeros."""
    matrix = np.atleast_2d(np.asarray(rows, dtype=np.float64))
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    units: FloatArray = matrix / np.where(lengths > 0, lengths, 1.0)
    return units


def _projection(dimensions: int, seed: int) -> FloatArray:
    generator = np.random.default_rng(derive_seed("vendi", seed))
    return np.asarray(generator.standard_normal((dimensions, _EXACT_UP_TO)) / np.sqrt(_EXACT_UP_TO))
