"""One bar of the parts that a run's time went into."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from sftloop.report.charts.svg import element, picture, short

Part = tuple[str, float]
"""CSS class and seconds."""


def duration_bar(parts: Sequence[Part], label: str) -> Markup:
    """Return the bar; `label` is read aloud in place of it."""
    whole = sum(seconds for _, seconds in parts) or 1.0
    drawn: list[Markup] = []
    start = 0.0
    for kind, seconds in parts:
        at, width = (f"{short(100 * value / whole)}%" for value in (start, seconds))
        drawn.append(element("rect", class_=kind, x=at, y=0, width=width, height=14))
        start += seconds
    return picture(label, 14, *drawn, kind="durations")
