"""When two texts count as equal, and how much of one text another holds.

Knows no tasks. English and Chinese alike: words are tokens, and so is each Chinese character.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable

_CJK = r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_TOKEN = re.compile(rf"{_CJK}|(?:(?!{_CJK})\w)+|[^\w\s]")


def normalise(text: str) -> str:
    """Return the text in Unicode form NFKC with every run of white space as one space, none at the ends."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def tokens(text: str) -> list[str]:
    """Return words, single CJK characters and single punctuation marks, normalised and in lower case."""
    return _TOKEN.findall(normalise(text).casefold())


def characters(text: str) -> list[str]:
    """Return the characters other than white space, normalised and in lower case."""
    return list(normalise(text).casefold().replace(" ", ""))


def overlap_f1(expected: Iterable[Hashable], given: Iterable[Hashable]) -> float:
    """Return the F1 of two multisets: 1 when equal (both empty included), 0 when they share nothing.

    Over tokens this is the F1 of SQuAD (Rajpurkar et al. 2016, arXiv 1606.05250) without its removal of
    articles and punctuation, which has no counterpart in Chinese.
    """
    first, second = Counter(expected), Counter(given)
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 1.0
