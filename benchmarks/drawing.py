"""An SVG file for `docs`: white, with its size and the font that all pictures share."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from sftloop.report.charts.svg import element


def drawing(width: float, height: float, label: str, children: Sequence[Markup]) -> Markup:
    """Return the file's content.

    Args:
        width: in pixels, as the height.
        height: of the whole picture.
        label: read aloud in its place.
        children: its elements.
    """
    return element(
        "svg",
        element("rect", width=width, height=height, fill="#ffffff"),
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=label,
        font_family="system-ui, sans-serif",
        font_size="13",
    )
