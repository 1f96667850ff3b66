"""The short facts in a record's answer, or why there is none to ask for.

Knows tasks and records; doesn't know models. What the record's own input says is no fact that a model must know.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from sftloop.curate.knowledge.few_shot import Fact
from sftloop.curate.knowledge.right_answer import is_right, words
from sftloop.evaluate.text import tokens
from sftloop.records.schema import unquoted_evidence

if TYPE_CHECKING:
    from sftloop.records import Record
    from sftloop.scenario import Scenario, Task

Exempt = Literal["judgement", "grounded", "nothing_said", "long_answer", "too_few_facts", "too_long"]
"""Nothing to know: `judgement` (a label, a score, yes or no), `grounded` (the input holds the answer),
`nothing_said` (every field is null). Not measured: `long_answer` (its words don't tell whether another text is
right), `too_few_facts` (fewer than five of the kind, so no few-shot prompt), `too_long` (for the model)."""
NOTHING_TO_KNOW: tuple[Exempt, ...] = ("judgement", "grounded", "nothing_said")

_MOST_WORDS = 20
"""Longer answers aren't judged by whether another text holds them."""
_CHARACTERS_PER_WORD = 1.5
"""Of Chinese."""
_MOSTLY = 0.8
"""Share of an answer's pairs of neighbouring words that stand in the input, from which the input holds it."""


def facts_of(scenario: Scenario, record: Record) -> list[Fact] | Exempt:
    """Return the short facts that a record's answer states, at least one, or why there is none to ask for."""
    task = scenario.tasks[record.task]
    if task.kind not in ("generate", "extract"):
        return "judgement"
    if record.answer.evidence and not unquoted_evidence(record):
        return "grounded"
    source = record.text()
    values = _values(task, record)
    if not values:
        return "judgement" if _said(record) else "nothing_said"
    free = [(name, text) for name, text in values if not _grounded(text, source)]
    if not free:
        return "grounded"
    question = _question(task, record)
    short = [Fact(record.id, task.name, name, question, text) for name, text in free if _is_short(text)]
    return short or "long_answer"


def _values(task: Task, record: Record) -> list[tuple[str | None, str]]:
    """Return what could be facts: field (None for a text) and value as text; yes and no are judgements."""
    fields = {None: record.answer.text} if task.kind == "generate" else record.answer.fields or {}
    written = [(name, _written(value)) for name, value in fields.items() if not isinstance(value, bool)]
    return [(name, text) for name, text in written if words(text)]


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else " ".join(str(value).split())


def _said(record: Record) -> bool:
    return any(value is not None for value in (record.answer.fields or {}).values())


def _question(task: Task, record: Record) -> str:
    """Return the record's input on one line, its parts named where there are several."""
    parts = []
    for part in task.input:
        value = record.input[part.name]
        text = " ".join(("; ".join(value) if isinstance(value, list) else value).split())
        parts.append(f"{part.name}: {text}" if len(task.input) > 1 else text)
    return "; ".join(parts)


def _grounded(text: str, source: str) -> bool:
    """Whether the input says it: word for word, nearly so, or as a date in another form."""
    if is_right(source, text):
        return True
    said = tokens(source)
    if (day := _date(text)) is not None:
        return not {str(day.day), f"{day.day:02}"}.isdisjoint(said)
    pairs, known = list(pairwise(words(text))), set(pairwise(said))
    return bool(pairs) and sum(pair in known for pair in pairs) >= _MOSTLY * len(pairs)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _is_short(text: str) -> bool:
    own = words(text)
    characters = sum(len(word) == 1 and not word.isascii() for word in own)
    return len(own) - characters + characters / _CHARACTERS_PER_WORD <= _MOST_WORDS
