"""Answers as text: what a model must write for a task, and what the text it wrote means.

One format per task, the same for every record. Knows tasks and text; not prompts, models or metrics, and
not whether an answer is right or its evidence really stands in the input.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sftloop.core.errors import DataError, nearest
from sftloop.scenario import recover
from sftloop.scenario.schema import Task
from sftloop.scenario.values import Answer, checked_main, checked_part, short_number, shown
from sftloop.scenario.wording import Language, Wording, wording

__all__ = [
    "MAIN_KEY",
    "Answer",
    "ParsedAnswer",
    "answer_format",
    "format_answer",
    "label_slots",
    "parse_answer",
]

MAIN_KEY: Mapping[str, str] = {
    "choice": "label",
    "multi": "labels",
    "extract": "fields",
    "generate": "text",
    "score": "score",
}
"""The part of an answer that each kind is about; also its key in JSON."""
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedAnswer:
    """What a model's text means."""

    answer: Answer | None
    """The answer, also where the format was missed but the meaning is clear; None where it isn't."""
    valid: bool
    """The text is exactly in the required format (white space around it is allowed)."""
    problem: str | None
    """What is wrong with the format, in a few words; None when valid."""


def answer_format(task: Task) -> Literal["plain", "json"]:
    """Return how the task's answers are written: JSON for `extract` and beside a reason or evidence."""
    return task.written_as


def format_answer(task: Task, answer: Answer, language: Language) -> str:
    """Return the exact text that the model must write.

    Labels of a `multi` answer come in the scenario's order, fields too (null where absent), so that equal
    answers have equal texts. White space around a generated text is dropped.

    Raises:
        DataError: the answer lacks a part that the task asks for, or holds one that doesn't fit it.
    """
    value = _main_value(task, answer)
    if task.written_as == "plain":
        return _plain(task, value, wording(language))
    flat = task.kind == "extract" and not _extras(task)
    body = value if flat else {MAIN_KEY[task.kind]: value}
    for key in _extras(task):
        part = getattr(answer, key)
        if part is None:
            raise DataError(
                f"task '{task.name}' asks for '{key}' and the answer has none.",
                hint=f"Add '{key}' to the record's answer, or take `{key}: true` out of the task.",
            )
        body[key] = list(part) if isinstance(part, tuple) else part
    return json.dumps(body, ensure_ascii=False)


def parse_answer(task: Task, text: str, language: Language) -> ParsedAnswer:
    """Read a model's text.

    Valid are, for a plain format, exactly what `format_answer` writes (labels in any order); for JSON, one
    line holding one object with exactly the required keys and types (in any order and spacing). Anything
    else is read leniently, and only if it can mean one thing: code fences, other case, quotes, a trailing
    stop, text around one JSON object, a label on a line of its own, the plain form in place of JSON or the
    reverse, JSON that breaks off behind its label.
    """
    stripped = text.strip()
    if not stripped:
        return ParsedAnswer(answer=None, valid=False, problem="the answer is empty")
    words = wording(language)
    read = _read_json if task.written_as == "json" else _read_plain
    try:
        return ParsedAnswer(answer=read(task, stripped, words), valid=True, problem=None)
    except ValueError as misfit:
        meant = _recovered(task, recover.unwrapped(stripped), words)
        return ParsedAnswer(answer=meant, valid=False, problem=str(misfit))


def label_slots(task: Task, language: Language) -> tuple[str, dict[str, str]]:
    """Return the text up to the label and, per label, the text that names and closes it.

    Plain: nothing comes before, and the end of the turn closes. JSON: the closing is `"}` or, before
    further keys, `",` — the very characters that follow the label in `format_answer`'s text, so that a
    tokenizer that merges them yields the same tokens in training and in scoring.

    Raises:
        ValueError: the task is no `choice`.
    """
    if task.kind != "choice":
        raise ValueError(f"the task '{task.name}' is of kind '{task.kind}'; only a choice has label slots")
    del language  # a choice is written alike in every language
    if task.written_as == "plain":
        return "", {label: label for label in task.labels}
    closing = '",' if _extras(task) else '"}'
    slots = {label: json.dumps(label, ensure_ascii=False)[1:-1] + closing for label in task.labels}
    return f'{{"{MAIN_KEY["choice"]}": "', slots


def _extras(task: Task) -> list[str]:
    """Return the keys asked for beside the main one, in the order they are written."""
    return [key for key in ("evidence", "reason") if getattr(task.answer, key)]


def _plain(task: Task, value: Any, words: Wording) -> str:
    if task.kind == "multi":
        return words.separator.join(value) or words.nothing
    return json.dumps(value) if task.kind == "score" else str(value)


def _main_value(task: Task, answer: Answer) -> Any:
    """Return the checked value of the part that the task is about, ready for JSON."""
    key = MAIN_KEY[task.kind]
    value = getattr(answer, key)
    if value is None:
        raise DataError(f"task '{task.name}' is a {task.kind} and the answer lacks '{key}'.")
    if task.kind == "extract":
        value = {**dict.fromkeys(task.fields), **value}
    try:
        value = checked_main(task, value)
    except ValueError as misfit:
        raise DataError(f"task '{task.name}': {misfit}.", hint=_nearest_known(task, value)) from None
    if task.kind == "multi":
        return [label for label in task.labels if label in value]
    return short_number(value) if task.kind == "score" else value


def _nearest_known(task: Task, value: Any) -> str:
    """Return a hint for the first label or field in `value` that the task doesn't have, or nothing."""
    options = [*task.labels, *task.fields]
    named = [value] if isinstance(value, str) else value if isinstance(value, tuple | dict) else ()
    return next((nearest(name, options) for name in named if options and name not in options), "")


def _read_plain(task: Task, text: str, words: Wording) -> Answer:
    value: Any = text
    if task.kind == "multi":
        value = [] if text == words.nothing else text.split(words.separator)
    elif task.kind == "score":
        if not _NUMBER.fullmatch(text):
            raise ValueError(f"{shown(text)} is not a number")
        value = float(text)
    return Answer(**{MAIN_KEY[task.kind]: checked_main(task, value)})


def _read_json(task: Task, text: str, words: Wording) -> Answer:
    del words  # JSON is the same in every language
    try:
        body = recover.strict_json(text)
    except ValueError:
        raise ValueError("not one JSON object and nothing else") from None
    if not isinstance(body, dict):
        raise ValueError(f"{shown(body)} is not a JSON object")
    if "\n" in text or "\r" in text:
        raise ValueError("the JSON is spread over several lines")
    main, extras = MAIN_KEY[task.kind], _extras(task)
    if task.kind == "extract" and not extras:
        return Answer(fields=checked_main(task, body))
    for key in (main, *extras):
        if key not in body:
            raise ValueError(f"the key '{key}' is missing")
    for key in body:
        if key not in (main, *extras):
            raise ValueError(f"unknown key '{key}'")
    return Answer(
        **{main: checked_main(task, body[main])}, **{key: checked_part(key, body[key]) for key in extras}
    )


def _recovered(task: Task, text: str, words: Wording) -> Answer | None:
    """Return what `text`, which is not in the format, can only mean; None if that isn't clear."""
    body = recover.only_object(text)
    if body is not None:
        return _from_object(task, body)
    value = _meant(task, text, words)
    return _fitting(task, value) if value is not None else None


def _meant(task: Task, text: str, words: Wording) -> Any:
    """Return the main part as named in text without a whole JSON object, or None."""
    if recover.looks_like_json(text):
        label = recover.cut_off_string(text, "label") if task.kind == "choice" else None
        return recover.match_name(label, task.labels) if label is not None else None
    if task.kind == "choice":
        return recover.match_any_line(text, task.labels)
    if task.kind == "multi":
        empty = recover.bare(text).casefold() == words.nothing
        return () if empty else recover.split_names(text, task.labels, words.separator)
    if task.kind == "score":
        return recover.only_number(text)
    return text if task.kind == "generate" else None


def _from_object(task: Task, body: dict[str, Any]) -> Answer | None:
    main = MAIN_KEY[task.kind]
    value = body.get(main)
    if task.kind == "extract":
        source = value if isinstance(value, dict) else body
        value = {name: _loose_field(task, name, source.get(name)) for name in task.fields}
        if not any(name in source for name in task.fields):
            return None
    elif task.kind == "choice" and isinstance(value, str):
        value = recover.match_name(value, task.labels)
    elif task.kind == "multi" and isinstance(value, list):
        value = tuple(dict.fromkeys(recover.match_name(str(label), task.labels) for label in value))
    elif task.kind == "score" and isinstance(value, str):
        value = recover.only_number(value)
    answer = _fitting(task, value)
    return answer if answer is None else _with_extras(task, answer, body)


def _loose_field(task: Task, name: str, value: Any) -> Any:
    kind = task.fields[name].type
    if kind == "number" and isinstance(value, str):
        value = recover.only_number(value)
    elif kind == "list" and isinstance(value, str):
        value = [value]
    elif kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return value


def _fitting(task: Task, value: Any) -> Answer | None:
    try:
        return Answer(**{MAIN_KEY[task.kind]: checked_main(task, value)})
    except ValueError:
        return None


def _with_extras(task: Task, answer: Answer, body: dict[str, Any]) -> Answer:
    parts: dict[str, Any] = {MAIN_KEY[task.kind]: getattr(answer, MAIN_KEY[task.kind])}
    for key in _extras(task):
        value = [body[key]] if key == "evidence" and isinstance(body.get(key), str) else body.get(key)
        try:
            parts[key] = checked_part(key, value)
        except ValueError:
            continue
    return Answer(**parts)
