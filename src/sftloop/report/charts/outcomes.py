"""Labels of a `multi` task, each a question of its own: how often it was found, missed, wrongly given.

Two bars per label: before (thin) and after (thick).
"""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from sftloop.report.charts.svg import Axis, element, picture, round_axis, text, tick_text

Outcomes = Mapping[str, Mapping[str, int]]
"""{label: {"tp", "fp", "fn"}}."""

_PARTS = (("tp", "found"), ("fn", "missed"), ("fp", "wrongly"))
_ROW, _AXIS = 46, 22
_BARS = ((20, 7), (29, 12))
"""Top and height of the bars before and after, from the row's top."""


def outcome_bars(before: Outcomes, after: Outcomes, label: str) -> Markup:
    """Return the picture; labels are those of `after`, in its order.

    Args:
        before: counts of the untouched model.
        after: counts of the fine-tuned model.
        label: read aloud in place of the picture.
    """
    longest = max((_length(row) for table in (before, after) for row in table.values()), default=0)
    axis = round_axis(0, max(longest, 1))
    bottom = _ROW * len(after)
    drawn = [_grid(axis, value, bottom) for value in axis.ticks]
    for index, (name, counts) in enumerate(after.items()):
        y = _ROW * index
        drawn.append(text(name, 0, y + 14, class_="group"))
        for (top, thick), row in zip(_BARS, (before.get(name, {}), counts), strict=True):
            drawn += _bar(row, axis, y + top, thick)
        drawn.append(
            text(
                " · ".join(str(counts.get(key, 0)) for key, _ in _PARTS),
                "100%",
                y + 39,
                dx=10,
                class_="value",
            )
        )
    return picture(label, bottom + _AXIS, *drawn, kind="outcomes")


def _length(row: Mapping[str, int]) -> int:
    return sum(row.get(key, 0) for key, _ in _PARTS)


def _grid(axis: Axis, value: float, bottom: float) -> Markup:
    at = axis.percent(value)
    line = element("line", class_="grid", x1=at, x2=at, y1=18, y2=bottom)
    return line + text(tick_text(value), at, bottom + 16, text_anchor="middle")


def _bar(row: Mapping[str, int], axis: Axis, y: float, height: float) -> list[Markup]:
    drawn: list[Markup] = []
    start = 0
    for key, kind in _PARTS:
        count = row.get(key, 0)
        if count:
            width = f"{axis.share(count) * 100:.2f}%"
            drawn.append(element("rect", class_=kind, x=axis.percent(start), y=y, width=width, height=height))
        start += count
    return drawn
