"""Lint of a scenario against its records: names it doesn't know, prompts too long for the model.

Counts tokens with a function handed in; knows no model and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from sftloop.core.errors import DataError, nearest
from sftloop.scenario.finding import Finding, task_finding
from sftloop.scenario.render import placeholder_input, render_prompt
from sftloop.scenario.schema import Scenario, Task
from sftloop.scenario.values import Answer

CountTokens = Callable[[list[dict[str, str]]], int]

AnswerRoom = Callable[[Task], int]

NEAR_LIMIT = 0.9
"""Part of the context from which a prompt counts as near the limit."""


class LintRecord(Protocol):
    """The parts of a record that the lint looks at."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def task(self) -> str: ...  # noqa: D102
    @property
    def input(self) -> Mapping[str, str | list[str]]: ...  # noqa: D102
    @property
    def answer(self) -> Answer: ...  # noqa: D102


def unknown_tasks(scenario: Scenario, records: Sequence[LintRecord]) -> Iterator[Finding]:
    """Yield a finding per task name that records use and the scenario lacks."""
    for name in dict.fromkeys(record.task for record in records if record.task not in scenario.tasks):
        ids = [record.id for record in records if record.task == name]
        yield Finding(
            kind="unknown_task",
            severity="error",
            task=name,
            line=scenario.line("tasks"),
            why=f"{_listed(ids)} of the task '{name}', which the scenario doesn't have; they can't be used.",
            mend=f"Rename the task in the records or add it to the scenario. {nearest(name, scenario.tasks)}",
        )


def unknown_labels(scenario: Scenario, task: Task, records: Sequence[LintRecord]) -> Iterator[Finding]:
    """Yield a finding per label that records of `task` use and the task lacks."""
    if not task.labels:
        return
    holders: dict[str, list[str]] = {}
    for record in records:
        named = record.answer.labels or ((record.answer.label,) if record.answer.label is not None else ())
        for label in dict.fromkeys(named):
            if label not in task.labels:
                holders.setdefault(label, []).append(record.id)
    for label, ids in holders.items():
        yield task_finding(
            scenario,
            task,
            "unknown_label",
            "error",
            f"{_listed(ids)} with the label '{label}', which the task doesn't have; "
            "the model is never told of it and can't be scored on it.",
            f"Correct the records or add the label with a definition. {nearest(label, task.labels)}",
            at=("labels",),
            label=label,
        )


def _listed(ids: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in ids[:3])
    return f"{len(ids)} record{'s' if len(ids) > 1 else ''} ({shown}{', …' if len(ids) > 3 else ''})"


def long_prompts(
    scenario: Scenario,
    task: Task,
    records: Sequence[LintRecord],
    count_tokens: CountTokens,
    answer_room: AnswerRoom,
    context_tokens: int,
) -> Iterator[Finding]:
    """Yield at most one finding: the task's longest prompt, with room for its answer, against the context.

    Raises:
        DataError: a record's input lacks what the task shows; names the record.
    """
    room = answer_room(task)
    shell = render_prompt(scenario, task, placeholder_input(task, task.words(scenario.language)))
    longest, holder, over = count_tokens(shell.messages), None, 0
    for record in records:
        tokens = count_tokens(_messages(scenario, task, record))
        over += tokens + room > context_tokens
        if tokens > longest:
            longest, holder = tokens, record.id
    if longest + room <= NEAR_LIMIT * context_tokens:
        return
    too_long = longest + room > context_tokens
    whose = f"of record '{holder}'" if holder else "without any input"
    yield task_finding(
        scenario,
        task,
        "near_context_limit",
        "error" if too_long else "warning",
        f"The prompt {whose} takes {longest} tokens and the answer {room}; the model's context holds "
        f"{context_tokens}{_too_long(over)}. What doesn't fit is cut off or refused.",
        "Shorten definitions and examples, cut long inputs, or take a model with a longer context.",
    )


def _messages(scenario: Scenario, task: Task, record: LintRecord) -> list[dict[str, str]]:
    try:
        return render_prompt(scenario, task, record.input).messages
    except DataError as error:
        raise DataError(f"record '{record.id}': {error.message}", hint=error.hint) from None


def _too_long(records: int) -> str:
    if records == 0:
        return ""
    return ", 1 record is too long" if records == 1 else f", {records} records are too long"
