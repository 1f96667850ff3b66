"""How alike two short texts are, and how many words one has; for text with and without spaces.

Knows characters only, no language and no meaning.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from sftloop.core.script import IDEOGRAPH

_WORD = re.compile(r"[^\W_]+")


def normalised(text: str) -> str:
    """Return `text` in lower case without punctuation, accents' variants unified, words one space apart."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_WORD.findall(folded))


def ngrams(text: str, n: int = 3) -> Counter[str]:
    """Count the character n-grams of the normalised text; a shorter text is one n-gram."""
    plain = normalised(text)
    return Counter(plain[start : start + n] for start in range(max(len(plain) - n + 1, 1)))


def ngram_similarity(first: str, second: str, n: int = 3) -> float:
    """Return the Dice coefficient of two texts' character n-grams, counted with multiplicity.

    Returns:
        0 (nothing shared) to 1 (the same n-grams).
    """
    one, other = ngrams(first, n), ngrams(second, n)
    return 2 * (one & other).total() / (one.total() + other.total())


def word_count(text: str) -> int:
    """Return how many words a text has; two ideographs count as one word."""
    ideographs = len(IDEOGRAPH.findall(text))
    rest = IDEOGRAPH.sub(" ", text)
    return len(_WORD.findall(rest)) + (ideographs + 1) // 2
