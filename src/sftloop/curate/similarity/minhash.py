"""MinHash signatures and the pairs of sets that agree in a band of them.

The share of hash functions under which two sets have the same smallest element estimates their Jaccard
similarity (Broder, "On the resemblance and containment of documents", 1997, section 4); cutting the signature
into bands finds similar pairs without comparing all (Leskovec, Rajaraman, Ullman, "Mining of Massive
Datasets", section 3.4).

Knows sets of hashes; knows no texts and no exact similarity. Departs from the book in two ways: a bucket of
more than a few sets isn't compared all against all but with neighbours and with both ends, so that a thousand
near copies cost a thousand comparisons and not a million; and only the lowest byte of each minimum is kept for
the estimate (Li, König, arXiv 0910.3349), since a chance match in one of 256 hardly moves it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sftloop.core.seeds import derive_seed
from sftloop.curate.similarity.shingles import ShingleSets
from sftloop.curate.threads import in_threads

FUNCTIONS = 128
"""Hash functions of a signature."""
STANDARD_ERROR = 0.5 / FUNCTIONS**0.5
"""Of the estimated similarity, at most: 0.044."""
_FOUND = 0.95
"""Share of the pairs exactly at the threshold that must agree in a band; those above are found more often."""
_NEIGHBOURS = 2
"""Each set of a bucket is compared with so many that follow, and with the bucket's first and last."""
_PENDING = 1 << 24
"""Pairs gathered before repeated ones are dropped: 128 MiB."""
_COMPARED = 1 << 13
"""Pairs compared at a time: 2 MiB of signatures."""


class Signatures(NamedTuple):
    """What is kept of the smallest elements of N sets."""

    bands: NDArray[np.uint64]
    """`[bands, N]`: a hash of the rows of each band."""
    low_bytes: NDArray[np.uint8]
    """`[N, FUNCTIONS]`: the lowest byte of every minimum."""


def rows_per_band(threshold: float) -> int:
    """Return how many functions a band takes: as many as still find 95 % of the pairs at the threshold."""
    fitting = (
        rows
        for rows in range(FUNCTIONS // 2, 0, -1)
        if 1 - (1 - threshold**rows) ** (FUNCTIONS // rows) >= _FOUND
    )
    return next(fitting, 1)


def signatures(sets: ShingleSets, *, rows: int, seed: int = 0) -> Signatures:
    """Return the signatures of sets that aren't empty.

    Args:
        sets: a few thousand at a time stay in the processor's cache.
        rows: hash functions per band.
        seed: draws the hash functions, all of the form `(a x + b) mod 2**32` with odd `a`.
    """
    count, bands = len(sets.sizes), FUNCTIONS // rows
    draws = np.random.default_rng(derive_seed("minhash", seed)).integers(
        0, 1 << 32, (FUNCTIONS, 2), np.uint32
    )
    found = Signatures(np.zeros((bands, count), np.uint64), np.zeros((count, FUNCTIONS), np.uint8))
    if not count:
        return found
    hashed = np.empty_like(sets.hashes)
    for function, (factor, shift) in enumerate(draws):
        np.multiply(sets.hashes, factor | np.uint32(1), out=hashed)
        np.add(hashed, shift, out=hashed)
        smallest = np.minimum.reduceat(hashed, sets.offsets[:-1])
        found.low_bytes[:, function] = smallest
        if function < bands * rows:
            _mix_into(found.bands[function // rows], smallest)
    return found


def _mix_into(state: NDArray[np.uint64], values: NDArray[np.uint32]) -> None:
    state ^= values
    state *= np.uint64(0x9E3779B97F4A7C15)
    state ^= state >> np.uint64(32)


def agreeing_pairs(bands: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the pairs of sets that share a band, `smaller << 32 | larger`, ascending, each once.

    Args:
        bands: `[bands, N]` hashes, N below 2**32; left as they are.
    """
    pending: list[NDArray[np.uint64]] = []
    limit = _PENDING
    for band in bands:
        pending.extend(_bucket_pairs(band))
        if sum(map(len, pending)) > limit:
            pending = [np.unique(np.concatenate(pending))]
            limit = max(_PENDING, 2 * len(pending[0]))
    return np.unique(np.concatenate(pending)) if pending else np.zeros(0, np.uint64)


def _bucket_pairs(band: NDArray[np.uint64]) -> Iterator[NDArray[np.uint64]]:
    """Yield the pairs to compare within each bucket of one band: neighbours, then both ends with all."""
    bits = np.uint64(max(1, (len(band) - 1).bit_length()))
    ordered = (band << bits) | np.arange(len(band), dtype=np.uint64)  # the hash's low bits, then the set
    ordered.sort()
    bucket, member = ordered >> bits, ordered & np.uint64((1 << int(bits)) - 1)
    same = bucket[1:] == bucket[:-1]
    crowded = np.concatenate((same, [False])) | np.concatenate(([False], same))
    bucket, member = bucket[crowded], member[crowded]
    for step in range(1, _NEIGHBOURS + 1):
        together = bucket[step:] == bucket[:-step]
        if not together.any():
            return
        yield (member[:-step][together] << np.uint64(32)) | member[step:][together]
    begins = np.flatnonzero(np.concatenate(([True], bucket[1:] != bucket[:-1])))
    sizes = np.diff(np.concatenate((begins, [len(bucket)])))
    first, last = np.repeat(begins, sizes), np.repeat(begins + sizes - 1, sizes)
    place = np.arange(len(bucket))
    for low, high in ((first, place), (place, last)):
        far = high - low > _NEIGHBOURS
        yield (member[low[far]] << np.uint64(32)) | member[high[far]]


def estimated_similarity(
    found: Signatures, left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the estimated Jaccard similarity of each pair."""

    def compare(chunk: slice) -> NDArray[np.int64]:
        equal = found.low_bytes[left[chunk]] == found.low_bytes[right[chunk]]
        count: NDArray[np.int64] = np.count_nonzero(equal, axis=1)
        return count

    chunks = [slice(begin, begin + _COMPARED) for begin in range(0, len(left), _COMPARED)]
    return np.concatenate([np.zeros(0), *in_threads(compare, chunks)]) / FUNCTIONS
