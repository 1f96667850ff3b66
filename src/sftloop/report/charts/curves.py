"""Curves over training steps: the loss, and the validation scores.

A long curve is thinned to the extremes of each column of the picture, so that its shape stays. Lines are
told apart by dashes and markers as well as by colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sftloop.report.charts.svg import Axis, element, picture, round_axis, short, text, tick_text

Point = tuple[float, float]

_HEIGHT, _AXIS = 190, 24
_COLUMNS = 300
_MARKED = 40
"""Curves of at most so many points show each as a dot."""
_NAMED = 0.85
"""Share of the axis of steps that ticks may stand on; its name takes the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Points (step, value) in the order of steps."""

    points: Sequence[Point]
    style: str
    """CSS class: colour and dashes."""
    kept: Point | None = None
    """A point to ring: the weights that were kept."""


def curve_plot(curves: Sequence[Curve], label: str, *, step_name: str, from_zero: bool = True) -> Markup:
    """Return the picture of curves that share both axes.

    Args:
        curves: at least one point in all.
        label: read aloud in place of the picture.
        step_name: stands at the end of the axis of steps.
        from_zero: let the vertical axis start at zero, as it does beneath curves that are level.
    """
    values = [y for curve in curves for _, y in curve.points]
    steps = [x for curve in curves for x, _ in curve.points]
    lowest, highest = min(values), max(values)
    vertical = round_axis(min(0.0, lowest) if from_zero or lowest == highest else lowest, highest)
    horizontal = _steps_axis(max(steps))
    drawn = [_level(vertical, value) for value in vertical.ticks]
    drawn += [_step(horizontal, value) for value in horizontal.ticks]
    drawn.append(text(step_name, "100%", _HEIGHT + 18, text_anchor="end"))
    lines = [_line(curve, horizontal, vertical) for curve in curves]
    frame = element(
        "svg",
        *lines,
        viewBox=f"0 0 1000 {_HEIGHT}",
        preserveAspectRatio="none",
        width="100%",
        height=_HEIGHT,
        overflow="visible",
    )
    dots = [dot for curve in curves for dot in _dots(curve, horizontal, vertical)]
    return picture(label, _HEIGHT + _AXIS, *drawn, frame, *dots, kind="curves")


def _steps_axis(last: float) -> Axis:
    """Return an axis from 0 that ends at the last step; ticks at whole, round steps short of its name."""
    rounded = round_axis(0, max(last, 1))
    inside = tuple(tick for tick in rounded.ticks if tick <= _NAMED * last and float(tick).is_integer())
    return Axis(0.0, max(last, 1.0), inside)


def _height(vertical: Axis, value: float) -> float:
    return _HEIGHT * (1 - vertical.share(value))


def _level(vertical: Axis, value: float) -> Markup:
    y = _height(vertical, value)
    line = element("line", class_="grid", x1="0", x2="100%", y1=y, y2=y)
    return line + text(tick_text(value), 0, y + 4, dx=-12, text_anchor="end")


def _step(horizontal: Axis, value: float) -> Markup:
    return text(tick_text(value), horizontal.percent(value), _HEIGHT + 18, text_anchor="middle")


def _line(curve: Curve, horizontal: Axis, vertical: Axis) -> Markup:
    points = (
        f"{short(1000 * horizontal.share(x))},{short(_height(vertical, y))}"
        for x, y in _thinned(curve.points)
    )
    return element("polyline", class_=f"curve {curve.style}", points=" ".join(points))


def _thinned(points: Sequence[Point]) -> list[Point]:
    """Return the first, lowest, highest and last point of each column where there are many points."""
    if len(points) <= 4 * _COLUMNS:
        return list(points)
    kept: list[Point] = []
    for column in range(_COLUMNS):
        start, end = (len(points) * edge // _COLUMNS for edge in (column, column + 1))
        part = points[start:end]
        heights = [y for _, y in part]
        shown = {0, len(part) - 1, heights.index(min(heights)), heights.index(max(heights))}
        kept += [part[index] for index in sorted(shown)]
    return kept


def _dots(curve: Curve, horizontal: Axis, vertical: Axis) -> list[Markup]:
    drawn: list[Markup] = []
    if len(curve.points) <= _MARKED:
        drawn += [_dot(curve.style, point, horizontal, vertical, 3) for point in curve.points]
    if curve.kept is not None:
        drawn.append(_dot("kept", curve.kept, horizontal, vertical, 7))
    return drawn


def _dot(kind: str, point: Point, horizontal: Axis, vertical: Axis, radius: float) -> Markup:
    return element(
        "circle",
        class_=f"dot {kind}",
        cx=horizontal.percent(point[0]),
        cy=_height(vertical, point[1]),
        r=radius,
    )
