"""Reading an answer: exactly as the task's format writes it, or as the only thing that it can mean.

Knows tasks and text; not how answers are written (`answer.py`), except that what is written is read back.
"""

from __future__ import annotations

import re
from typing import Any

from sftloop.scenario import lines, recover
from sftloop.scenario.schema import Task
from sftloop.scenario.values import MAIN_KEY, Answer, checked_main, checked_part, short_number, shown
from sftloop.scenario.wording import Wording

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def read_strictly(task: Task, text: str, words: Wording) -> Answer:
    """Return the answer that `text` is, without white space around it.

    Raises:
        ValueError: it isn't exactly in the task's format; says where it departs.
    """
    read = _read_json if task.written_as == "json" else _read_lines if task.in_lines else _read_plain
    return read(task, text, words)


def _read_plain(task: Task, text: str, words: Wording) -> Answer:
    return Answer(**{MAIN_KEY[task.kind]: checked_main(task, _plain_value(task, text, words))})


def _plain_value(task: Task, text: str, words: Wording) -> Any:
    """Return what a plain text, or a line behind its key, stands for."""
    if task.kind == "choice":
        return _named(task, text)
    if task.kind == "multi":
        return [] if text == words.nothing else [_named(task, part) for part in text.split(words.separator)]
    if task.kind == "score":
        if not _NUMBER.fullmatch(text):
            raise ValueError(f"{shown(text)} is not a number")
        return float(text)
    return text


def _named(task: Task, written: Any) -> Any:
    """Return the label that is written so; anything else unchanged, for `checked_main` to judge.

    Raises:
        ValueError: labels are lettered, and it is none of the letters.
    """
    if task.form.labels == "names" or not task.labels or not isinstance(written, str):
        return written
    for label, letter in task.written_labels.items():
        if letter == written:
            return label
    raise ValueError(f"{shown(written)} is none of the letters of the task '{task.name}'")


def _read_lines(task: Task, text: str, words: Wording) -> Answer:
    own = list(task.fields) if task.kind == "extract" else [MAIN_KEY[task.kind]]
    values = lines.split(text, [*task.extras, *own] if task.reasons_first else [*own, *task.extras])
    cut = len(task.extras) if task.reasons_first else len(own)
    main, beside = values[:cut], values[cut:]
    if task.reasons_first:
        main, beside = beside, main
    extras = {
        key: checked_part(key, _extra_value(key, part)) for key, part in zip(task.extras, beside, strict=True)
    }
    if task.kind == "extract":
        value: Any = {
            name: _field_value(field.type, part)
            for (name, field), part in zip(task.fields.items(), main, strict=True)
        }
    elif task.kind == "generate":
        value = lines.line_as_text(main[0])
    else:
        value = _plain_value(task, main[0], words)
    return Answer(**{MAIN_KEY[task.kind]: checked_main(task, value)}, **extras)


def _extra_value(key: str, line: str) -> Any:
    return recover.strict_json(line) if key == "evidence" else lines.line_as_text(line)


def _field_value(kind: str, line: str) -> Any:
    return lines.line_as_text(line) if kind in ("string", "date") else recover.strict_json(line)


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
    main, extras = MAIN_KEY[task.kind], task.extras
    if task.kind == "extract" and not extras:
        return Answer(fields=checked_main(task, body))
    for key in (main, *extras):
        if key not in body:
            raise ValueError(f"the key '{key}' is missing")
    for key in body:
        if key not in (main, *extras):
            raise ValueError(f"unknown key '{key}'")
    value = body[main]
    value = [_named(task, one) for one in value] if isinstance(value, list) else _named(task, value)
    return Answer(
        **{main: checked_main(task, value)}, **{key: checked_part(key, body[key]) for key in extras}
    )


def read_leniently(task: Task, text: str, words: Wording) -> Answer | None:
    """Return what `text`, which is not in the format, can only mean; None if that isn't clear."""
    body = recover.only_object(text)
    if body is not None:
        return _from_object(task, body)
    if task.in_lines and (body := _from_lines(task, text)):
        return _from_object(task, body)
    value = _meant(task, text, words)
    return _fitting(task, value) if value is not None else None


def _from_lines(task: Task, text: str) -> dict[str, Any]:
    """Return the parts that lines of their own name, as an object; empty without the answer itself."""
    own = list(task.fields) if task.kind == "extract" else [MAIN_KEY[task.kind]]
    found = lines.split_loosely(text, [*own, *(key for key in task.extras if key not in own)])
    if not any(key in found for key in own):
        return {}
    if task.kind == "multi" and "labels" in found:
        return {**found, "labels": re.split(r"\s*[,，;；、]\s*", found["labels"])}
    if task.kind != "extract":
        return {key: _loose_value(line) for key, line in found.items()}
    fields = {name: _loose_value(found[name]) for name in task.fields if name in found}
    return {"fields": fields, **{key: _loose_value(found[key]) for key in task.extras if key in found}}


def _loose_value(line: str) -> Any:
    """Return JSON as what it says and anything else as text."""
    try:
        return recover.strict_json(line)
    except ValueError:
        return line


def _meant(task: Task, text: str, words: Wording) -> Any:
    """Return the main part as named in text without a whole JSON object, or None."""
    known = _meanings(task)
    if recover.looks_like_json(text):
        label = recover.cut_off_string(text, "label") if task.kind == "choice" else None
        return known.get(recover.match_name(label, known) or "") if label is not None else None
    if task.kind == "choice":
        return known.get(recover.match_any_line(text, known) or "")
    if task.kind == "multi":
        empty = recover.bare(text).casefold() == words.nothing
        named = () if empty else recover.split_names(text, known, words.separator)
        return None if named is None else tuple(dict.fromkeys(known[name] for name in named))
    if task.kind == "score":
        return recover.only_number(text)
    return text if task.kind == "generate" else None


def _meanings(task: Task) -> dict[str, str]:
    """Return every way to name a label that has one reading → the label."""
    known = {label: label for label in task.labels}
    if task.form.labels == "letters":
        for label, letter in task.written_labels.items():
            written = [letter, f"{letter})", f"{letter}、", f"({letter}) {label}", f"({letter}){label}"]
            written += [f"{letter}{mark}{space}{label}" for mark in ".:)、" for space in ("", " ")]
            known |= dict.fromkeys(written, label)
    return known


def _from_object(task: Task, body: dict[str, Any]) -> Answer | None:
    main, known = MAIN_KEY[task.kind], _meanings(task)
    value = body.get(main)
    if task.kind == "extract":
        source = value if isinstance(value, dict) else body
        value = {name: _loose_field(task, name, source.get(name)) for name in task.fields}
        if not any(name in source for name in task.fields):
            return None
    elif task.kind == "choice" and isinstance(value, str):
        value = known.get(recover.match_name(value, known) or "")
    elif task.kind == "multi" and isinstance(value, list):
        named = [known.get(recover.match_name(str(label), known) or "") for label in value]
        value = tuple(dict.fromkeys(named))
    elif task.kind == "score" and isinstance(value, str):
        value = recover.only_number(value)
    answer = _fitting(task, value)
    return answer if answer is None else _with_extras(task, answer, body)


def _loose_field(task: Task, name: str, value: Any) -> Any:
    kind = task.fields[name].type
    if kind == "number" and isinstance(value, str):
        value = _loose_number(value)
    elif kind == "list" and isinstance(value, str):
        value = [value]
    elif kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return value


def _loose_number(text: str) -> Any:
    """Return the number that `text` means, None where it is blank, else the text, which fits no number."""
    number = recover.only_number(recover.without_thousands_commas(text))
    if number is not None:
        return short_number(number)
    return text if text.strip() else None


def _fitting(task: Task, value: Any) -> Answer | None:
    try:
        return Answer(**{MAIN_KEY[task.kind]: checked_main(task, value)})
    except ValueError:
        return None


def _with_extras(task: Task, answer: Answer, body: dict[str, Any]) -> Answer:
    parts: dict[str, Any] = {MAIN_KEY[task.kind]: getattr(answer, MAIN_KEY[task.kind])}
    for key in task.extras:
        value = [body[key]] if key == "evidence" and isinstance(body.get(key), str) else body.get(key)
        try:
            parts[key] = checked_part(key, value)
        except ValueError:
            continue
    return Answer(**parts)
