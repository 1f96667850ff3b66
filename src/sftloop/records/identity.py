"""What counts as the same input, and ids that follow from it.

Spelling variants only (case, width, spaces, punctuation); paraphrases are for the audit.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from sftloop.core.files import sha256_json


def normalise(text: str) -> str:
    """Return `text` with width and case folded and each run of spaces and punctuation as one space.

    Symbols (+, €, emoji) stay, so that inputs made only of them differ, and so do marks that change a number or
    a name: -5, 1.5, 8/2, 5%, C#.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    framed = f" {folded} "
    letters = "".join(
        " " if _separates(before, mark, behind) else mark
        for before, mark, behind in zip(framed, folded, framed[2:], strict=False)
    )
    return " ".join(letters.split()) or " ".join(folded.split())


def _separates(before: str, mark: str, behind: str) -> bool:
    """Whether a character says nothing but where its neighbours end: space, control or most punctuation."""
    kind = unicodedata.category(mark)[0]
    if kind != "P":
        return kind in "ZC"
    within_number = behind.isdecimal() and (before.isdecimal() or mark == "-")
    ends_number = mark == "%" and before.isdecimal()
    ends_name = mark == "#" and before.isascii() and before.isalpha()
    return not (within_number or ends_number or ends_name)


def input_key(fields: Mapping[str, str | Sequence[str]]) -> str:
    """Return a key that two inputs share exactly when their normalised texts are equal.

    The order in which the fields are written doesn't matter. Nor do their names, but for the order of several:
    two tasks may ask different questions of the same text.
    """
    return sha256_json([normalise(text) for text in input_texts(fields)])


def input_texts(fields: Mapping[str, str | Sequence[str]]) -> list[str]:
    """Return every text of an input, fields by name, lists flattened."""
    return [
        text
        for _, value in sorted(fields.items())
        for text in ((value,) if isinstance(value, str) else value)
    ]


def content_id(task: str, fields: Mapping[str, str | Sequence[str]]) -> str:
    """Return an id that depends on the task and the exact input only, so that a second import agrees."""
    return f"{task}-{sha256_json([task, dict(fields)])[:12]}"
