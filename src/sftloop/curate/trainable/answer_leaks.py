"""Inputs that give their own answer away.

Knows labels, answers and input texts as strings. A label may be a word of the language, so that it stands in
an input proves nothing by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sftloop.evaluate.proportions import wilson_bounds
from sftloop.records import Record
from sftloop.scenario import Task

_MARK = (
    r"(?:label|category|class|intent|answer|output|标签|类别|分类|答案|输出)"
    r"\s*(?:[:：=]|\bis\b|是|为)\s*[\"'“‘「\[]?\s*"
)
_OWN, _OTHER = 0.9, 0.1
"""A label leaks as a whole if it stands in at least nine of ten of its own inputs and at most one of ten
others, at the unfavourable ends of the 95 % intervals: words of a topic stand in some of its texts only."""
_COPIED_FROM = 20
"""Characters from which an answer that stands in the input is no coincidence."""
_TASK_COPIES = 0.5
"""Share of records from which copying is what the task asks for."""


def leaking_labels(records: Sequence[Record], task: Task) -> list[str]:
    """Return the ids of records whose input names their own label in a telling way.

    Telling are: the label behind "label:", "answer =" and the like; a label that no one would write, such as
    `card_arrival`; a label that stands in (nearly) all of its own inputs and in (nearly) none of the others.
    """
    texts = {record.id: record.text() for record in records}
    found: dict[str, None] = {}
    for label in task.labels:
        found.update(dict.fromkeys(_leaks_of(label, records, texts)))
    return list(found)


def _leaks_of(label: str, records: Sequence[Record], texts: dict[str, str]) -> Iterator[str]:
    named = _whole(label)
    marked = re.compile(_MARK + named.pattern, re.IGNORECASE)
    own = [record.id for record in records if label in record.labels()]
    naming = [key for key in own if named.search(texts[key])]
    if not naming:
        return
    others = [record.id for record in records if label not in record.labels()]
    elsewhere = sum(bool(named.search(texts[key])) for key in others)
    if "_" in label or _stands_out((len(naming), len(own)), (elsewhere, len(others))):
        yield from naming
    else:
        yield from (key for key in naming if marked.search(texts[key]))


def _stands_out(inside: tuple[int, int], outside: tuple[int, int]) -> bool:
    """Whether a label's name stands in its own inputs only, given hits and records on both sides."""
    bounds = wilson_bounds([inside[0], outside[0]], [inside[1], outside[1]])
    return outside[1] > 0 and float(bounds.low[0]) >= _OWN and float(bounds.high[1]) <= _OTHER


def _whole(label: str) -> re.Pattern[str]:
    """Match a label as a whole word where it begins or ends with a Latin letter or a digit."""
    left = r"(?<![A-Za-z0-9_])" if label[:1].isascii() and label[:1].isalnum() else ""
    right = r"(?![A-Za-z0-9_])" if label[-1:].isascii() and label[-1:].isalnum() else ""
    return re.compile(left + re.escape(label) + right, re.IGNORECASE)


def copied_answers(records: Sequence[Record]) -> list[str]:
    """Return the ids of records whose answer text stands in the input, unless the task is to copy."""
    copied = [record.id for record in records if _is_copied(record)]
    return copied if len(copied) <= _TASK_COPIES * len(records) else []


def _is_copied(record: Record) -> bool:
    text = "".join((record.answer.text or "").split())
    return len(text) >= _COPIED_FROM and any(text in "".join(each.split()) for each in record.documents())
