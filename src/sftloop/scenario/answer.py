"""Answers as text: what a model must write for a task, and what the text it wrote means.

One format per task, the same for every record; `lines.py` writes several plain parts, `read_answer.py` reads.
Knows tasks and text; not prompts, models or metrics, and not whether an answer is right or its evidence really
stands in the input.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from sftloop.core.errors import DataError, nearest
from sftloop.scenario import lines, recover
from sftloop.scenario.read_answer import read_leniently, read_strictly
from sftloop.scenario.schema import Task
from sftloop.scenario.values import MAIN_KEY, Answer, checked_main, short_number
from sftloop.scenario.wording import Language, Wording

__all__ = [
    "MAIN_KEY",
    "Answer",
    "ParsedAnswer",
    "answer_format",
    "format_answer",
    "label_slots",
    "parse_answer",
]


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
    value = _written(task, _main_value(task, answer))
    if task.written_as == "plain" and not task.in_lines:
        return _plain(task, value, task.words(language))
    extras = {key: _extra(task, answer, key) for key in task.extras}
    if task.in_lines:
        main = _main_lines(task, value, task.words(language))
        beside = [(key, _line(part)) for key, part in extras.items()]
        return lines.joined([*beside, *main] if task.reasons_first else [*main, *beside])
    whole = value if task.kind == "extract" and not extras else {MAIN_KEY[task.kind]: value}
    return json.dumps({**extras, **whole} if task.reasons_first else {**whole, **extras}, ensure_ascii=False)


def parse_answer(task: Task, text: str, language: Language) -> ParsedAnswer:
    """Read a model's text.

    Valid are, for a plain format, exactly what `format_answer` writes (labels in any order, lines in theirs); for
    JSON, one line holding one object with exactly the required keys and types (in any order and spacing). Anything
    else is read leniently, and only if it can mean one thing: code fences, other case, quotes, a trailing
    stop, text around one JSON object, a label on a line of its own, the plain form in place of JSON or the
    reverse, JSON that breaks off behind its label, a label in place of its letter.
    """
    stripped = text.strip()
    if not stripped:
        return ParsedAnswer(answer=None, valid=False, problem="the answer is empty")
    words = task.words(language)
    try:
        return ParsedAnswer(answer=read_strictly(task, stripped, words), valid=True, problem=None)
    except ValueError as misfit:
        meant = read_leniently(task, recover.unwrapped(stripped), words)
        return ParsedAnswer(answer=meant, valid=False, problem=str(misfit))


def label_slots(task: Task, language: Language) -> tuple[str, dict[str, str]]:
    """Return the text in front of the label and, per label, the text that names and closes it.

    Plain: nothing comes before, and the end of the turn closes. JSON: the closing is `"}` or, before
    further keys, `",` — the very characters that follow the label in `format_answer`'s text, so that a
    tokenizer that merges them yields the same tokens in training and in scoring. Where evidence or reason come
    first (`reasons_first`), the text in front begins at the separator behind them, else with the answer.

    Raises:
        ValueError: the task is no `choice`.
    """
    if task.kind != "choice":
        raise ValueError(f"the task '{task.name}' is of kind '{task.kind}'; only a choice has label slots")
    del language  # a choice is written alike in every language
    key = MAIN_KEY["choice"]
    more = bool(task.extras) and not task.reasons_first
    if task.written_as == "plain":
        lead = f"{key}: " if task.in_lines else ""
        slots = {label: text + ("\n" if more else "") for label, text in task.written_labels.items()}
        return f"\n{lead}" if task.reasons_first else lead, slots
    closing = '",' if more else '"}'
    slots = {
        label: json.dumps(text, ensure_ascii=False)[1:-1] + closing
        for label, text in task.written_labels.items()
    }
    return f'{", " if task.reasons_first else "{"}"{key}": "', slots


def _extra(task: Task, answer: Answer, key: str) -> Any:
    part = getattr(answer, key)
    if part is None:
        raise DataError(
            f"task '{task.name}' asks for '{key}' and the answer has none.",
            hint=f"Add '{key}' to the record's answer, or take `{key}: true` out of the task.",
        )
    return list(part) if isinstance(part, tuple) else part


def _line(part: Any) -> str:
    return lines.text_as_line(part) if isinstance(part, str) else lines.as_json(part)


def _written(task: Task, value: Any) -> Any:
    """Return the checked value with labels as they are written."""
    if task.kind == "choice":
        return task.written_labels[value]
    return [task.written_labels[label] for label in value] if task.kind == "multi" else value


def _plain(task: Task, value: Any, words: Wording) -> str:
    if task.kind == "multi":
        return words.separator.join(value) or words.nothing
    return json.dumps(value) if task.kind == "score" else str(value)


def _main_lines(task: Task, value: Any, words: Wording) -> list[tuple[str, str]]:
    if task.kind == "extract":
        return [(name, _line(part)) for name, part in value.items()]
    return [(MAIN_KEY[task.kind], _line(value) if task.kind == "generate" else _plain(task, value, words))]


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
