"""Texts as hashed terms, many at a time: what the first stage counts and scores.

A term is a run of characters between spaces; a character that Unicode calls wide (Chinese, Japanese, Korean,
emoji) is a term by itself, since nothing separates words there. Knows characters; not what is counted with
the terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from unicodedata import east_asian_width

import numpy as np
from numpy.typing import NDArray

from sftloop.curate.similarity.shingles import normalised_codes

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]

_SPACE = 32
_BASE = 0x9E3779B97F4A7C15
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class Terms(NamedTuple):
    """The terms of several texts, one behind the other."""

    hashes: Hashes
    """64 bits per term: two different terms of a pool share one once in 10¹⁹ pairs."""
    wide: NDArray[np.bool_]
    """Whether the term is one wide character."""
    offsets: Places
    """Text `i` has the terms `offsets[i]` to `offsets[i + 1]`; none where the text is blank."""

    @property
    def owner(self) -> Places:
        """Which text each term belongs to."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


def hashed_terms(texts: Sequence[str]) -> Terms:
    """Return the terms of each text, normalised as `records.normalise` does.

    Args:
        texts: any number; some thousand at a time keep the working arrays in the processor's cache.
    """
    codes, bounds = normalised_codes(texts)
    blank, alone = codes == _SPACE, _wide()[codes]
    opens = ~blank
    opens[1:] &= blank[:-1] | alone[:-1] | alone[1:]
    starts = np.flatnonzero(opens)
    return Terms(
        hashes=_span_hashes(codes, blank, starts),
        wide=alone[starts],
        offsets=np.searchsorted(starts, bounds).astype(np.int64),
    )


def bigrams(terms: Terms) -> tuple[Hashes, Places]:
    """Return the hash of every two terms in a row within a text, and where its first term stands."""
    follows = np.ones(len(terms.hashes), bool)
    follows[terms.offsets[1:][np.diff(terms.offsets) > 0] - 1] = False
    first = np.flatnonzero(follows)
    return mixed(terms.hashes[first] * np.uint64(_BASE) + terms.hashes[first + 1]), first


def text_keys(terms: Terms) -> Hashes:
    """Return a hash per text that equal sequences of terms share."""
    place = np.arange(len(terms.hashes)) - np.repeat(terms.offsets[:-1], np.diff(terms.offsets))
    values = mixed(terms.hashes + place.astype(np.uint64) * np.uint64(_BASE))
    running = np.concatenate((np.zeros(1, np.uint64), np.cumsum(values, dtype=np.uint64)))
    return mixed(running[terms.offsets[1:]] - running[terms.offsets[:-1]])


def mixed(values: Hashes) -> Hashes:
    """Spread every bit over all bits (the finaliser of splitmix64; Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * _MIX[0]
    values = (values ^ (values >> np.uint64(27))) * _MIX[1]
    return values ^ (values >> np.uint64(31))


@lru_cache(maxsize=1)
def _wide() -> NDArray[np.bool_]:
    return np.fromiter((east_asian_width(chr(code)) == "W" for code in range(0x110000)), bool, 0x110000)


def _span_hashes(codes: NDArray[np.uint32], blank: NDArray[np.bool_], starts: Places) -> Hashes:
    """Return the polynomial of each term's characters over 2⁶⁴, mixed; a term ends where the next one opens."""
    if not len(starts):
        return np.zeros(0, np.uint64)
    place = np.arange(starts[0], len(codes)) - np.repeat(starts, np.diff(starts, append=len(codes)))
    values = (codes[starts[0] :].astype(np.uint64) + np.uint64(1)) * _powers(int(place.max()) + 1)[place]
    values[blank[starts[0] :]] = 0
    return mixed(np.add.reduceat(values, starts - starts[0]))


def _powers(count: int) -> Hashes:
    return np.cumprod(np.full(count, _BASE, np.uint64), dtype=np.uint64)
