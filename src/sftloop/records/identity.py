"""What counts as the same input, and ids that follow from it.

Spelling variants only (case, width, spaces, punctuation); paraphrases are for the audit.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from sftloop.core.files import sha256_json


def normalise(text: str) -> str:
    """Return `text` with width and case folded and each run of spaces and punctuation as one space.

    Symbols (+, €, emoji) stay, so that inputs made only of them differ.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    letters = "".join(" " if unicodedata.category(mark)[0] in "PZC" else mark for mark in folded)
    return " ".join(letters.split()) or " ".join(folded.split())


def input_key(fields: Mapping[str, str | Sequence[str]]) -> str:
    """Return a key that two inputs share exactly when their normalised texts are equal.

    The names of the fields don't matter: two tasks may ask different questions of the same text.
    """
    documents = [
        normalise(text)
        for value in fields.values()
        for text in ((value,) if isinstance(value, str) else value)
    ]
    return sha256_json(documents)


def content_id(task: str, fields: Mapping[str, str | Sequence[str]]) -> str:
    """Return an id that depends on the task and the exact input only, so that a second import agrees."""
    return f"{task}-{sha256_json([task, dict(fields)])[:12]}"
