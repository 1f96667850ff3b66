"""The form of a text, apart from what it says: script, structure, opening, closing, person, length.

Knows one text at a time; what is usual among many is for `format_outliers.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from sftloop.core.script import IDEOGRAPH, language_of

_FENCE = re.compile(r"^\s*```", re.MULTILINE)
_BULLET = re.compile(r"^\s*(?:[-*•·]|\d{1,2}[.)、．]|[（(]\d{1,2}[)）])\s*\S")
_MARKDOWN = re.compile(r"^#{1,6}\s|\*\*[^*\n]+\*\*|^\|.*\|\s*$", re.MULTILINE)
_SENTENCE_END = re.compile(r"[.!?…]+(?=[\s\"'”’)\]]|$)|[。！？]+")
_FIRST_PERSON = re.compile(r"\b(?:i|i'm|i'll|i've|we|we're)\b|我(?!们?的)|咱", re.IGNORECASE)
_SECOND_PERSON = re.compile(r"\b(?:you|you're)\b|[你您](?!们?的)", re.IGNORECASE)
"""Who speaks and who is spoken to; a possessive (`my card`) belongs to what is spoken of."""
_ANSWER_MARK = re.compile(
    r"\b(?:final answer|the answer is|answer\s*:|conclusion\s*:)|答案|结论|最终回答", re.IGNORECASE
)
_REASON_MARK = re.compile(
    r"\b(?:because|reason(?:ing)?\s*:|explanation\s*:|step 1)|因为|由于|理由|原因|分析[：:]", re.IGNORECASE
)
_DANGLING = re.compile(
    r"(?:[,;:，、；：(（\[【]|(?<![^\W_])-|(?<!\w)(?:and|or|the|a|an|of|to|because)|因为|以及|并且)$"
)
"""What hardly a sentence ends with; many end with "in" or "is", a name with "A", a grade with a minus."""
_PLACEHOLDERS = frozenset(
    "n/a na none null nil todo tbd xxx ... … - — 无 略 暂无 待补充 同上".split(),
)
_OPENERS, _CLOSERS = "([{（【《“「", ")]}）】》”」"
_QUOTED_FROM = 20
"""A shorter input may stand in an answer by chance or on purpose."""

Style = Mapping[str, str]
"""Feature → value."""
FEATURES = (
    "content",
    "structure",
    "keys",
    "language",
    "reason_position",
    "length",
    "closing",
    "opening_kind",
    "opening",
    "person",
    "sentences",
)
"""The features of a text, the weightiest first; `length` needs the other texts to compare with."""


def style_of(text: str, source: str = "") -> dict[str, str]:
    """Return the style of a text: every feature of `FEATURES` but `length`.

    Args:
        text: an answer, a reason.
        source: the input it answers.
    """
    text = text.strip()
    structure = _structure(text)
    return {
        "content": _content(text, source),
        "structure": structure,
        "keys": _keys(text) if structure == "json" else "none",
        "language": language_of(text),
        "reason_position": _reason_position(text),
        "closing": _closing(text),
        "opening": _opening(text),
        "opening_kind": _opening_kind(text),
        "person": _person(text),
        "sentences": _sentences(text),
    }


def shape_of(value: str) -> str:
    """Return a short value with each run of digits as 9, of letters as a, of ideographs as 字: `9-9-9`."""
    value = re.sub(r"\d+", "9", " ".join(value.split()))
    return re.sub("字+", "字", re.sub(r"[^\W\d_字]+", "a", IDEOGRAPH.sub("字", value)))


def _content(text: str, source: str) -> str:
    """Return `placeholder`, `repeats`, `cut` or, where nothing is wrong, `whole`."""
    if text.casefold().rstrip(".。") in _PLACEHOLDERS or not text:
        return "placeholder"
    if len(source) >= _QUOTED_FROM and _squeezed(source) in _squeezed(text):
        return "repeats"
    return "cut" if _is_cut(text) else "whole"


def _squeezed(text: str) -> str:
    return "".join(text.split()).casefold()


def _is_cut(text: str) -> bool:
    """Whether a text ends inside a sentence, a bracket or a fence."""
    if _DANGLING.search(text) or len(_FENCE.findall(text)) % 2:
        return True
    last = max(text.rfind(mark) for mark in _OPENERS)
    return last >= 0 and not any(mark in text[last:] for mark in _CLOSERS) and text[-1].isalnum()


def _structure(text: str) -> str:
    if text[:1] in "{[" and text[-1:] in "}]" and text:
        try:
            json.loads(text)
            return "json"
        except ValueError:
            return "broken_json" if text[0] == "{" else "plain"
    if _FENCE.search(text):
        return "code"
    lines = [line for line in text.splitlines() if line.strip()]
    bullets = sum(bool(_BULLET.match(line)) for line in lines)
    if bullets and (bullets == len(lines) or (bullets >= 2 and 2 * bullets >= len(lines))):
        return "list"
    return "markdown" if _MARKDOWN.search(text) else "plain"


def _keys(text: str) -> str:
    body = json.loads(text)
    return ", ".join(body) if isinstance(body, dict) else "[]"


def _reason_position(text: str) -> str:
    """Return whether a text that holds both gives its reason or its answer first, `none` where it doesn't."""
    answer, reason = _ANSWER_MARK.search(text), _REASON_MARK.search(text)
    if answer is None or reason is None:
        return "none"
    return "reason_first" if reason.start() < answer.start() else "answer_first"


def _closing(text: str) -> str:
    bare = text.rstrip("\"'”’」』)）]】 \n")
    last = bare[-1:]
    kinds = {"stop": ".。", "question": "?？", "exclamation": "!！"}
    for kind, marks in kinds.items():
        if last and last in marks:
            return kind
    return "none" if last.isalnum() or not last else "other"


def _opening(text: str) -> str:
    """Return the first word in lower case, or the first two ideographs."""
    start = text.lstrip("\"'“‘「『([{（【*#- ")
    if IDEOGRAPH.match(start):
        return start[:2]
    word = re.match(r"[\w']+", start)
    return word.group().casefold() if word else start[:1]


def _opening_kind(text: str) -> str:
    first = text[:1]
    if not first or not first.isalnum():
        return "symbol"
    if first.isdigit():
        return "digit"
    if IDEOGRAPH.match(first):
        return "ideograph"
    return "capital" if first.isupper() else "small"


def _person(text: str) -> str:
    first, second = bool(_FIRST_PERSON.search(text)), bool(_SECOND_PERSON.search(text))
    return {(True, True): "both", (True, False): "first", (False, True): "second"}.get(
        (first, second), "neither"
    )


def _sentences(text: str) -> str:
    count = len(_SENTENCE_END.findall(text))
    ends = bool(_SENTENCE_END.search(text[-2:]))
    count += bool(text) and not ends
    return "1" if count <= 1 else "2-3" if count <= 3 else "4+"
