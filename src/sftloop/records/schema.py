"""The record: one input with its expected answer for one task, and whether it fits its scenario.

Knows the JSON form and the scenario's rules; knows no files (`read.py`) and no other formats (`importing`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sftloop.core.errors import DataError, nearest
from sftloop.records.identity import input_texts
from sftloop.scenario.answer import MAIN_KEY, Answer
from sftloop.scenario.schema import Scenario, Task
from sftloop.scenario.values import checked_main

HARD_TAGS = ("boundary", "hard")
"""Tags of the records that teach most: near-misses between two labels, and those that need care."""

_KEYS = ("id", "task", "input", "answer", "tags", "source", "group")
Input = dict[str, str | list[str]]
"""Input fields by name: a text, or a list of texts where the scenario says `many`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One input with its expected answer, for one task."""

    id: str
    """Unique within a file; predictions and findings refer to it."""
    task: str
    input: Input
    answer: Answer
    tags: tuple[str, ...] = ()
    """Free words; `easy`, `boundary` and `hard` say how difficult the record is."""
    source: str | None = None
    """Where it came from: `hand`, or file and line of an import."""
    group: str | None = None
    """Records of one group (a person, a thread) stay on one side of a split."""

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Record:
        """Build a record from one parsed line.

        Raises:
            DataError: a key is missing, unknown or of the wrong type; says which (the caller says where).
        """
        for key in row:
            if key not in _KEYS:
                raise DataError(f"Unknown key '{key}' in the record. {nearest(key, _KEYS)}")
        return cls(
            id=_text(row, "id"),
            task=_text(row, "task"),
            input=_input(row),
            answer=_answer(row),
            tags=_tags(row),
            source=_optional_text(row, "source"),
            group=_optional_text(row, "group"),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form; what is not set is left out."""
        row: dict[str, Any] = {
            "id": self.id,
            "task": self.task,
            "input": {
                name: value if isinstance(value, str) else list(value) for name, value in self.input.items()
            },
            "answer": self.answer.to_json(),
        }
        if self.tags:
            row["tags"] = list(self.tags)
        for key, value in (("source", self.source), ("group", self.group)):
            if value is not None:
                row[key] = value
        return row

    def documents(self) -> list[str]:
        """Return every input text, fields by name, lists flattened: however the record's keys are ordered."""
        return input_texts(self.input)

    def text(self) -> str:
        """Return the whole input as one text, a document behind the other."""
        return "\n".join(self.documents())

    def labels(self) -> tuple[str, ...]:
        """Return the expected labels: one for `choice`, any number for `multi`, none for other kinds."""
        if self.answer.label is not None:
            return (self.answer.label,)
        return tuple(self.answer.labels or ())

    def same_content(self, other: Record) -> bool:
        """Whether task, input and answer are equal; id, tags and origin may differ."""
        mine, theirs = (self.task, self.input, self.answer), (other.task, other.input, other.answer)
        return mine == theirs

    def is_hard(self) -> bool:
        """Whether the record is tagged `boundary` or `hard`."""
        return any(tag in HARD_TAGS for tag in self.tags)


def check_record(record: Record, scenario: Scenario) -> str | None:
    """Return what is wrong with the record under the scenario, in words, or None.

    Reason and evidence are never required: an evaluation record may hold the label alone.
    """
    task = scenario.tasks.get(record.task)
    if task is None:
        return f"The scenario has no task '{record.task}'. {nearest(record.task, scenario.tasks)}"
    return _half_character(record) or _input_problem(record, task) or _answer_problem(record, task)


def unquoted_evidence(record: Record) -> tuple[str, ...]:
    """Return the pieces of evidence that stand nowhere, word for word, in the record's input."""
    documents = record.documents()
    return tuple(
        quote for quote in record.answer.evidence or () if not any(quote in text for text in documents)
    )


def _half_character(record: Record) -> str | None:
    try:
        json.dumps(record.to_json(), ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        return f"A text holds half a character (\\u{ord(error.object[error.start]):04x}), which no file can keep."
    return None


def _input_problem(record: Record, task: Task) -> str | None:
    wanted = {field.name: field for field in task.input}
    for name in record.input:
        if name not in wanted:
            return f"Task '{task.name}' has no input '{name}'. {nearest(name, wanted)}"
    for name, field in wanted.items():
        if name not in record.input:
            return f"The input '{name}' of task '{task.name}' is missing."
        value = record.input[name]
        if field.many and isinstance(value, str):
            return f"The input '{name}' must be a list of texts (the scenario says many: true), got one text."
        if not field.many and not isinstance(value, str):
            return f"The input '{name}' must be one text, got a list of {len(value)}."
    if not any(text.strip() for text in record.documents()):
        return "The input is empty."
    return None


def _answer_problem(record: Record, task: Task) -> str | None:
    answer, key = record.answer, MAIN_KEY[task.kind]
    for other in MAIN_KEY.values():
        if other != key and getattr(answer, other) is not None:
            return f"The answer has '{other}', but task '{task.name}' is of kind {task.kind}: give '{key}'."
    value = getattr(answer, key)
    if value is None:
        return f"The answer has no '{key}' (task '{task.name}' is of kind {task.kind})."
    for label in record.labels():
        if label not in task.labels:
            return f"Task '{task.name}' has no label '{label}'. {nearest(label, task.labels)}"
    if task.kind == "extract":
        value = {**dict.fromkeys(task.fields), **value}
    try:
        checked_main(task, value)
    except ValueError as misfit:
        return f"In the answer: {misfit}."
    return None


def _text(row: Mapping[str, Any], key: str) -> str:
    if key not in row:
        raise DataError(f"The record has no '{key}'.")
    value = row[key]
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"'{key}' must be a text that is not empty, got {value!r}.")
    return value


def _optional_text(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise DataError(f"'{key}' must be a text, got {value!r}.")
    return value


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _input(row: Mapping[str, Any]) -> Input:
    value = row.get("input")
    if not isinstance(value, dict) or not value:
        raise DataError(f"'input' must be an object of input fields, got {value!r}.")
    for name, item in value.items():
        if not isinstance(item, str) and not _is_texts(item):
            raise DataError(f"The input '{name}' must be a text or a list of texts, got {item!r}.")
    return dict(value)


def _answer(row: Mapping[str, Any]) -> Answer:
    if not isinstance(row.get("answer"), dict):
        raise DataError(f'\'answer\' must be an object such as {{"label": "…"}}, got {row.get("answer")!r}.')
    return Answer.from_json(row["answer"])


def _tags(row: Mapping[str, Any]) -> tuple[str, ...]:
    value = row.get("tags", [])
    if not _is_texts(value):
        raise DataError(f"'tags' must be a list of words, got {value!r}.")
    return tuple(value)
