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
from sftloop.scenario.prompt_format import Format, Order, WrittenAs, letters, misleading_letter
from sftloop.scenario.training import Training
from sftloop.scenario.wording import Language, Wording, wording

__all__ = [
    "AnswerSpec",
    "DataFiles",
    "Field",
    "Format",
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
PER_LABEL_METRICS = ("precision", "recall", "f1")


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

    _form: Format = PrivateAttr(default_factory=Format)

    @property
    def form(self) -> Format:
        """The scenario's `format`, which the task is asked and answered in."""
        return self._form

    def with_form(self, form: Format) -> Task:
        """Return the same task in another format."""
        task = self.model_copy()
        task._form = form
        return task

    @property
    def extras(self) -> tuple[str, ...]:
        """What is asked for beside the answer itself, in the order it is written."""
        asked = {
            "evidence": self.answer.evidence,
            "reason": self.answer.reason and self.form.reason != "none",
        }
        return tuple(key for key, wanted in asked.items() if wanted)

    @property
    def reasons_first(self) -> bool:
        """Whether evidence or reason are written before the answer itself."""
        return self.form.reason == "before" and bool(self.extras)

    @property
    def written_as(self) -> WrittenAs:
        """How answers are written once `auto` is resolved."""
        if self.form.answer is not None:
            return self.form.answer
        if self.answer.format != "auto":
            return self.answer.format
        return "json" if self.kind == "extract" or self.extras else "plain"

    @property
    def in_lines(self) -> bool:
        """Whether a plain answer has several parts and takes a line for each."""
        return self.written_as == "plain" and (self.kind == "extract" or bool(self.extras))

    @property
    def written_labels(self) -> dict[str, str]:
        """Label → what prompts and answers call it: itself or its letter."""
        names = list(self.labels)
        return dict(zip(names, letters(len(names)) if self.form.labels == "letters" else names, strict=True))

    def words(self, language: Language) -> Wording:
        """Return the built-in words of the task's prompts and answers in a scenario of `language`."""
        return wording(self.form.wording or language)

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
        _check_target(self)
        return self


class DataFiles(Part):
    """Where the records lie, relative to the scenario's directory."""

    train: str | None = None
    validation: str | None = None
    test: str | None = None


class PromptStyle(Part):
    """How the sections of a prompt are ordered; `format` says it too, and more."""

    order: Literal["input_first", "instruction_first"] = "input_first"
    """`instruction_first` makes the prefix that all records share longer."""


class Scenario(Part):
    """One business case: system message, tasks, data files, defaults."""

    name: OneLine
    language: Language = "en"
    """Language of the built-in wording."""
    model: OneLine
    """A path, a hub id, or a name from `sftloop models list`; loading makes `./…` and `../…` absolute."""
    system: str = ""
    tasks: Annotated[dict[Name, Task], pydantic.Field(min_length=1)]
    data: DataFiles = DataFiles()
    prompt: PromptStyle = PromptStyle()
    format: Format = Format()
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

    @property
    def order(self) -> Order:
        """How the sections of a prompt are ordered."""
        return self.format.order or self.prompt.order

    def with_format(self, format: Format) -> Scenario:
        """Return the same scenario in another format, in place of its `prompt` and `format`.

        Raises:
            MisplacedError: labels can't be told apart in it.
        """
        tasks = {name: task.with_form(format) for name, task in self.tasks.items()}
        order = {"order": format.order or self.order}
        format = format.model_copy(update=order)
        scenario = self.model_copy(update={"prompt": PromptStyle(), "format": format, "tasks": tasks})
        return scenario._check_labels_are_told_apart()

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
    def _settle_format(self) -> Scenario:
        if self.format.order and "prompt" in self.model_fields_set and self.prompt.order != self.format.order:
            raise MisplacedError(
                ("format", "order"),
                f"it is '{self.format.order}', and `prompt` says '{self.prompt.order}'; remove `prompt`",
            )
        for task in self.tasks.values():
            task._form = self.format
        return self._check_labels_are_told_apart()

    @model_validator(mode="after")
    def _check_task_weights(self) -> Scenario:
        for name in (self.training and self.training.task_weights) or ():
            if name not in self.tasks:
                raise MisplacedError(
                    ("training", "task_weights", name),
                    f"there is no task '{name}'. {nearest(name, self.tasks)}",
                )
        return self

    def _check_labels_are_told_apart(self) -> Scenario:
        for name, task in self.tasks.items():
            if task.form.labels == "letters" and (misleading := misleading_letter(task.labels)):
                raise MisplacedError(
                    ("format", "labels"),
                    f"the label '{misleading[0]}' of task '{name}' would also be the letter of "
                    f"'{misleading[1]}'; keep 'names'",
                )
            if task.kind == "multi" and task.written_as == "plain":
                _check_plain_labels(task, task.words(self.language))
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


def _check_plain_labels(task: Task, words: Wording) -> None:
    for label, written in task.written_labels.items():
        if words.separator.strip() in written or written.casefold() == words.nothing:
            raise MisplacedError(
                ("tasks", task.name, "labels", label),
                f"the label '{label}' can't be told apart in a plain answer, where labels are "
                f"joined by '{words.separator}' and '{words.nothing}' means no label; "
                "rename it or set `answer: {format: json}`",
            )


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


def _check_target(task: Task) -> None:
    target = task.target
    if target is None:
        return
    if target.label is not None and target.label not in task.labels:
        hint = nearest(target.label, task.labels)
        raise MisplacedError(
            ("target", "label"), f"the target's label '{target.label}' is none of the task's. {hint}".rstrip()
        )
    if task.labels and target.metric in PER_LABEL_METRICS and target.label is None:
        raise MisplacedError(
            ("target",), f"the metric '{target.metric}' is measured per label; name one with `label:`"
        )
