"""One difference with its interval on an axis through zero: right of it is better.

Draws one row; rows of one page share an axis, which the caller makes.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from sftloop.report.charts.svg import Axis, element, picture, round_axis, text, tick_text

_HEIGHT, _MIDDLE, _TICK_Y = 46, 15, 42


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference with limits, oriented so that positive is better, in the unit of the axis."""

    value: float
    low: float
    high: float
    verdict: str
    label: str
    """Read aloud in place of the picture."""


def difference_axis(differences: list[Difference]) -> Axis:
    """Return an axis that holds zero and every interval."""
    low = min([0.0, *(item.low for item in differences)])
    high = max([0.0, *(item.high for item in differences)])
    return round_axis(low, high, ticks=3)


def difference_row(item: Difference, axis: Axis) -> Markup:
    """Return the picture of one difference."""
    zero, value = axis.percent(0.0), axis.percent(item.value)
    return picture(
        item.label,
        _HEIGHT,
        *(_tick(axis, tick) for tick in axis.ticks),
        element("line", class_="zero", x1=zero, x2=zero, y1=2, y2=28),
        element(
            "line",
            class_=f"interval {item.verdict}",
            x1=axis.percent(item.low),
            x2=axis.percent(item.high),
            y1=_MIDDLE,
            y2=_MIDDLE,
        ),
        element("circle", class_=f"dot {item.verdict}", cx=value, cy=_MIDDLE, r=5),
        kind="difference",
    )


def _tick(axis: Axis, value: float) -> Markup:
    at = axis.percent(value)
    written = f"+{tick_text(value)}" if value > 0 else tick_text(value)
    anchor = {axis.low: "start", axis.high: "end"}.get(value, "middle")
    line = element("line", class_="grid", x1=at, x2=at, y1=2, y2=28)
    return line + text(written, at, _TICK_Y, text_anchor=anchor)
