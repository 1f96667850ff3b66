"""A long text cut to a length, with a word on how much is missing."""

from __future__ import annotations

from sftloop.report.wording import Words


def cut(text: str, words: Words, characters: int) -> str:
    """Return the text, cut after so many characters where it is longer."""
    more = len(text) - characters
    return text if more <= 0 else text[:characters] + words.wrong.cut.of(more)
