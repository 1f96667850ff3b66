"""What a record asks and answers, as keys to compare and as words to show; and which of several should stay.

Knows records one by one; doesn't know why they are compared.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sftloop.curate.quote import clipped
from sftloop.curate.similarity.shingles import normalised_texts
from sftloop.records import Record, normalise
from sftloop.records.identity import input_texts
from sftloop.scenario.answer import MAIN_KEY

InputKey = tuple[str, ...]
"""The normalised documents of an input."""
REVIEWED = "reviewed"
"""Tag of a record that a person has checked."""
_AT_ONCE = 4096


def input_keys(records: Sequence[Record]) -> list[InputKey]:
    """Return a key per record; two are equal exactly when `records.input_key` is, at a tenth of the time."""
    keys: list[InputKey] = []
    for begin in range(0, len(records), _AT_ONCE):
        documents = [record.documents() for record in records[begin : begin + _AT_ONCE]]
        texts = iter(normalised_texts([text for mine in documents for text in mine]))
        keys += [tuple(next(texts) for _ in mine) for mine in documents]
    return keys


def context_fields(records: Iterable[Record]) -> dict[str, frozenset[str]]:
    """Return per task the fields whose texts come again and again while another field tells the records apart.

    Two questions about one long document share the document, which makes them no copies of each other. A field is
    such a context if it has at most half as many different texts as the task's most varied field.
    """
    values: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in records:
        for name, value in record.input.items():
            values[record.task][name].add("\n".join(input_texts({name: value})))
    found = {}
    for task, fields in values.items():
        most = max(len(texts) for texts in fields.values())
        found[task] = frozenset(name for name, texts in fields.items() if 2 * len(texts) <= most)
    return found


def own_text(record: Record, contexts: Mapping[str, frozenset[str]]) -> str:
    """Return the input as one text without its context fields; the whole where nothing else is in it."""
    left_out = contexts.get(record.task, frozenset())
    own = {name: value for name, value in record.input.items() if name not in left_out}
    text = "\n".join(input_texts(own))
    return text if text.strip() else record.text()


def answer_key(record: Record) -> str:
    """Return a key that two answers share when they say the same; reason and evidence don't count."""
    name, value = _main(record)
    if name == "labels":
        value = sorted(value)
    elif name == "text":
        value = normalise(value)
    elif name == "fields":
        value = {field: _number(item) for field, item in value.items() if item is not None}
    elif name == "score":
        value = _number(value)
    return json.dumps([name, value], ensure_ascii=False, sort_keys=True)


def _number(value: Any) -> Any:
    """Return a whole number as one, however it was written."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def shown_answer(record: Record) -> str:
    """Return the answer in one short line."""
    name, value = _main(record)
    if name == "labels":
        value = ", ".join(value) or "[]"
    return clipped(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def writes_freely(record: Record) -> bool:
    """Whether the answer is a text of its own words, of which several can be right."""
    return record.answer.text is not None


def is_checked(record: Record) -> bool:
    """Whether a person wrote or reviewed the record."""
    return REVIEWED in record.tags or record.source == "hand"


def worth_keeping(records: Iterable[Record]) -> Record:
    """Return which of several alike to keep: a reviewed one, else one by hand, else a hard one, else the first."""
    return min(records, key=lambda r: (REVIEWED not in r.tags, r.source != "hand", not r.is_hard()))


def _main(record: Record) -> tuple[str, Any]:
    """Return the part that the answer is about; what else there is of it when there is none."""
    for name in MAIN_KEY.values():
        value = getattr(record.answer, name)
        if value is not None:
            return name, value
    return "", asdict(record.answer)
