"""What a row means: which task it is for, its input and its expected answer.

Knows rows and the scenario; not files, lines or ids, and not whether the record fits (`check_record` does).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sftloop.core.errors import DataError, UsageError, nearest
from sftloop.records.importing.chat import CHAT_FORMATS, Exchange, keys_read, read_exchange
from sftloop.records.importing.columns import (
    BESIDE,
    META,
    ColumnMap,
    cell_text,
    map_columns,
    read_answer,
    read_input,
    read_tags,
)
from sftloop.records.importing.plain import holds_bytes
from sftloop.records.importing.promptfoo import EXPECTED, Unsaid
from sftloop.records.importing.rendered import PromptReader, looks_rendered
from sftloop.records.schema import Input, Record
from sftloop.scenario.answer import MAIN_KEY, Answer, parse_answer
from sftloop.scenario.recover import only_object, unwrapped
from sftloop.scenario.schema import Scenario, Task

_SHOWN = 60
_ANSWER_COLUMNS = {"alpaca": "output", "promptfoo": EXPECTED}
"""Where the answer stands unless another column is mapped."""


class RowMeaning:
    """Reads the rows of one format as records of one scenario; `id` stays empty where the row has none.

    Args:
        scenario: the tasks.
        task: the task of every row; None: as each row says or shows.
        format: one of `FORMATS`.
        mapping: part of the record → column.
    """

    def __init__(self, scenario: Scenario, task: str | None, format: str, mapping: Mapping[str, str]) -> None:
        self.unused: set[str] = set()
        """Columns that filled nothing in the rows read so far."""
        self._scenario, self._task, self._format, self._mapping = scenario, task, format, mapping
        self._prompts = PromptReader(scenario)
        self._columns: dict[tuple[str, tuple[str, ...]], ColumnMap] = {}

    def record(self, row: Mapping[str, Any]) -> Record:
        """Return the record that a row stands for.

        Raises:
            DataError: the row's content is wrong.
            UsageError: columns are missing, or the task is not given.
        """
        if self._format == "records":
            named = cell_text(row["id"]) if row.get("id") is not None else ""
            record = Record.from_json({**row, "id": named or "-"})
            self._known_task(record.task)
            return record if named else replace(record, id="")
        if self._format == "promptfoo" and row.keys() == {"input", "ideal", "metadata"}:
            return self._from_chat(row, "openai-evals")
        if self._format in CHAT_FORMATS and not self._mapping:
            return self._from_chat(row, self._format)
        return self._from_columns(row)

    def _from_columns(self, row: Mapping[str, Any]) -> Record:
        task = self._task_in(row)
        key = (task.name, tuple(row))
        if key not in self._columns:
            mapping = dict(self._mapping)
            usual = _ANSWER_COLUMNS.get(self._format)
            if usual and not {MAIN_KEY[task.kind], _answer_part(task)} & set(mapping):
                mapping[_answer_part(task)] = usual
            self._columns[key] = map_columns(task, row, mapping)
            self.unused |= {name for name in row if name} - self._columns[key].used()
        columns = self._columns[key]
        for column in sorted(columns.used()):
            if holds_bytes(row.get(column)):
                raise DataError(f"The column '{column}' holds bytes that are not UTF-8 text.")
        expected = row.get(EXPECTED)
        if isinstance(expected, Unsaid) and EXPECTED in columns.used():
            raise DataError(expected)
        answer = read_answer(task, row, columns, self._scenario.language)
        meta = {part: row.get(column) for part, column in columns.meta.items()}
        return _with_meta(task, read_input(task, row, columns.inputs), answer, meta)

    def _from_chat(self, row: Mapping[str, Any], format: str) -> Record:
        exchange = read_exchange(format, row)
        self.unused |= set(row) - keys_read(format) - set(META)
        meta = row.get("metadata") if format == "openai-evals" else row
        meta = meta if isinstance(meta, dict) else {}
        task, found = self._recognise(exchange, meta.get("task"))
        whole = meta.get("answer")  # beside a prompt that this package wrote
        if format == "openai-evals" and isinstance(whole, dict):
            return _with_meta(task, found, Answer.from_json(whole), meta)
        return _with_meta(task, found, _answer_from_text(task, exchange.answer, self._scenario), meta)

    def _task_in(self, row: Mapping[str, Any]) -> Task:
        column = self._mapping.get("task", "task")
        named = row.get(column) if column else None
        if self._task is None and named is None:
            raise UsageError(
                f"The scenario has {len(self._scenario.tasks)} tasks and the rows name none.",
                hint=f"Pass --task with one of {', '.join(self._scenario.tasks)}, or --map task=COLUMN.",
            )
        return self._known_task(named)

    def _known_task(self, named: object) -> Task:
        tasks = self._scenario.tasks
        if self._task is not None:
            if isinstance(named, str) and named != self._task and named in tasks:
                raise DataError(f"The row is of task '{named}', not of '{self._task}'.")
            return tasks[self._task]
        if not isinstance(named, str) or named not in tasks:
            raise DataError(f"The scenario has no task '{named}'. {nearest(str(named), tasks)}")
        return tasks[named]

    def _recognise(self, exchange: Exchange, named: object) -> tuple[Task, Input]:
        """Return task and input: out of a rendered prompt if it is one, else the text as it stands."""
        if self._task is None and not isinstance(named, str):
            return self._only_fitting(exchange)
        task = self._known_task(named)
        found = self._prompts.read(task, exchange.user)
        if found is not None:
            return task, found
        others = self._rendered_for(exchange)
        if others:
            raise DataError(
                f"The row is a prompt of task '{others[0][0].name}', not of '{task.name}'.",
                hint="Leave --task out to import all tasks of an export.",
            )
        _require_present_wording(exchange)
        return task, _plain_input(task, exchange)

    def _only_fitting(self, exchange: Exchange) -> tuple[Task, Input]:
        fitting = self._rendered_for(exchange)
        if not fitting:
            _require_present_wording(exchange)
        if len(fitting) != 1:
            raise DataError(
                "Can't tell which task the row is for.",
                hint=f"Pass --task with one of {', '.join(self._scenario.tasks)}.",
            )
        return fitting[0]

    def _rendered_for(self, exchange: Exchange) -> list[tuple[Task, Input]]:
        return [
            (task, found)
            for task in self._scenario.tasks.values()
            if self._prompts.same_system(task, exchange.system)
            and (found := self._prompts.read(task, exchange.user)) is not None
        ]


def _answer_part(task: Task) -> str:
    return f"answer.{MAIN_KEY[task.kind]}"


def _with_meta(task: Task, found: Input, answer: Answer, meta: Mapping[str, Any]) -> Record:
    texts = {key: cell_text(meta[key]) for key in ("id", "group", "source") if meta.get(key) is not None}
    return Record(
        id=texts.get("id", ""),
        task=task.name,
        input=found,
        answer=answer,
        tags=read_tags(meta.get("tags")),
        group=texts.get("group") or None,
        source=texts.get("source") or None,
    )


def _require_present_wording(exchange: Exchange) -> None:
    """Raise DataError for a prompt that none of the scenario's tasks renders as it stands now."""
    if looks_rendered(exchange.system, exchange.user):
        raise DataError(
            "The row is a prompt that sftloop rendered, but not with the scenario's present wording.",
            hint="Import it with the scenario as it was when the row was exported.",
        )


def _plain_input(task: Task, exchange: Exchange) -> Input:
    """Return the question's text as the input; of an Alpaca row to be judged, its `input` alone.

    There the instruction is the task's business, which the scenario words anew; in a `generate` task it is
    part of the question.
    """
    text = exchange.user
    if task.kind != "generate" and exchange.input.strip():
        text = exchange.input
    if len(task.input) == 1:
        only = task.input[0]
        return {only.name: [text] if only.many else text}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        names = ", ".join(field.name for field in task.input)
        raise DataError(
            f"Task '{task.name}' has {len(task.input)} inputs ({names}); the user's text is neither "
            "its prompt nor a JSON object of them."
        )
    columns = {field.name: field.name for field in task.input}
    return read_input(task, value, columns)


def _answer_from_text(task: Task, text: str, scenario: Scenario) -> Answer:
    parsed = parse_answer(task, text, scenario.language)
    if task.kind == "extract" and not parsed.valid and (key := _unknown_key(task, text)) is not None:
        raise DataError(f"Task '{task.name}' has no field '{key}'. {nearest(key, task.fields)}")
    if parsed.answer is not None:
        return parsed.answer
    shown = text.strip() if len(text.strip()) <= _SHOWN else text.strip()[: _SHOWN - 1] + "…"
    if task.labels:
        raise DataError(f"Task '{task.name}' has no label '{shown}'. {nearest(shown, task.labels)}")
    raise DataError(
        f"The answer '{shown}' can't be read as the {task.kind} that task '{task.name}' wants: {parsed.problem}."
    )


def _unknown_key(task: Task, text: str) -> str | None:
    """Return the first key of the answer's JSON that an `extract` task has no place for, or None."""
    body = only_object(unwrapped(text)) or {}
    inner = body.get("fields")
    if isinstance(inner, dict):
        outside = (key for key in body if key not in ("fields", *BESIDE))
        return next(outside, None) or next((key for key in inner if key not in task.fields), None)
    return next((key for key in body if key not in (*task.fields, *BESIDE)), None)
