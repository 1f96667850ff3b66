"""Columns to records: which column fills which input field or part of the answer, and how cells are read.

Knows names, cells and the task's shape; not files, and not whether a label exists (`check_record` does).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sftloop.core.errors import DataError, UsageError, nearest
from sftloop.core.files import json_problem
from sftloop.records.schema import Input
from sftloop.scenario.answer import MAIN_KEY, Answer
from sftloop.scenario.schema import Task
from sftloop.scenario.values import short_number
from sftloop.scenario.wording import Language, wording

META = ("id", "tags", "group", "source", "task")
BESIDE = ("reason", "evidence")
_TRUE, _FALSE = {"true", "1", "yes", "y", "是"}, {"false", "0", "no", "n", "否"}
_LIST_MARKS = re.compile(r"[,;|，；、]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMap:
    """Which column fills what, for one task."""

    inputs: dict[str, str]
    """Input field → column."""
    answer: dict[str, str]
    """`label`, `labels`, `text`, `score`, `fields`, `reason`, `evidence` → column."""
    fields: dict[str, str]
    """Field of an `extract` task → column."""
    meta: dict[str, str]
    """`id`, `tags`, `group`, `source`, `task` → column."""

    def used(self) -> set[str]:
        """Return every column that is read."""
        return {
            column for part in (self.inputs, self.answer, self.fields, self.meta) for column in part.values()
        }


def map_columns(task: Task, columns: Iterable[str], mapping: Mapping[str, str]) -> ColumnMap:
    """Decide which column fills what: as `mapping` says, else the column of the same name.

    `mapping` names an input field, the answer's key, `reason`, `evidence`, a field to extract, or `id`,
    `tags`, `group`, `source`, `task`; `input.`, `answer.`, `fields.` and `meta.` before a name tell equal
    names apart. An empty column ("id": "") leaves the part unread.

    Raises:
        UsageError: an unknown part or column, or a part without a column; lists the columns.
    """
    present = [column for column in columns if column]
    wanted = _parts(task)
    chosen: dict[str, str] = {}
    for name, column in mapping.items():
        if column and column not in present:
            raise UsageError(f"The file has no column '{column}'.", hint=nearest(column, present))
        chosen[_resolve(name, wanted, task)] = column
    for part in wanted:
        name = part.split(".", 1)[-1]
        if part not in chosen and name in present:
            chosen[part] = name
    result = ColumnMap(
        inputs=_group(chosen, "input"),
        answer=_group(chosen, "answer"),
        fields=_group(chosen, "fields"),
        meta=_group(chosen, "meta"),
    )
    _require_all(task, result, present)
    return result


def read_input(task: Task, row: Mapping[str, Any], columns: Mapping[str, str]) -> Input:
    """Return the input fields of a row; a `many` field takes a list, a JSON list, or one text.

    Raises:
        DataError: a cell is empty or is neither text nor number nor list of texts.
    """
    result: Input = {}
    for field in task.input:
        value = row.get(columns[field.name])
        if field.many:
            result[field.name] = _texts(value, field.name)
        else:
            result[field.name] = _text(value, field.name)
    return result


def read_answer(task: Task, row: Mapping[str, Any], columns: ColumnMap, language: Language) -> Answer:
    """Return the expected answer of a row.

    Raises:
        DataError: the cell is empty or can't be read as the task's kind of answer.
    """
    key = MAIN_KEY[task.kind]
    value = row.get(columns.answer[key]) if key in columns.answer else None
    reason = row.get(columns.answer.get("reason", ""))
    evidence = row.get(columns.answer.get("evidence", ""))
    return Answer(
        label=_text(value, "label") if key == "label" else None,
        labels=_labels(value, task, language) if key == "labels" else None,
        fields=_fields(value, task, row, columns.fields) if key == "fields" else None,
        text=_text(value, "text") if key == "text" else None,
        score=_score(value) if key == "score" else None,
        reason=None if _blank(reason) else _text(reason, "reason"),
        evidence=None if evidence is None or evidence == "" else tuple(_texts(evidence, "evidence")),
    )


def read_tags(value: Any) -> tuple[str, ...]:
    """Return tags from a list, a JSON list, or words separated by commas, semicolons or bars."""
    if _blank(value):
        return ()
    found = _json_list(value)
    parts = found if found is not None else _LIST_MARKS.split(str(value))
    return tuple(text for part in parts if (text := cell_text(part)))


def _parts(task: Task) -> list[str]:
    return [
        *(f"input.{field.name}" for field in task.input),
        f"answer.{MAIN_KEY[task.kind]}",
        *(f"answer.{name}" for name in BESIDE),
        *(f"fields.{name}" for name in task.fields),
        *(f"meta.{name}" for name in META),
    ]


def _resolve(name: str, wanted: list[str], task: Task) -> str:
    if name in wanted:
        return name
    for part in wanted:
        if part.split(".", 1)[-1] == name:
            return part
    known = [part.removeprefix("meta.") for part in wanted]
    raise UsageError(
        f"Task '{task.name}' has no part '{name}' to map a column to.", hint=nearest(name, known)
    )


def _group(chosen: Mapping[str, str], head: str) -> dict[str, str]:
    start = f"{head}."
    return {
        part.removeprefix(start): column
        for part, column in chosen.items()
        if part.startswith(start) and column
    }


def _require_all(task: Task, columns: ColumnMap, present: list[str]) -> None:
    shown = ", ".join(f"'{column}'" for column in present)
    for field in task.input:
        if field.name not in columns.inputs:
            raise UsageError(
                f"The file has no column '{field.name}' for the input '{field.name}' of task '{task.name}'; "
                f"its columns: {shown}.",
                hint=f"Say which it is with --map {field.name}=COLUMN.",
            )
    key = MAIN_KEY[task.kind]
    column = columns.answer.get(key)
    if column is None and not columns.fields:
        raise UsageError(
            f"The file has no column '{key}' for the answer of task '{task.name}'; its columns: {shown}.",
            hint=f"Say which it is with --map {key}=COLUMN.",
        )
    if column is not None and column in columns.inputs.values():
        raise UsageError(
            f"The column '{column}' would be both the input and the answer of task '{task.name}'.",
            hint=f"Say where the answer is with --map answer.{key}=COLUMN.",
        )


def _blank(value: Any) -> bool:
    if isinstance(value, float) and math.isnan(value):
        return True
    return value is None or (isinstance(value, str) and not value.strip())


def _text(value: Any, name: str) -> str:
    if _blank(value):
        raise DataError(f"'{name}' is empty.")
    if isinstance(value, (list, dict)):
        raise DataError(f"'{name}' must be one text, got {type(value).__name__}.")
    return value if isinstance(value, str) and name != "label" else cell_text(value)


def cell_text(value: Any) -> str:
    """Return a cell as text: true and false as JSON has them, 3.0 as 3; "" for what isn't there."""
    if _blank(value):
        return ""
    if isinstance(value, bool | float):
        return json.dumps(value if isinstance(value, bool) else short_number(value))
    return str(value).strip()


def _json_list(value: Any) -> list[Any] | None:
    if isinstance(value, list):
        return value
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, list) else None
    return None


def _texts(value: Any, name: str) -> list[str]:
    found = _json_list(value)
    return [_text(item, name) for item in found] if found is not None else [_text(value, name)]


def _labels(value: Any, task: Task, language: Language) -> tuple[str, ...]:
    found = _json_list(value)
    if found is not None:
        return tuple(_text(item, "label") for item in found)
    nothing = wording(language).nothing
    if _blank(value):
        raise DataError(f"'labels' is empty; write '{nothing}' or [] where no label applies.")
    text = str(value).strip()
    if text in task.labels:
        return (text,)
    if text.casefold() == nothing:
        return ()
    return tuple(part.strip() for part in _LIST_MARKS.split(text) if part.strip())


def _score(value: Any) -> float:
    return float(_number(_text(value, "score"), "'score'", value))


def _number(text: str, what: str, given: Any) -> float:
    """Read a number; Python's own underscores (1_000) are none."""
    try:
        if "_" in text:
            raise ValueError
        return int(text) if re.fullmatch(r"\s*[+-]?\d+\s*", text) else float(text)
    except ValueError:
        raise DataError(f"{what} must be a number, got {given!r}.") from None


def _fields(value: Any, task: Task, row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise DataError(f"'fields': {json_problem(error)}.") from None
    if value is not None and value != "" and not isinstance(value, dict):
        raise DataError(f"'fields' must be an object, got {type(value).__name__}.")
    result = dict(value or {})
    for name, column in columns.items():
        result[name] = _field(row.get(column), name, task.fields[name].type)
    return result


def _field(value: Any, name: str, kind: str) -> Any:
    if _blank(value):
        return None
    if kind == "list":
        found = _json_list(value)
        if found is not None:
            return found
        return [part.strip() for part in _LIST_MARKS.split(str(value)) if part.strip()]
    if kind == "number" and isinstance(value, str):
        return _number(value, f"The field '{name}'", value)
    if kind == "boolean" and not isinstance(value, bool):
        word = str(value).strip().casefold()
        if word not in _TRUE | _FALSE:
            raise DataError(f"The field '{name}' must be true or false, got {value!r}.")
        return word in _TRUE
    return _text(value, name) if kind in ("string", "date") else value
