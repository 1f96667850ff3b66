"""What a pool is searched for: examples of the scenario's texts, or its definitions put into words."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from sftloop.records.schema import Record
from sftloop.scenario.schema import Scenario, Task


class Target(NamedTuple):
    """The texts that others are held against."""

    texts: tuple[str, ...]
    examples: bool
    """Whether they are such texts as the pool should give; definitions only describe them."""
    known: tuple[str, ...] = ()
    """Texts that the scenario has already: copies of them in the pool are left out."""


def target_of_records(records: Iterable[Record]) -> Target:
    """Return the inputs of examples, with the answer where that is free text; blank ones are left out."""
    return Target(_distinct(map(_with_answer, records)), examples=True)


def known_texts(records: Iterable[Record]) -> tuple[str, ...]:
    """Return the texts by which a pool's row is recognised as one of these records, with free text or without."""
    return _distinct(
        text for record in records for text in (_with_answer(record), "\n".join(record.documents()))
    )


def target_of_definitions(scenario: Scenario, tasks: Collection[str] = ()) -> Target:
    """Return one text per label or field to extract; the instruction of a task that has neither.

    Labels of abstention are left out: what can't be judged has no words of its own.

    Args:
        scenario: whose definitions.
        tasks: only these; all by default.
    """
    chosen = [task for name, task in scenario.tasks.items() if not tasks or name in tasks]
    texts = (text for task in chosen for text in _definitions(task))
    return Target(_distinct(texts), examples=False)


def _with_answer(record: Record) -> str:
    return "\n".join([*record.documents(), record.answer.text or ""])


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in map(str.strip, texts) if text))


def _definitions(task: Task) -> list[str]:
    labels = {name: label.means for name, label in task.labels.items() if not label.abstain}
    meanings = labels or {name: field.means for name, field in task.fields.items()}
    spelled = (f"{name.replace('_', ' ')}: {means or ''}".strip(": ") for name, means in meanings.items())
    return list(spelled) if meanings else [task.instruction.strip()]
