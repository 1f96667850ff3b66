"""The form of prompts and answers that may be changed without changing what is asked: scenario.yaml's `format`.

What suits a base model best is found by measurement (`sftloop prompt improve --formats`). Knows choices only;
`render.py`, `answer.py` and `lines.py` carry them out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from sftloop.scenario.parts import Part
from sftloop.scenario.wording import Language

Order = Literal["input_first", "instruction_first", "instruction_opens", "input_opens"]
WrittenAs = Literal["plain", "json"]


class Format(Part):
    """How prompts and answers look; it holds for every task of the scenario."""

    order: Order | None = None
    """Where the instruction and the definitions stand; None: as `prompt` says, else `input_first`."""
    labels: Literal["names", "letters"] = "names"
    """`letters`: the labels are lettered A, B, C … and answers name the letter."""
    reason: Literal["after", "before", "none"] = "after"
    """Where the evidence and the reason stand that a task asks for; `none`: the reason isn't asked for."""
    answer: WrittenAs | None = None
    """How all answers are written; None: as each task says."""
    wording: Language | None = None
    """Language of the built-in wording; None: the scenario's."""


def letters(count: int) -> list[str]:
    """Return the codes of `count` labels: A … Z, AA, AB and so on."""
    return [_letter(number) for number in range(count)]


def _letter(number: int) -> str:
    code = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        code = chr(ord("A") + rest) + code
    return code


def misleading_letter(labels: Iterable[str]) -> tuple[str, str] | None:
    """Return a label that is another one's letter, and whose; None if letters can't be mistaken for labels."""
    names = list(labels)
    codes = {code.casefold(): name for code, name in zip(letters(len(names)), names, strict=True)}
    for name in names:
        owner = codes.get(name.casefold())
        if owner is not None and owner != name:
            return name, owner
    return None
