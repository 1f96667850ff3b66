"""The parts of an answer and what each may hold.

Knows tasks and plain values; not how answers are written as text (`answer.py`) nor whether one is right.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sftloop.core.errors import DataError, nearest
from sftloop.scenario.schema import Task

MAIN_KEY: Mapping[str, str] = {
    "choice": "label",
    "multi": "labels",
    "extract": "fields",
    "generate": "text",
    "score": "score",
}
"""The part of an answer that each kind is about; also its key in JSON."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An expected or given answer; which parts are set depends on the task's kind."""

    label: str | None = None
    """The verdict of a `choice`."""
    labels: tuple[str, ...] | None = None
    """The labels of a `multi`, possibly none."""
    fields: dict[str, Any] | None = None
    """The fields of an `extract`; None as a value stands for "not mentioned"."""
    text: str | None = None
    """The text of a `generate`."""
    score: float | None = None
    """The number of a `score`."""
    reason: str | None = None
    """One sentence that says why."""
    evidence: tuple[str, ...] | None = None
    """Quotes from the input; empty where there is none."""

    def to_json(self) -> dict[str, Any]:
        """Return the parts that are set, as plain data."""
        parts = {name: getattr(self, name) for name in self.__slots__}
        if self.score is not None:
            parts["score"] = short_number(self.score)
        return {
            name: list(part) if isinstance(part, tuple) else part
            for name, part in parts.items()
            if part is not None
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Answer:
        """Build an answer from a record's `answer` object; parts that are null count as absent.

        Raises:
            DataError: an unknown key or a value of the wrong type; the message names both.
        """
        if not isinstance(data, Mapping):
            raise DataError(f"'answer' is {shown(data)}; it must be an object such as {{\"label\": …}}.")
        parts: dict[str, Any] = {}
        for key, value in data.items():
            if key not in cls.__slots__:
                raise DataError(f"unknown key '{key}' in 'answer'.", hint=nearest(key, cls.__slots__))
            if value is None:
                continue
            try:
                parts[key] = checked_part(key, value)
            except ValueError as misfit:
                raise DataError(f"in 'answer': {misfit}.") from None
        return cls(**parts)


def short_number(value: float) -> int | float:
    """Return a whole number as an integer, so that it is written `4` and not `4.0`."""
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def shown(value: Any) -> str:
    """Return a value as a message shows it, at most 60 characters."""
    text = f"'{value}'" if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:59] + "…"


def checked_part(key: str, value: Any) -> Any:
    """Return `value` in the type of the answer's part `key`.

    Raises:
        ValueError: it has another type.
    """
    if key in ("labels", "evidence"):
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(value)
        rule = "a list of texts"
    elif key == "fields":
        if isinstance(value, Mapping):
            return dict(value)
        rule = "an object"
    elif key == "score":
        return finite(value)
    else:
        if isinstance(value, str):
            return value
        rule = "text"
    raise ValueError(f"'{key}' is {shown(value)}; it must be {rule}")


def finite(value: Any) -> float:
    """Return `value` as a finite float.

    Raises:
        ValueError: it is no number, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"'score' is {shown(value)}; it must be a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"'score' is {number}; it must be a finite number")
    return number


def checked_main(task: Task, value: Any) -> Any:
    """Return the part that `task` is about in the type `Answer` keeps it in, if it fits the task.

    Raises:
        ValueError: an unknown or repeated label, a score outside the range, a missing, unknown or
            wrongly typed field, an empty text.
    """
    if task.kind == "choice":
        return known_label(task, value)
    if task.kind == "multi":
        return distinct_labels(task, value)
    if task.kind == "score":
        return score_in_range(task, value)
    if task.kind == "extract":
        return whole_fields(task, value)
    text = str(checked_part("text", value)).strip()
    if not text:
        raise ValueError("the text is empty")
    return text


def known_label(task: Task, label: Any) -> str:
    """Return `label` if the task has it, else raise ValueError."""
    if not isinstance(label, str) or label not in task.labels:
        raise ValueError(f"{shown(label)} is none of the labels of the task '{task.name}'")
    return label


def distinct_labels(task: Task, labels: Any) -> tuple[str, ...]:
    """Return `labels` if the task has each and none comes twice, else raise ValueError."""
    known = tuple(known_label(task, label) for label in checked_part("labels", labels))
    for position, label in enumerate(known):
        if label in known[:position]:
            raise ValueError(f"the label '{label}' is named twice")
    return known


def score_in_range(task: Task, score: Any) -> float:
    """Return `score` if it lies in the task's range, both ends included, else raise ValueError."""
    number = finite(score)
    if task.range is not None and not task.range[0] <= number <= task.range[1]:
        raise ValueError(f"the score {number:g} is outside {task.range[0]:g} to {task.range[1]:g}")
    return number


def whole_fields(task: Task, fields: Any) -> dict[str, Any]:
    """Return `fields` in the task's order if all are there and of their types, else raise ValueError."""
    given = checked_part("fields", fields)
    for name in given:
        if name not in task.fields:
            raise ValueError(f"unknown field '{name}'")
    for name, field in task.fields.items():
        if name not in given:
            raise ValueError(f"the field '{name}' is missing")
        if not fits(field.type, given[name]):
            value = shown(given[name])
            raise ValueError(f"the field '{name}' is {value}; it must be of type {field.type} or null")
    return {name: given[name] for name in task.fields}


def fits(kind: str, value: Any) -> bool:
    """Whether a field of type `kind` may hold `value`; null always fits."""
    if value is None:
        return True
    if kind == "number":
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole or (isinstance(value, float) and math.isfinite(value))
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "list":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, str) and (kind != "date" or _is_date(value))


def _is_date(value: str) -> bool:
    try:
        return bool(_DATE.fullmatch(value) and date.fromisoformat(value))
    except ValueError:
        return False
