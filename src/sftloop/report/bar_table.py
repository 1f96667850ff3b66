"""A table whose rows are a name, a bar and the numbers behind it.

Lays numbers out; knows nothing of the sections it stands in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sftloop.report.charts.stacked_bar import Part, stacked_bar


@dataclass(frozen=True, slots=True, kw_only=True)
class BarRow:
    """One row."""

    name: str
    bar: Markup
    cells: tuple[str, ...]
    """The numbers, as written."""
    title: str = ""
    """Opens a group of rows under this heading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BarTable:
    """A caption, headings, rows."""

    caption: str
    headings: tuple[str, ...]
    """Above the names, then above the numbers; the bar has none."""
    rows: tuple[BarRow, ...]
    legend: tuple[tuple[str, str], ...] = ()
    """CSS class and name of each part of a bar."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """What one row shows, before its bar is drawn."""

    name: str
    parts: Sequence[Part]
    cells: tuple[str, ...]
    title: str = ""


def bar_rows(amounts: Sequence[Amounts], *, scale: float | None = None) -> tuple[BarRow, ...]:
    """Return the rows with bars on one scale: the given one, else that of the longest bar."""
    if scale is None:
        scale = max((sum(size for _, size in row.parts) for row in amounts), default=0.0)
    return tuple(
        BarRow(name=row.name, bar=stacked_bar(row.parts, scale), cells=row.cells, title=row.title)
        for row in amounts
    )
