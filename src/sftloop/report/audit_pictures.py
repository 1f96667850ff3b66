"""One task's data in pictures: labels by difficulty, margins, knowledge, style, variety.

Lays out the audit's summary; a part that was not measured is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sftloop.report.audit_evidence import knowledge_class
from sftloop.report.audit_reach import reach_notes
from sftloop.report.audit_styles import style_table
from sftloop.report.bar_table import Amounts, BarTable, bar_rows
from sftloop.report.charts.histogram import histogram
from sftloop.report.charts.stacked_bar import stacked_bar
from sftloop.report.fact import Fact
from sftloop.report.figures import Figures
from sftloop.report.wording import Words
from sftloop.report.wording.audit_words import AuditWords

Summary = Mapping[str, Any]

_LEVELS = ("easy", "boundary", "hard")
_BY_MARGIN = ("choice", "multi")
"""Kinds whose difficulty is a margin between labels; that of the others is a score."""
_SUSPICIONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One bar of parts, each explained by a fact."""

    caption: str
    bar: Markup
    facts: tuple[Fact, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """The histogram of difficulty."""

    caption: str
    picture: Markup
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPictures:
    """One task."""

    name: str
    anchor: str
    kind: str
    facts: tuple[Fact, ...]
    facts_hint: str
    notes: tuple[str, ...]
    labels: BarTable | None
    difficulty: Parts | None
    margins: Margins | None
    knowledge: Parts | None
    styles: BarTable | None
    suspicions: tuple[str, ...]


def balance_table(tasks: Mapping[str, Summary], shared: Words, words: AuditWords) -> BarTable | None:
    """Return the tasks beside each other; one task alone has no balance."""
    if len(tasks) < 2:
        return None
    said, figures = words.pictures, Figures(shared.figures)
    amounts = [
        Amounts(
            name=name,
            parts=[("amount", float(task["n"]))],
            cells=(figures.count(task["n"]), figures.count(task.get("characters"))),
        )
        for name, task in tasks.items()
    ]
    return BarTable(
        caption=said.balance,
        headings=(said.task, said.records, said.characters),
        rows=bar_rows(amounts),
    )


def task_pictures(
    name: str, index: int, task: Summary, shared: Words, words: AuditWords, *, rows: int
) -> TaskPictures:
    """Return the pictures of one task.

    Args:
        name: the task.
        index: its place, from 1.
        task: its entry in the summary.
        shared: the words of every page.
        words: the audit's own.
        rows: most labels, and most traits of style, that are drawn.
    """
    variety = _variety(task, shared, words)
    kind = str(task.get("kind") or "")
    return TaskPictures(
        name=name,
        anchor=f"task-{index}",
        kind=shared.task.kinds.get(kind, kind),
        facts=(*_size(task, shared, words), *variety),
        facts_hint=words.pictures.diversity_hint if variety else "",
        notes=(*reach_notes(task, shared, words), *_cap(task, words)),
        labels=_labels(task, shared, words, rows),
        difficulty=_difficulty(task, shared, words),
        margins=_margins(name, kind, task, words),
        knowledge=_knowledge(task, shared, words),
        styles=style_table(task.get("styles") or {}, shared, words, most=rows),
        suspicions=_suspicions(task, words),
    )


def _size(task: Summary, shared: Words, words: AuditWords) -> list[Fact]:
    figures = Figures(shared.figures)
    lines = [(words.pictures.records, task["n"]), (words.pictures.characters, task.get("characters"))]
    return [Fact(name=name, value=figures.count(value)) for name, value in lines if value is not None]


def _variety(task: Summary, shared: Words, words: AuditWords) -> list[Fact]:
    diversity = task.get("diversity") or {}
    return [
        Fact(name=name, value=Figures(shared.figures).number(diversity[key]))
        for key, name in words.pictures.diversity.items()
        if diversity.get(key) is not None
    ]


def _cap(task: Summary, words: AuditWords) -> tuple[str, ...]:
    cap = task.get("cap") or {}
    if not cap.get("dropped"):
        return ()
    return (words.pictures.cap.of(cap["dropped"], limit=f"{cap['limit']:,}"),)


def _labels(task: Summary, shared: Words, words: AuditWords, most: int) -> BarTable | None:
    counts: Mapping[str, int] = task.get("labels") or {}
    if not counts:
        return None
    said, figures = words.pictures, Figures(shared.figures)
    levels: Mapping[str, Mapping[str, int]] = (task.get("difficulty") or {}).get("by_label") or {}
    shown = sorted(counts, key=lambda label: -counts[label])[:most]
    amounts = [
        Amounts(
            name=label,
            parts=_label_parts(counts[label], levels.get(label)) if levels else [("amount", counts[label])],
            cells=(
                figures.count(counts[label]),
                *(
                    (figures.count((levels.get(label) or {}).get(level, 0)) for level in _LEVELS)
                    if levels
                    else ()
                ),
            ),
        )
        for label in shown
    ]
    left_out = len(counts) - len(shown)
    difficulties = [said.difficulties[level] for level in _LEVELS] if levels else []
    return BarTable(
        caption=said.labels_by_difficulty if levels else said.labels,
        headings=(said.label, said.records, *difficulties),
        rows=bar_rows(amounts),
        legend=_legend(amounts, words) if levels else (),
        note=said.left_out.of(left_out) if left_out else "",
    )


def _label_parts(count: int, levels: Mapping[str, int] | None) -> list[tuple[str, float]]:
    """Return the levels' parts, and the rest as not measured."""
    parts = [(level, float((levels or {}).get(level, 0))) for level in _LEVELS]
    return [*parts, ("unmeasured", max(0.0, count - sum(size for _, size in parts)))]


def _legend(amounts: Sequence[Amounts], words: AuditWords) -> tuple[tuple[str, str], ...]:
    """Return style and name of each level, and of what was not measured where there is any."""
    said = words.pictures
    names = {**said.difficulties, "unmeasured": said.not_measured}
    drawn = {style for row in amounts for style, size in row.parts if size}
    return tuple((style, name) for style, name in names.items() if style in drawn)


def _difficulty(task: Summary, shared: Words, words: AuditWords) -> Parts | None:
    difficulty = task.get("difficulty")
    if not difficulty:
        return None
    said, measured = words.pictures, bool(difficulty.get("margins"))
    parts = [(level, said.difficulties[level], difficulty.get(level) or 0) for level in _LEVELS]
    if not measured:
        return _parts(said.difficulty_tagged, parts, (), shared)
    return _parts(said.difficulty, parts, (said.difficulty_means,), shared)


def _knowledge(task: Summary, shared: Words, words: AuditWords) -> Parts | None:
    knowledge = task.get("knowledge")
    if not knowledge:
        return None
    said = words.pictures
    counts = {knowledge_class(key): value for key, value in knowledge.items()}
    parts = [(f"k-{key.lower()}", said.classes[key], counts.get(key) or 0) for key in said.classes]
    notes = [said.knowledge_means]
    if why := knowledge.get("why_exempt"):
        notes.append(said.exempt.format(why=said.why_exempt.get(why, why)))
    return _parts(said.knowledge, parts, notes, shared)


def _parts(
    caption: str, parts: Sequence[tuple[str, str, int]], notes: Sequence[str], shared: Words
) -> Parts | None:
    """Return a bar of (style, name, count); None where nothing was counted."""
    whole = sum(count for _, _, count in parts)
    if not whole:
        return None
    figures = Figures(shared.figures)
    return Parts(
        caption=caption,
        bar=stacked_bar([(style, float(count)) for style, _, count in parts], float(whole)),
        facts=tuple(
            Fact(name=name, value=f"{figures.count(count)} · {figures.percent(count / whole)}", style=style)
            for style, name, count in parts
            if count
        ),
        notes=tuple(notes),
    )


def _margins(name: str, kind: str, task: Summary, words: AuditWords) -> Margins | None:
    difficulty = task.get("difficulty") or {}
    counts, edges = difficulty.get("margins") or [], difficulty.get("edges") or []
    if not any(counts) or len(edges) != len(counts) + 1:
        return None
    said = words.pictures
    by_margin = kind in _BY_MARGIN
    caption = said.margins if by_margin else said.scores
    label = said.picture.format(task=name, caption=caption)
    return Margins(
        caption=caption,
        picture=histogram(counts, edges, label),
        hint=said.margins_hint if by_margin else said.scores_hint,
    )


def _suspicions(task: Summary, words: AuditWords) -> tuple[str, ...]:
    pairs = sorted((task.get("label_errors") or {}).items(), key=lambda pair: -pair[1])[:_SUSPICIONS]
    return tuple(
        words.pictures.label_error.format(change=change.replace("→", " → "), count=count)
        for change, count in pairs
    )
