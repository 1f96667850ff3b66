"""Tables before → after: per label, per field, and of abstention.

Lays saved figures out in cells; knows nothing of the sections they stand in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sftloop.report.figures import Figures
from sftloop.report.wording import Words

Rows = Mapping[str, Mapping[str, Any]]

_JUDGED = ("accuracy_answered", "precision", "recall")
"""Figures of abstention of which more is better; the others are neither good nor bad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A value before and after."""

    before: str
    after: str
    interval: str
    """Of the value after; may be empty."""
    direction: str
    """`up`, `down` or `same`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One label, field or share."""

    name: str
    support: str
    cells: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTable:
    """A table of changes."""

    caption: str
    note: str
    headings: tuple[str, ...]
    rows: tuple[ChangeRow, ...]


def label_table(before: Rows, after: Rows, words: Words, *, most: int) -> ChangeTable:
    """Return precision, recall and F1 per label; at most `most` rows."""
    return _item_table(
        before,
        after,
        ("precision", "recall", "f1"),
        words,
        caption=words.tables.labels_caption,
        heading=words.tables.label,
        most=most,
    )


def field_table(before: Rows, after: Rows, words: Words, *, most: int) -> ChangeTable:
    """Return exactness, precision, recall and F1 per field; at most `most` rows."""
    return _item_table(
        before,
        after,
        ("exact", "precision", "recall", "f1"),
        words,
        caption=words.tables.fields_caption,
        heading=words.tables.field,
        most=most,
    )


def abstention_table(before: Rows, after: Rows, words: Words) -> ChangeTable:
    """Return the figures of abstention, each with the number of records behind it."""
    rows = [
        ChangeRow(
            name=title,
            support=Figures(words.figures).count(after[key].get("n")),
            cells=(_interval_change(before.get(key, {}), after[key], words, judged=key in _JUDGED),),
        )
        for key, title in words.tables.abstention.items()
        if key in after
    ]
    headings = (words.tables.figure, words.tables.support, f"{words.task.before} → {words.task.after}")
    return ChangeTable(
        caption=words.tables.abstention_caption,
        note=words.tables.abstention_note,
        headings=headings,
        rows=tuple(rows),
    )


def _item_table(
    before: Rows,
    after: Rows,
    columns: Sequence[str],
    words: Words,
    *,
    caption: str,
    heading: str,
    most: int,
) -> ChangeTable:
    shown = _most_frequent(after, most)
    left_out = len(after) - len(shown)
    notes = [words.tables.labels_note] + ([words.tables.left_out.of(left_out)] if left_out else [])
    figures = Figures(words.figures)
    return ChangeTable(
        caption=caption,
        note=words.verdict.sentence_join.join(notes),
        headings=(heading, words.tables.support, *(words.tables.columns[column] for column in columns)),
        rows=tuple(
            ChangeRow(
                name=name,
                support=figures.count(after[name].get("support")),
                cells=tuple(
                    _column_change(before.get(name, {}), after[name], column, figures) for column in columns
                ),
            )
            for name in shown
        ),
    )


def _most_frequent(rows: Rows, most: int) -> list[str]:
    """Return the names of the `most` rows with the largest support, in their own order."""
    ranked = sorted(rows, key=lambda name: -int(rows[name].get("support") or 0))[:most]
    return [name for name in rows if name in set(ranked)]


def _column_change(
    before: Mapping[str, Any], after: Mapping[str, Any], column: str, figures: Figures
) -> Change:
    first, second = before.get(column), after.get(column)
    return Change(
        before=figures.percent(first),
        after=figures.percent(second),
        interval=figures.range(column, after.get(f"{column}_low"), after.get(f"{column}_high")),
        direction=_direction(first, second),
    )


def _interval_change(
    before: Mapping[str, Any], after: Mapping[str, Any], words: Words, *, judged: bool
) -> Change:
    figures = Figures(words.figures)
    first, second = before.get("value"), after.get("value")
    return Change(
        before=figures.percent(first),
        after=figures.percent(second),
        interval=figures.range("", after.get("low"), after.get("high")) if second is not None else "",
        direction=_direction(first, second) if judged else "same",
    )


def _direction(before: float | None, after: float | None) -> str:
    if before is None or after is None or before == after:
        return "same"
    return "up" if after > before else "down"
