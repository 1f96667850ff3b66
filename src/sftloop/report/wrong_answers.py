"""The most telling wrong answers as cards: the input, what was expected, what the model said and wrote.

Doesn't choose them: they come chosen and in order. Long texts are cut to the given length, and say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sftloop.report.cut import cut
from sftloop.report.figures import Figures
from sftloop.report.wording import Words
from sftloop.scenario.answer import MAIN_KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A text of the input under its heading."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongAnswer:
    """One card."""

    id: str
    tags: tuple[str, ...]
    passages: tuple[Passage, ...]
    gold: str
    before: str
    after: str
    was_right: bool
    """The untouched model had it right: the training lost it."""
    sure: str
    gold_probability: str
    written: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongOfTask:
    """The cards of one task."""

    heading: str
    shared: tuple[Passage, ...]
    """What every card's input holds alike, such as the instruction: shown once."""
    cards: tuple[WrongAnswer, ...]
    left_out: str


def wrong_answers(
    rows: Sequence[Mapping[str, Any]], words: Words, *, most: int, characters: int
) -> tuple[WrongOfTask, ...]:
    """Return the cards by task, in the order given.

    Args:
        rows: saved wrong answers.
        words: the page's language.
        most: cards per task.
        characters: longest text shown whole.
    """
    by_task: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_task.setdefault(row["task"], []).append(row)
    return tuple(_of_task(task, own, words, most, characters) for task, own in by_task.items())


def answer_text(answer: Any, words: Words) -> str:
    """Return an answer as a reader writes it; takes a text, an answer in JSON form, or nothing."""
    if answer is None:
        return words.wrong.no_answer
    if isinstance(answer, Mapping):
        key = next((key for key in MAIN_KEY.values() if key in answer), None)
        return _value_text(dict(answer) if key is None else answer[key], words)
    return _value_text(answer, words)


def _of_task(
    task: str, rows: Sequence[Mapping[str, Any]], words: Words, most: int, characters: int
) -> WrongOfTask:
    shown = rows[:most]
    inputs = [_passages(row, words, characters) for row in shown]
    shared = [passage for passage in inputs[0] if len(inputs) > 1 and all(passage in own for own in inputs)]
    return WrongOfTask(
        heading=words.wrong.of_task.of(len(shown), task=task),
        shared=tuple(shared),
        cards=tuple(
            _card(row, [passage for passage in own if passage not in shared], words, characters)
            for row, own in zip(shown, inputs, strict=True)
        ),
        left_out=words.wrong.left_out.of(len(rows) - most) if len(rows) > most else "",
    )


def _passages(row: Mapping[str, Any], words: Words, characters: int) -> list[Passage]:
    return [
        Passage(title=str(part.get("title") or ""), text=cut(str(part.get("text") or ""), words, characters))
        for part in row["sections"]
    ]


def _value_text(value: Any, words: Words) -> str:
    if isinstance(value, bool):
        return words.wrong.yes if value else words.wrong.no
    if value is None or value in ([], {}):
        return words.wrong.none
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {_value_text(part, words)}" for key, part in value.items())
    if isinstance(value, (list, tuple)):
        return words.figures.comma.join(_value_text(part, words) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _card(row: Mapping[str, Any], passages: Sequence[Passage], words: Words, characters: int) -> WrongAnswer:
    wrong = words.wrong
    sure, gold = row.get("probability"), row.get("gold_probability")
    figures = Figures(words.figures)
    return WrongAnswer(
        id=str(row["id"]),
        tags=tuple(str(tag) for tag in row.get("tags") or ()),
        passages=tuple(passages),
        gold=cut(answer_text(row["gold"], words), words, characters),
        before=cut(answer_text(row["before"], words), words, characters),
        after=cut(answer_text(row["after"], words), words, characters),
        was_right=bool(row.get("was_right")),
        sure="" if sure is None else wrong.sure.format(p=figures.percent(sure)),
        gold_probability="" if gold is None else wrong.gold_probability.format(p=figures.percent(gold)),
        written=cut(str(row.get("text") or ""), words, characters),
    )
