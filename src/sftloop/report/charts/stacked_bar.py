"""One horizontal bar of parts, as long as its share of a scale that several bars have in common.

Carries no text: its name and numbers stand beside it, in the table or list that it belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from sftloop.report.charts.svg import element, short

Part = tuple[str, float]
"""CSS class and amount."""

_HEIGHT = 12


def stacked_bar(parts: Sequence[Part], scale: float) -> Markup:
    """Return the bar.

    Args:
        parts: in order from the left; those of nothing are not drawn.
        scale: the amount that fills the whole width.
    """
    drawn: list[Markup] = []
    start = 0.0
    for kind, amount in parts:
        if amount > 0 and scale > 0:
            at, width = (f"{short(100.0 * value / scale)}%" for value in (start, amount))
            drawn.append(element("rect", class_=kind, x=at, y=0, width=width, height=_HEIGHT))
            start += amount
    return element("svg", *drawn, class_="chart stacked", width="100%", height=_HEIGHT, aria_hidden="true")
