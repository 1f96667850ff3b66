"""Several series on two shared axes: measured points with limits, a line through them, a band around it.

The horizontal axis is whatever the caller makes of it (a logarithm, say); it names the ticks too. Series are told
apart by dashes as well as by colour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sftloop.report.charts.svg import Axis, element, picture, short, text

_HEIGHT, _AXIS = 220, 44


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A measured value; without limits a bare dot."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What one line of the legend stands for."""

    style: str
    """`c0` … `c6`: colour and dashes."""
    points: Sequence[Point] = ()
    line: Sequence[tuple[float, float]] = ()
    band: Sequence[tuple[float, float, float]] = ()
    """(x, low, high)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Across:
    """The horizontal axis."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    name: str
    """Stands below the ticks."""


def series_plot(
    series: Sequence[Series], across: Across, up: Axis, label: str, *, tick: Callable[[float], str]
) -> Markup:
    """Return the picture.

    Args:
        series: the first lie below the last.
        across: the horizontal axis.
        up: the vertical axis; what lies beyond its ends is drawn on them.
        label: read aloud in place of the picture.
        tick: writes a number of the vertical axis.
    """
    axis = Axis(across.low, across.high, ())
    grid = [_level(up, value, tick(value)) for value in up.ticks]
    named = [_named(axis, at, written) for at, written in across.ticks]
    title = text(across.name, "100%", _HEIGHT + 38, text_anchor="end")
    shapes = [shape for one in series for shape in (_band(one, axis, up), _line(one, axis, up)) if shape]
    frame = element(
        "svg",
        *shapes,
        viewBox=f"0 0 1000 {_HEIGHT}",
        preserveAspectRatio="none",
        width="100%",
        height=_HEIGHT,
        overflow="visible",
    )
    dots = [mark for one in series for point in one.points for mark in _point(one.style, point, axis, up)]
    return picture(label, _HEIGHT + _AXIS, *grid, *named, title, frame, *dots, kind="curves")


def _y(up: Axis, value: float) -> float:
    return _HEIGHT * (1 - up.share(value))


def _level(up: Axis, value: float, written: str) -> Markup:
    y = _y(up, value)
    line = element("line", class_="grid", x1="0", x2="100%", y1=y, y2=y)
    return line + text(written, 0, y + 4, dx=-8, text_anchor="end")


def _named(axis: Axis, at: float, written: str) -> Markup:
    return text(written, axis.percent(at), _HEIGHT + 18, text_anchor="middle")


def _line(one: Series, axis: Axis, up: Axis) -> Markup | None:
    if not one.line:
        return None
    points = " ".join(f"{short(1000 * axis.share(x))},{short(_y(up, y))}" for x, y in one.line)
    return element("polyline", class_=f"curve {one.style}", points=points)


def _band(one: Series, axis: Axis, up: Axis) -> Markup | None:
    if not one.band:
        return None
    upper = [(x, high) for x, _, high in one.band]
    lower = [(x, low) for x, low, _ in reversed(one.band)]
    points = " ".join(f"{short(1000 * axis.share(x))},{short(_y(up, y))}" for x, y in upper + lower)
    colour = "ink" if one.style == "c0" else one.style
    style = f"fill:var(--{colour});fill-opacity:.13;stroke:none"
    return element("polygon", points=points, style=style)


def _point(style: str, point: Point, axis: Axis, up: Axis) -> list[Markup]:
    x = axis.percent(point.x)
    dot = element("circle", class_=f"dot {style}", cx=x, cy=_y(up, point.y), r=4)
    if point.low is None or point.high is None:
        return [dot]
    limits = element("line", class_=f"curve {style}", x1=x, x2=x, y1=_y(up, point.low), y2=_y(up, point.high))
    return [limits, dot]
