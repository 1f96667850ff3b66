"""A confusion table as a picture: expected labels down, answered labels across.

Shades are shares of a row; the count stands in the cell unless there are very many labels. Cells with
nothing are not drawn, so that a table of many labels stays small.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from sftloop.report.charts.svg import element, text

Table = Mapping[str, Mapping[str, int]]

_NAMED_WIDTH = 500
"""Columns carry names where the picture stays this narrow, in CSS pixels; else they carry row numbers."""
_LONGEST_NAME = 26
_CELLS = ((6, 40.0, 30.0), (10, 32.0, 30.0), (20, 26.0, 26.0), (40, 20.0, 20.0))
"""Up to so many columns: width and height of a cell, in CSS pixels."""
_DENSE_CELL = (10.0, 13.0)
"""With more columns; such cells hold no count, and every fifth column carries its number."""
_TOP = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    rows: list[str]
    columns: list[str]
    headings: list[str]
    """Above the columns; empty where nothing stands."""
    names: list[str]
    """Beside the rows."""
    left: float
    """Where the cells begin."""
    across: float
    down: float
    counted: bool
    """Whether cells hold their count."""


def heat_map(table: Table, label: str, *, invalid: str, invalid_name: str) -> Markup:
    """Return the picture of a confusion table, at its natural size.

    Args:
        table: {expected: {answered: count}}.
        label: read aloud in place of the picture.
        invalid: the column for answers without a usable label; left out where it is empty.
        invalid_name: that column's name on the page.
    """
    layout = _layout(table, invalid, invalid_name)
    drawn = _headings(layout, invalid)
    for number, row in enumerate(layout.rows):
        y = _TOP + layout.down * number
        drawn.append(text(layout.names[number], layout.left - 8, y + layout.down / 2 + 4, text_anchor="end"))
        drawn += _row(table[row], row, y, layout)
    wide, high = layout.across * len(layout.columns), layout.down * len(layout.rows)
    frame = element("rect", class_="frame", x=layout.left, y=_TOP, width=wide, height=high)
    beyond = (
        max(0.0, text_width(layout.headings[-1]) - layout.across) if layout.columns[-1] == invalid else 0.0
    )
    return element(
        "svg",
        frame,
        *drawn,
        class_="chart heat",
        width=layout.left + wide + beyond + 2,
        height=_TOP + high + 2,
        role="img",
        aria_label=label,
    )


def text_width(content: str) -> float:
    """Return about how wide a text is at 12 px, in CSS pixels."""
    return sum(12.5 if unicodedata.east_asian_width(char) in "WF" else 7.0 for char in content)


def _layout(table: Table, invalid: str, invalid_name: str) -> _Layout:
    rows = list(table)
    columns = rows + ([invalid] if any(row.get(invalid) for row in table.values()) else [])
    cells = [(across, down) for limit, across, down in _CELLS if len(columns) <= limit]
    across, down = cells[0] if cells else _DENSE_CELL
    dense = len(columns) > _CELLS[-1][0]
    names = [_clipped(row) for row in rows]
    headings = [invalid_name if column == invalid else _clipped(column) for column in columns]
    widest = max(across, *(text_width(heading) + 10 for heading in headings))
    if max(map(text_width, names)) + widest * len(columns) <= _NAMED_WIDTH:
        across = widest
    else:
        names = [f"{name}  {number}" for number, name in enumerate(names, start=1)]
        shown = range(1, len(rows) + 1)
        headings[: len(rows)] = [str(n) if not dense or n == 1 or n % 5 == 0 else "" for n in shown]
    return _Layout(
        rows=rows,
        columns=columns,
        headings=headings,
        names=names,
        left=max(map(text_width, names)) + 10,
        across=across,
        down=down,
        counted=not dense,
    )


def _headings(layout: _Layout, invalid: str) -> list[Markup]:
    """Return what stands above the columns; the last one may reach beyond its column."""
    drawn = []
    for index, (column, heading) in enumerate(zip(layout.columns, layout.headings, strict=True)):
        last = column == invalid
        x = layout.left + layout.across * (index if last else index + 0.5)
        if heading:
            drawn.append(text(heading, x, 14, text_anchor="start" if last else "middle", class_="column"))
    return drawn


def _row(counts: Mapping[str, int], row: str, y: float, layout: _Layout) -> list[Markup]:
    """Return the cells of one row whose upper edge is at `y`."""
    total = sum(counts.values())
    drawn: list[Markup] = []
    for index, column in enumerate(layout.columns):
        count = counts.get(column, 0)
        if not count:
            continue
        x = layout.left + layout.across * index
        drawn.append(_cell("right" if column == row else "wrong", count / total, x, y, layout))
        if layout.counted:
            middle = (x + layout.across / 2, y + layout.down / 2 + 4)
            drawn.append(text(str(count), *middle, text_anchor="middle", class_="count"))
    return drawn


def _cell(kind: str, share: float, x: float, y: float, layout: _Layout) -> Markup:
    gap = 1 if layout.counted else 0.5
    return element(
        "rect",
        class_=kind,
        x=x + gap,
        y=y + gap,
        width=layout.across - 2 * gap,
        height=layout.down - 2 * gap,
        rx=2,
        fill_opacity=0.12 + (0.5 if layout.counted else 0.88) * share,
    )


def _clipped(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
