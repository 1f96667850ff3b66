"""Record by record: the input, what was expected, and the systems grouped by what they answered.

Lays saved answers out; texts longer than the page can hold are cut, and say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sftloop.report.cut import cut
from sftloop.report.wording import Words
from sftloop.report.wording.compare_words import CompareWords


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenAnswer:
    """One answer and who gave it."""

    text: str
    state: str
    """good, bad, failed, or nothing where answers aren't right or wrong."""
    word: str
    """What the state is called."""
    systems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCard:
    """One record."""

    id: str
    task: str
    tags: tuple[str, ...]
    text: str
    gold: str
    answers: tuple[GivenAnswer, ...]
    classes: str
    """What the filters look at: `same`, `t` and the task's number, `w` and each wrong system's number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsSection:
    """The section."""

    intro: str
    tasks: tuple[str, ...]
    systems: tuple[str, ...]
    cards: tuple[RecordCard, ...]
    notes: tuple[str, ...]
    any_differ: bool


def records_section(
    result: Mapping[str, Any],
    records: Mapping[str, Any],
    shared: Words,
    words: CompareWords,
    *,
    most: int,
    characters: int,
) -> RecordsSection:
    """Return at most so many cards, each text cut to so many characters."""
    tasks, systems = list(result["tasks"]), [one["name"] for one in result["systems"]]
    cards = [_card(row, tasks, systems, shared, words, characters) for row in records["rows"][:most]]
    notes = []
    if hidden := records["n"] - len(cards):
        notes.append(words.records.left_out.of(hidden))
    if any(one["runs"] > 1 for one in result["systems"]):
        notes.append(words.records.first_seed)
    return RecordsSection(
        intro=words.records.intro.of(records["n"], differ=f"{records['differ']:,}"),
        tasks=tuple(tasks),
        systems=tuple(systems),
        cards=tuple(cards),
        notes=tuple(notes),
        any_differ=records["differ"] > 0,
    )


def _card(
    row: Mapping[str, Any],
    tasks: Sequence[str],
    systems: Sequence[str],
    shared: Words,
    words: CompareWords,
    characters: int,
) -> RecordCard:
    wrong = [
        f"w{number}"
        for number, name in enumerate(systems)
        if row["answers"].get(name, {}).get("right") is False
    ]
    place = f"t{tasks.index(row['task'])}"
    return RecordCard(
        id=str(row["id"]),
        task=row["task"],
        tags=tuple(str(tag) for tag in row.get("tags") or ()),
        text=cut(str(row["text"]), shared, characters),
        gold=cut(str(row["gold"]), shared, characters),
        answers=_answers(row["answers"], systems, shared, words, characters),
        classes=" ".join([*([] if row["differ"] else ["same"]), place, *wrong]),
    )


def _answers(
    answers: Mapping[str, Any], systems: Sequence[str], shared: Words, words: CompareWords, characters: int
) -> tuple[GivenAnswer, ...]:
    """Return the different answers, right ones first, then those that most systems gave."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for name in systems:
        if name in answers:
            grouped.setdefault(_key(answers[name], words), []).append(name)
    ordered = sorted(grouped.items(), key=lambda item: (_ORDER[item[0][0]], -len(item[1])))
    named = {"good": words.records.right, "bad": words.records.not_right}
    return tuple(
        GivenAnswer(
            text=cut(text, shared, characters), state=state, word=named.get(state, ""), systems=tuple(names)
        )
        for (state, text), names in ordered
    )


_ORDER = {"good": 0, "": 1, "bad": 2, "failed": 3}


def _key(answer: Mapping[str, Any], words: CompareWords) -> tuple[str, str]:
    if answer["error"] is not None:
        return "failed", words.records.failed.format(why=answer["error"])
    state = {True: "good", False: "bad"}.get(answer["right"], "")
    return state, str(answer["text"]) or words.records.no_answer
