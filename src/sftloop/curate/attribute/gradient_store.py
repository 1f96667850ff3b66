"""Projected gradients on disk, a bit or a byte per number, in files that are read without loading them.

One bit keeps the sign (QLESS, Ananta et al. 2025, arXiv:2502.01703, finds selection as good as with 16 bits):
with 8,064 numbers and four checkpoints 270,000 records take 1.1 GB in place of 17.4. Rows may be written in any
order, and after a kill those that are whole are known: a row's length is written behind its numbers.

Knows rows of numbers; doesn't know records or models.

Shapes: `N` rows, `d` numbers per row, `J` targets.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sftloop.core.errors import DataError
from sftloop.core.files import atomic_write_json, disk_errors, read_json

Bits = Literal[1, 8]
_READ_ROWS = 4096
_SIGN_LENGTH = (np.pi / 2) ** 0.5
"""Of normal numbers, ⟨sign x, y⟩ / (√d·|y|) is √(2/π) of the cosine in expectation."""


class GradientStore:
    """Rows of numbers on disk, of which directions are read back.

    Args:
        directory: made if need be; an interrupted store there goes on.
        rows: N.
        dimensions: d, a multiple of 8.
        bits: per number.
        facts: what the rows were made from, as plain data.

    Raises:
        DataError: what lies there was made from something else.
        ExternalError: the disk is full.
    """

    def __init__(
        self, directory: Path, *, rows: int, dimensions: int, bits: Bits = 1, facts: Mapping[str, Any]
    ) -> None:
        if dimensions % 8:
            raise ValueError(f"The dimensions must be a multiple of 8, got {dimensions} instead.")
        self.rows, self.dimensions, self.bits = rows, dimensions, bits
        width = dimensions // 8 if bits == 1 else dimensions
        head = {"rows": rows, "dimensions": dimensions, "bits": bits, "facts": dict(facts)}
        fresh = _is_fresh(directory, head)
        self._codes = _open(directory / "codes.bin", np.uint8 if bits == 1 else np.int8, (rows, width), fresh)
        self._lengths = _open(directory / "lengths.bin", np.float32, (rows,), fresh)
        if fresh:
            self._lengths[:] = np.nan
            self._lengths.flush()
            atomic_write_json(directory / "store.json", head)

    def missing(self) -> NDArray[np.intp]:
        """Return the rows that are not whole yet."""
        return np.flatnonzero(np.isnan(self._lengths))

    @property
    def bytes(self) -> int:
        """Size on disk."""
        return int(self._codes.nbytes + self._lengths.nbytes)

    def write(self, places: Sequence[int], numbers: NDArray[np.float32]) -> None:
        """Write rows, (R, d), at their places."""
        if self.bits == 1:
            codes = np.packbits(numbers >= 0, axis=1)
        else:
            scale = np.abs(numbers).max(axis=1, keepdims=True).clip(np.finfo(np.float32).tiny) / 127
            codes = np.rint(numbers / scale).astype(np.int8)
        where = np.asarray(places, dtype=np.intp)
        self._codes[where] = codes
        self._codes.flush()
        self._lengths[where] = np.linalg.norm(numbers, axis=1)
        self._lengths.flush()

    def lengths(self) -> NDArray[np.float32]:
        """Return the rows' lengths, (N,); nan where a row is missing."""
        return np.array(self._lengths)

    def cosines(self, targets: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the cosine of every row with every target.

        Args:
            targets: (J, d), not rounded: only one side of each product is.

        Returns:
            (N, J); nan for missing rows, 0 for rows without direction.
        """
        units = targets / np.linalg.norm(targets, axis=1, keepdims=True).clip(np.finfo(np.float32).tiny)
        found = np.empty((self.rows, len(targets)), dtype=np.float32)
        for start in range(0, self.rows, _READ_ROWS):
            part = slice(start, start + _READ_ROWS)
            found[part] = self._directions(self._codes[part]) @ units.T
        found[self._lengths == 0] = 0
        found[np.isnan(self._lengths)] = np.nan
        return found

    def _directions(self, codes: NDArray[Any]) -> NDArray[np.float32]:
        if self.bits == 1:
            signs = np.unpackbits(codes, axis=1).astype(np.float32)
            signs *= 2
            signs -= 1
            signs *= np.float32(_SIGN_LENGTH / self.dimensions**0.5)
            return signs
        numbers = codes.astype(np.float32)
        numbers /= np.linalg.norm(numbers, axis=1, keepdims=True).clip(np.finfo(np.float32).tiny)
        return numbers


def _is_fresh(directory: Path, head: Mapping[str, Any]) -> bool:
    path = directory / "store.json"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        return True
    if read_json(path, "the head of a gradient store") != head:
        raise DataError(
            f"'{directory}' holds gradients of other records, or of another model or other settings.",
            hint="Delete it, or give another directory.",
        )
    return False


def _open(path: Path, dtype: Any, shape: tuple[int, ...], fresh: bool) -> np.memmap[Any, Any]:
    if fresh:
        with disk_errors(path), path.open("wb") as stream:
            _reserve(stream.fileno(), int(np.prod(shape)) * np.dtype(dtype).itemsize)
    return np.memmap(path, dtype=dtype, mode="r+", shape=shape)


def _reserve(file: int, size: int) -> None:
    """Take the room now: a write through memory to a full disk would end the process without a word."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.truncate(file, size)
