"""Whether a written short answer is the expected one, or a text holds it.

Knows words, not tasks or models.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sftloop.evaluate.text import normalise, tokens

_NUMBER = re.compile(r"[-−]?\d+(?:[.,]\d+)*")


def is_right(written: str, expected: str) -> bool:
    """Whether the expected answer stands in the written one, as whole words; a number must be that number.

    Case, spaces, full-width forms and punctuation at the ends don't count.
    """
    wanted = _NUMBER.fullmatch(normalise(expected))
    if wanted:
        return _plain(wanted[0]) in {_plain(number) for number in _NUMBER.findall(normalise(written))}
    return holds(tokens(written), words(expected))


def words(text: str) -> list[str]:
    """Return a text's words and characters, in lower case, without punctuation at the ends."""
    parts = tokens(text)
    while parts and not parts[-1][0].isalnum():
        parts.pop()
    while parts and not parts[0][0].isalnum():
        parts.pop(0)
    return parts


def holds(whole: Sequence[str], part: Sequence[str]) -> bool:
    """Whether `part` stands in `whole` without a gap; an empty part never does."""
    size = len(part)
    return bool(size) and any(
        list(whole[start : start + size]) == list(part) for start in range(len(whole) - size + 1)
    )


def _plain(number: str) -> str:
    """Drop thousands' separators, so that 1,200 is 1200."""
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", number).replace("−", "-")
