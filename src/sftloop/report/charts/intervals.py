"""Values with their intervals, one row each: before, after, and the linear baseline beside them.

Several metrics that share an axis stand in one picture, each under its title.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from sftloop.report.charts.svg import Axis, element, picture, text

Series = Literal["before", "after", "linear"]

_TITLE, _ROW, _GAP, _AXIS = 24, 24, 10, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One value with its limits."""

    series: Series
    name: str
    """Stands to the left."""
    value: float
    low: float
    high: float
    written: str
    """The value as text; stands to the right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The values of one metric."""

    title: str
    marks: Sequence[Mark]


def interval_plot(groups: Sequence[Group], axis: Axis, label: str, *, tick: Callable[[float], str]) -> Markup:
    """Return the picture of several metrics on one axis.

    Args:
        groups: at least one.
        axis: holds every value and limit.
        label: read aloud in place of the picture.
        tick: writes a tick's number.
    """
    drawn: list[Markup] = []
    y = 0
    for group in groups:
        drawn.append(text(group.title, 0, y + 15, class_="group"))
        y += _TITLE
        for mark in group.marks:
            drawn.append(_row(mark, axis, y + _ROW / 2))
            y += _ROW
        y += _GAP
    grid = [_grid(axis, value, y, tick(value)) for value in axis.ticks]
    return picture(label, y + _AXIS, *grid, *drawn, kind="intervals")


def _grid(axis: Axis, value: float, bottom: float, written: str) -> Markup:
    at = axis.percent(value)
    line = element("line", class_="grid", x1=at, x2=at, y1=_TITLE - 2, y2=bottom)
    return line + text(written, at, bottom + 16, text_anchor="middle")


def _row(mark: Mark, axis: Axis, y: float) -> Markup:
    return Markup("").join(
        [
            text(mark.name, 0, y + 4, dx=-12, text_anchor="end", class_=f"name {mark.series}"),
            element(
                "line",
                class_=f"interval {mark.series}",
                x1=axis.percent(mark.low),
                x2=axis.percent(mark.high),
                y1=y,
                y2=y,
            ),
            _marker(mark.series, axis.percent(mark.value), y),
            text(mark.written, "100%", y + 4, dx=12, class_=f"value {mark.series}"),
        ]
    )


def _marker(series: Series, x: str, y: float) -> Markup:
    """Return a marker whose shape, not its colour alone, tells the series apart."""
    if series == "linear":
        diamond = element("path", class_="dot linear", d="M0-6 6 0 0 6-6 0z")
        return element("svg", diamond, x=x, y=y, overflow="visible")
    return element("circle", class_=f"dot {series}", cx=x, cy=y, r=5)
