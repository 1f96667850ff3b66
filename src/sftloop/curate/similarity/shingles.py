"""Texts as sets of character shingles, many at a time: what "nearly the same" is measured on.

Knows characters; doesn't know which sets are compared with which, nor records.

A shingle starts at every character. It covers 3 characters, or 2 where the first is Chinese, Japanese or
Korean: two of those say about as much as a short word. The length follows the characters, never the text's
length, so that a short and a long text stay comparable. Between two letters of an alphabet the space counts,
and so do both ends of such a text; beside an ideograph it doesn't, since there it separates nothing and
punctuation comes and goes. A text too short for any shingle is one shingle as a whole: it equals itself and
nothing else, because in two characters every change matters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sftloop.curate.threads import in_threads

ALPHABET_LENGTH, IDEOGRAPH_LENGTH = 3, 2
CHUNK = 100_000
"""Characters, or shingles, worked on at a time: the arrays stay in a core's cache."""
_SPACE = 32
_OTHER, _LETTER, _DIGIT, _PUNCTUATION, _SEPARATOR, _WHITE = range(6)
"""Kinds of characters; letters are ASCII's only. From `_PUNCTUATION` on they separate words."""
_IDEOGRAPHS = (
    (0x2E80, 0x3000),  # radicals
    (0x3005, 0x3008),  # repetition marks
    (0x3040, 0xA4D0),  # kana, bopomofo, ideographs, Yi
    (0xAC00, 0xD7B0),  # hangul syllables
    (0xF900, 0xFB00),  # compatibility ideographs
    (0x20000, 0x323B0),  # rarer ideographs
)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)

Codes = NDArray[np.uint32]
Offsets = NDArray[np.int64]


class ShingleSets(NamedTuple):
    """Sets of hashed shingles, one behind the other."""

    hashes: NDArray[np.uint32]
    """Every set's distinct shingles, ascending within the set. Two shingles of a pair of texts share a 32-bit hash
    once in tens of thousands of pairs of short texts, which moves their similarity by one shingle."""
    offsets: Offsets
    """Set `i` is `hashes[offsets[i]:offsets[i + 1]]`; never empty."""

    @property
    def sizes(self) -> Offsets:
        """How many shingles each set has."""
        return np.diff(self.offsets)

    def taken(self, indices: NDArray[np.int64]) -> ShingleSets:
        """Return the sets at `indices`, in that order."""
        sizes = self.sizes[indices]
        offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))
        source = np.repeat(self.offsets[indices] - offsets[:-1], sizes) + np.arange(offsets[-1])
        return ShingleSets(hashes=self.hashes[source], offsets=offsets)

    def between(self, begin: int, end: int) -> ShingleSets:
        """Return the sets from `begin` up to `end`, sharing their memory."""
        offsets = self.offsets[begin : end + 1]
        return ShingleSets(hashes=self.hashes[offsets[0] : offsets[-1]], offsets=offsets - offsets[0])


def shingle_sets(texts: Sequence[str]) -> ShingleSets:
    """Return the shingle set of each text, normalised as `records.normalise` does.

    Args:
        texts: about `CHUNK` characters of them; `all_shingle_sets` takes any number.
    """
    codes, offsets = normalised_codes(texts)
    ideograph = _is_ideograph(codes)
    codes, ideograph, offsets = _without_idle_spaces(codes, ideograph, offsets)
    starts, lengths = _shingle_spans(ideograph, offsets)
    owner = np.repeat(np.arange(len(texts)), np.diff(offsets))[starts]
    keys = (owner.astype(np.uint64) << np.uint64(32)) | _hash_spans(codes, starts, lengths)
    keys.sort()
    keys = keys[np.concatenate(([True], keys[1:] != keys[:-1]))] if len(keys) else keys
    bounds = np.searchsorted(keys >> np.uint64(32), np.arange(len(texts) + 1, dtype=np.uint64))
    return ShingleSets(hashes=keys.astype(np.uint32), offsets=bounds.astype(np.int64))


def all_shingle_sets(texts: Iterable[str]) -> ShingleSets:
    """Return the shingle set of each text; texts are read once, a few chunks ahead."""
    return _concatenated(in_threads(shingle_sets, _chunks(texts)))


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield texts in lists of about `CHUNK` characters."""
    chunk: list[str] = []
    room = CHUNK
    for text in texts:
        chunk.append(text)
        room -= len(text) + 2
        if room <= 0:
            yield chunk
            chunk, room = [], CHUNK
    if chunk:
        yield chunk


def _concatenated(parts: Sequence[ShingleSets]) -> ShingleSets:
    sizes = np.concatenate([np.zeros(1, np.int64), *(part.sizes for part in parts)])
    hashes = np.concatenate([np.zeros(0, np.uint32), *(part.hashes for part in parts)])
    return ShingleSets(hashes=hashes, offsets=np.cumsum(sizes))


def normalised_texts(texts: Sequence[str]) -> list[str]:
    """Return what `records.normalise` makes of each text."""
    codes, offsets = normalised_codes(texts)
    together = codes.tobytes().decode("utf-32-le", "surrogatepass")
    bounds = offsets.tolist()
    return [together[begin:end].strip(" ") for begin, end in pairwise(bounds)]


def normalised_codes(texts: Sequence[str]) -> tuple[Codes, Offsets]:
    """Return every text's normalised characters between two spaces, and where each text begins.

    The characters equal those of `records.normalise`, which goes through them one by one and is too slow for
    hundreds of thousands of texts.
    """
    folded = [f" {unicodedata.normalize('NFKC', text).casefold()} " for text in texts]
    lengths = np.fromiter(map(len, folded), np.int64, len(folded))
    codes = np.frombuffer("".join(folded).encode("utf-32-le", "surrogatepass"), np.uint32)
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
    kinds = _kinds(codes)
    mark = (kinds >= _PUNCTUATION) & ~_stays(codes, kinds)
    blank = np.logical_and.reduceat(mark, offsets[:-1]) if texts else np.zeros(0, bool)
    for index in np.flatnonzero(blank):  # marks only: they stay, since nothing else tells such texts apart
        span = slice(offsets[index], offsets[index + 1])
        mark[span] = kinds[span] == _WHITE
    codes = np.where(mark, np.uint32(_SPACE), codes)
    keep = ~mark
    keep[1:] |= ~mark[:-1]  # the first of a run of marks
    keep[offsets[:-1]] = True
    return codes[keep], _moved(offsets, keep)


def _stays(codes: Codes, kinds: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which punctuation changes a number or a name: between digits, -5, 5%, C#."""
    before, behind = np.roll(kinds, 1), np.roll(kinds, -1)  # a space stands at both ends of every text
    within_number = (behind == _DIGIT) & ((before == _DIGIT) | (codes == ord("-")))
    ends_number = (before == _DIGIT) & (codes == ord("%"))
    ends_name = (before == _LETTER) & (codes == ord("#"))
    found: NDArray[np.bool_] = (kinds == _PUNCTUATION) & (within_number | ends_number | ends_name)
    return found


def _kinds(codes: Codes) -> NDArray[np.uint8]:
    """Return what each character is, as `_kind` does."""
    present = np.flatnonzero(np.bincount(codes))
    table = np.zeros(int(present[-1]) + 1 if len(present) else 0, np.uint8)
    table[present] = [_kind(code) for code in present.tolist()]
    return table[codes]


@lru_cache(maxsize=1 << 16)
def _kind(code: int) -> int:
    character = chr(code)
    category = unicodedata.category(character)[0]
    if category in "ZC":
        return _WHITE if character.isspace() else _SEPARATOR
    if category == "P":
        return _PUNCTUATION
    if character.isdecimal():
        return _DIGIT
    return _LETTER if character.isascii() and character.isalpha() else _OTHER


def _is_ideograph(codes: Codes) -> NDArray[np.bool_]:
    found = np.zeros(len(codes), bool)
    if len(codes) and codes.max() >= _IDEOGRAPHS[0][0]:
        for low, high in _IDEOGRAPHS:
            found |= (codes >= low) & (codes < high)
    return found


def _without_idle_spaces(
    codes: Codes, ideograph: NDArray[np.bool_], offsets: Offsets
) -> tuple[Codes, NDArray[np.bool_], Offsets]:
    """Drop the spaces beside ideographs."""
    if not ideograph.any():
        return codes, ideograph, offsets
    beside = np.zeros(len(codes), bool)
    beside[1:] |= ideograph[:-1]
    beside[:-1] |= ideograph[1:]
    keep = ~(beside & (codes == _SPACE))
    return codes[keep], ideograph[keep], _moved(offsets, keep)


def _moved(offsets: Offsets, keep: NDArray[np.bool_]) -> Offsets:
    """Return where texts begin once only the characters of `keep` are left."""
    before: Offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(keep)))
    return before[offsets]


def _shingle_spans(ideograph: NDArray[np.bool_], offsets: Offsets) -> tuple[Offsets, Offsets]:
    """Return beginning and length of every shingle; a text without any gets itself as a whole."""
    sizes = np.diff(offsets)
    length = np.where(ideograph, IDEOGRAPH_LENGTH, ALPHABET_LENGTH)
    position = np.arange(len(ideograph))
    fits = position + length <= np.repeat(offsets[1:], sizes)
    running: Offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(fits)))
    bare = np.flatnonzero(running[offsets[1:]] == running[offsets[:-1]])
    starts, lengths = position[fits], length[fits]
    return np.concatenate((starts, offsets[bare])), np.concatenate((lengths, sizes[bare]))


def _hash_spans(codes: Codes, starts: Offsets, lengths: Offsets) -> NDArray[np.uint64]:
    """Return 32-bit hashes (held in 64 bits) of spans of at most `ALPHABET_LENGTH` characters."""
    padded = np.concatenate((codes, np.zeros(ALPHABET_LENGTH, np.uint32)))
    packed = np.zeros(len(starts), np.uint64)
    for place in range(ALPHABET_LENGTH):  # 21 bits hold a code point, so the packing loses nothing
        code = np.where(place < lengths, padded[starts + place] + np.uint32(1), np.uint32(0))
        packed |= code.astype(np.uint64) << np.uint64(21 * place)
    packed *= _MULTIPLIER
    packed ^= packed >> np.uint64(29)
    packed *= np.uint64(0xBF58476D1CE4E5B9)
    return packed >> np.uint64(32)
