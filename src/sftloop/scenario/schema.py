"""The shape of scenario.yaml: what a business case and its tasks are made of.

Checks what can be checked without reading any other file. Doesn't know YAML, lines or messages with a
file name: `load.py` adds those.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import PrivateAttr, field_validator, model_validator

from sftloop.core.errors import nearest
from sftloop.scenario.parts import (
    NAME_PATTERN,
    AnswerSpec,
    Field,
    InputField,
    Label,
    MisplacedError,
    Name,
    OneLine,
    Part,
    Target,
)
from sftloop.scenario.training import Training
from sftloop.scenario.wording import Language, wording

__all__ = [
    "AnswerSpec",
    "DataFiles",
    "Field",
    "InputField",
    "Kind",
    "Label",
    "MisplacedError",
    "PromptStyle",
    "Scenario",
    "Target",
    "Task",
    "Training",
]

Kind = Literal["choice", "multi", "extract", "generate", "score"]

_PARTS: dict[str, tuple[str, ...]] = {
    "labels": ("choice", "multi"),
    "fields": ("extract",),
    "range": ("score",),
}
_PER_LABEL_METRICS = ("precision", "recall", "f1")


class Task(Part):
    """One question asked of one input."""

    name: Name = "task"
    """Its key under `tasks`; not written inside the task."""
    kind: Kind
    input: Annotated[list[InputField], pydantic.Field(min_length=1)]
    instruction: str = ""
    labels: dict[OneLine, Label] = pydantic.Field(default_factory=dict)
    fields: dict[OneLine, Field] = pydantic.Field(default_factory=dict)
    range: tuple[pydantic.FiniteFloat, pydantic.FiniteFloat] | None = None
    """Lowest and highest score, both allowed."""
    answer: AnswerSpec = AnswerSpec()
    key: bool = False
    """A task that must not lose when others gain."""
    target: Target | None = None
    max_records: Annotated[int, pydantic.Field(ge=1)] | None = None
    """At most so many training records of this task are used; None: all."""
    max_answer_tokens: Annotated[int, pydantic.Field(ge=1)] | None = None
    """Where generation stops; None: the evaluation's default."""

    @property
    def written_as(self) -> Literal["plain", "json"]:
        """How answers are written once `auto` is resolved."""
        if self.answer.format != "auto":
            return self.answer.format
        needs_json = self.kind == "extract" or self.answer.reason or self.answer.evidence
        return "json" if needs_json else "plain"

    @field_validator("input", mode="before")
    @classmethod
    def _bare_names(cls, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return [{"name": part} if isinstance(part, str) else part for part in value]

    @field_validator("labels", "fields", mode="before")
    @classmethod
    def _bare_definitions(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: _with_means(part) for name, part in value.items()}

    @model_validator(mode="after")
    def _check(self) -> Task:
        _check_parts(self)
        _check_input(self)
        _check_answer(self)
        _check_target(self)
        return self


class DataFiles(Part):
    """Where the records lie, relative to the scenario's directory."""

    train: str | None = None
    validation: str | None = None
    test: str | None = None


class PromptStyle(Part):
    """How the sections of a prompt are ordered."""

    order: Literal["input_first", "instruction_first"] = "input_first"
    """`instruction_first` makes the prefix that all records share longer."""


class Scenario(Part):
    """One business case: system message, tasks, data files, defaults."""

    name: OneLine
    language: Language = "en"
    """Language of the built-in wording."""
    model: OneLine
    """A path, a hub id, or a name from `sftloop models list`."""
    system: str = ""
    tasks: Annotated[dict[Name, Task], pydantic.Field(min_length=1)]
    data: DataFiles = DataFiles()
    prompt: PromptStyle = PromptStyle()
    training: Training | None = None

    _directory: Path = PrivateAttr(default_factory=Path)
    _file: Path | None = PrivateAttr(default=None)
    _lines: dict[tuple[str, ...], int] = PrivateAttr(default_factory=dict)

    @property
    def directory(self) -> Path:
        """The directory that relative paths start from."""
        return self._directory

    @property
    def file(self) -> Path | None:
        """The file it was loaded from; None for a scenario built in Python."""
        return self._file

    def line(self, *path: str) -> int | None:
        """Return the line (from 1) of the part at `path`, or of the nearest part around it."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return None

    def located(self, file: Path, lines: dict[tuple[str, ...], int]) -> Scenario:
        """Return the same scenario with the file it came from and the lines of its parts."""
        scenario = self.model_copy()
        scenario._directory, scenario._file, scenario._lines = file.parent, file, lines
        return scenario

    @field_validator("tasks", mode="before")
    @classmethod
    def _name_tasks(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: _named(task, name) for name, task in value.items()}

    @model_validator(mode="after")
    def _check_plain_labels(self) -> Scenario:
        words = wording(self.language)
        for name, task in self.tasks.items():
            if task.kind != "multi" or task.written_as != "plain":
                continue
            for label in task.labels:
                if words.separator.strip() in label or label.casefold() == words.nothing:
                    raise MisplacedError(
                        ("tasks", name, "labels", label),
                        f"the label '{label}' can't be told apart in a plain answer, where labels are "
                        f"joined by '{words.separator}' and '{words.nothing}' means no label; "
                        "rename it or set `answer: {format: json}`",
                    )
        return self


def _with_means(part: Any) -> Any:
    if part is None:
        return {}
    return {"means": part} if isinstance(part, str) else part


def _named(task: Any, name: Any) -> Any:
    if isinstance(task, Task):
        return task.model_copy(update={"name": name})
    if isinstance(task, dict) and isinstance(name, str) and re.match(NAME_PATTERN, name):
        if task.get("name", name) != name:
            raise MisplacedError((name, "name"), f"a task's name is its key, '{name}'; remove this one")
        return {**task, "name": name}
    return task


def _check_parts(task: Task) -> None:
    for part, kinds in _PARTS.items():
        if getattr(task, part) and task.kind not in kinds:
            raise MisplacedError(
                (part,), f"'{part}' belongs to tasks of kind {' or '.join(kinds)}; this one is '{task.kind}'"
            )
    if task.kind == "choice" and len(task.labels) < 2:
        raise MisplacedError(
            ("labels",), f"a choice needs at least two labels, this one has {len(task.labels)}"
        )
    if task.kind == "multi" and not task.labels:
        raise MisplacedError(("labels",), "a multi task needs labels to choose from, this one has none")
    if task.kind == "extract" and not task.fields:
        raise MisplacedError(("fields",), "an extract task needs fields to fill, this one has none")
    if task.range is not None and task.range[0] >= task.range[1]:
        low, high = task.range
        raise MisplacedError(("range",), f"the range must rise, from {low:g} to {high:g} it does not")


def _check_input(task: Task) -> None:
    names = [part.name for part in task.input]
    for position, name in enumerate(names):
        if name in names[:position]:
            raise MisplacedError(("input", position), f"the input '{name}' is listed twice")


def _check_answer(task: Task) -> None:
    if task.answer.format != "plain":
        return
    if task.kind == "extract":
        raise MisplacedError(("answer", "format"), "extracted fields can't be written as 'plain'; use 'json'")
    if task.answer.reason or task.answer.evidence:
        raise MisplacedError(
            ("answer", "format"), "a plain answer has no room for a reason or evidence; use 'json' or 'auto'"
        )


def _check_target(task: Task) -> None:
    target = task.target
    if target is None:
        return
    if target.label is not None and target.label not in task.labels:
        hint = nearest(target.label, task.labels)
        raise MisplacedError(
            ("target", "label"), f"the target's label '{target.label}' is none of the task's. {hint}".rstrip()
        )
    if task.labels and target.metric in _PER_LABEL_METRICS and target.label is None:
        raise MisplacedError(
            ("target",), f"the metric '{target.metric}' is measured per label; name one with `label:`"
        )
