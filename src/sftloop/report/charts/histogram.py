"""How often values fall into each of several bins; bins below zero are marked.

Draws counts that were made elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from sftloop.report.charts.svg import Axis, element, picture, round_axis, text, tick_text

_HEIGHT, _AXIS = 150, 24
_ROUNDING = 1e-9


def histogram(counts: Sequence[int], edges: Sequence[float], label: str) -> Markup:
    """Return the picture.

    Args:
        counts: one per bin.
        edges: the bins' limits, rising; one more than there are bins.
        label: read aloud in place of the picture.

    Raises:
        ValueError: the numbers of bins and edges don't fit.
    """
    if not counts or len(edges) != len(counts) + 1:
        raise ValueError(f"{len(counts)} bins need {len(counts) + 1} edges, got {len(edges)}.")
    across = round_axis(edges[0], edges[-1])
    upwards = round_axis(0, max(*counts, 1))
    levels = [_level(upwards, value) for value in upwards.ticks if float(value).is_integer()]
    ticks = [
        text(tick_text(value), across.percent(value), _HEIGHT + 18, text_anchor="middle")
        for value in across.ticks
    ]
    columns = [
        _column(count, edges[index], edges[index + 1], across, upwards)
        for index, count in enumerate(counts)
        if count
    ]
    return picture(label, _HEIGHT + _AXIS, *levels, *columns, *ticks, kind="histogram")


def _level(upwards: Axis, value: float) -> Markup:
    y = _HEIGHT * (1 - upwards.share(value))
    line = element("line", class_="grid", x1="0", x2="100%", y1=y, y2=y)
    return line + text(tick_text(value), 0, y + 4, dx=-8, text_anchor="end")


def _column(count: int, low: float, high: float, across: Axis, upwards: Axis) -> Markup:
    left, right = 100 * across.share(low), 100 * across.share(high)
    tall = _HEIGHT * upwards.share(count)
    return element(
        "rect",
        class_="below" if high <= _ROUNDING else "above",
        x=f"{left:.2f}%",
        y=_HEIGHT - tall,
        width=f"{right - left:.2f}%",
        height=tall,
    )
