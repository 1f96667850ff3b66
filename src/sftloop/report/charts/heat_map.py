"""A confusion table as a picture: expected labels down, answered labels across.

Shades are shares of a row; the count stands in the cell where there is room. Cells with nothing are not
drawn, so that a table of many labels stays small.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from sftloop.report.charts.svg import element, text

Table = Mapping[str, Mapping[str, int]]

_NAMED_WIDTH = 500
"""Columns carry names where the picture stays this narrow, in CSS pixels; else they carry row numbers."""
_LONGEST_NAME = 26


def heat_map(table: Table, label: str, *, invalid: str, invalid_name: str) -> Markup:
    """Return the picture of a confusion table, at its natural size.

    Args:
        table: {expected: {answered: count}}.
        label: read aloud in place of the picture.
        invalid: the column for answers without a usable label; left out where it is empty.
        invalid_name: that column's name on the page.
    """
    rows = list(table)
    columns = rows + ([invalid] if any(row.get(invalid) for row in table.values()) else [])
    cell = _cell_size(len(columns))
    numbered, names = _column_names(rows, columns, invalid, invalid_name, cell)
    across = cell if numbered else max(cell, *(text_width(name) + 10 for name in names))
    shown = [f"{_clipped(row)}  {index}" if numbered else _clipped(row) for index, row in enumerate(rows, 1)]
    left = max(text_width(name) for name in shown) + 10
    down = min(cell, 30)
    top = 22
    drawn = [_heading(name, left + across * (index + 0.5)) for index, name in enumerate(names)]
    for number, row in enumerate(rows):
        y = top + down * number
        drawn.append(text(shown[number], left - 8, y + down / 2 + 4, text_anchor="end"))
        drawn += _row(table[row], row, columns, (left, y), (across, down))
    width, height = left + across * len(columns) + 2, top + down * len(rows) + 2
    frame = element(
        "rect", class_="frame", x=left, y=top, width=across * len(columns), height=down * len(rows)
    )
    return element(
        "svg", frame, *drawn, class_="chart heat", width=width, height=height, role="img", aria_label=label
    )


def text_width(content: str) -> float:
    """Return about how wide a text is at 12 px, in CSS pixels."""
    return sum(12.5 if unicodedata.east_asian_width(char) in "WF" else 7.0 for char in content)


def _cell_size(columns: int) -> int:
    return next(
        size for limit, size in ((6, 40), (10, 32), (20, 26), (40, 20), (10**9, 14)) if columns <= limit
    )


def _column_names(
    rows: Sequence[str], columns: Sequence[str], invalid: str, invalid_name: str, cell: int
) -> tuple[bool, list[str]]:
    """Return whether columns carry numbers, and what stands above each."""
    names = [invalid_name if column == invalid else _clipped(column) for column in columns]
    widest = max(text_width(name) + 10 for name in names)
    if max(text_width(_clipped(row)) for row in rows) + max(widest, cell) * len(columns) <= _NAMED_WIDTH:
        return False, names
    return True, ["?" if column == invalid else str(number) for number, column in enumerate(columns, start=1)]


def _heading(name: str, x: float) -> Markup:
    return text(name, x, 14, text_anchor="middle", class_="column")


def _row(
    counts: Mapping[str, int],
    row: str,
    columns: Sequence[str],
    origin: tuple[float, float],
    size: tuple[float, float],
) -> list[Markup]:
    """Return the cells of one row; `origin` is its left upper corner, `size` that of a cell."""
    total = sum(counts.values())
    (left, y), (across, down) = origin, size
    drawn: list[Markup] = []
    for index, column in enumerate(columns):
        count = counts.get(column, 0)
        if not count:
            continue
        x = left + across * index
        kind = "right" if column == row else "wrong"
        shade = 0.12 + 0.5 * count / total
        drawn.append(
            element(
                "rect",
                class_=kind,
                x=x + 1,
                y=y + 1,
                width=across - 2,
                height=down - 2,
                rx=2,
                fill_opacity=shade,
            )
        )
        if text_width(str(count)) <= across:
            drawn.append(
                text(str(count), x + across / 2, y + down / 2 + 4, text_anchor="middle", class_="count")
            )
    return drawn


def _clipped(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
