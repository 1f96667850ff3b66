"""Building blocks of the pictures: elements with everything escaped, and axes with round ticks.

Positions along an axis are percentages of the picture's width, so that a picture fits any screen while its
text keeps its size. Draws nothing by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup, escape


def element(name: str, *children: str | Markup, **attributes: str | float | None) -> Markup:
    """Return an element; text is escaped, `class_` becomes `class`, `_` becomes `-`, None is left out."""
    written = [
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), short(value))
        for key, value in attributes.items()
        if value is not None
    ]
    opening = Markup("").join(written)
    inside = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), opening, inside)


def picture(label: str, height: float, *children: str | Markup, kind: str) -> Markup:
    """Return an SVG as wide as its box; `label` is read aloud, `kind` is its CSS class.

    Args:
        label: what the picture shows, for those who don't see it.
        height: in CSS pixels.
        children: its elements; text may stand outside the box, in the margins that the class leaves.
        kind: CSS class.
    """
    return element(
        "svg", *children, class_=f"chart {kind}", width="100%", height=height, role="img", aria_label=label
    )


def text(content: str, x: str | float, y: float, **attributes: str | float | None) -> Markup:
    """Return a text whose baseline starts (or, with `text_anchor`, ends or is centred) at x, y."""
    return element("text", content, x=x, y=y, **attributes)


def short(value: str | float | None) -> str:
    """Return a number with at most two decimals, texts as they are."""
    if isinstance(value, str) or value is None:
        return value or ""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Axis:
    """A straight axis from `low` to `high`, with ticks at round numbers."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """Return where a value lies between the ends, 0 to 1; values beyond an end lie on it."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def percent(self, value: float) -> str:
        """Return where a value lies, as a percentage of the width."""
        return f"{short(self.share(value) * 100)}%"


SHARES = Axis(0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0))
"""The axis of everything between 0 and 100 %."""


def round_axis(low: float, high: float, *, ticks: int = 4) -> Axis:
    """Return an axis around low .. high whose ends and ticks are round numbers.

    Args:
        low: smallest value to show.
        high: largest value to show.
        ticks: about how many intervals between ticks.
    """
    nothing = 1e-9 * max(1.0, abs(low), abs(high))
    if not (math.isfinite(low) and math.isfinite(high)) or high - low < nothing:
        high = low + 1.0 if math.isfinite(low) else 1.0
        low = low if math.isfinite(low) else 0.0
    raw = (high - low) / ticks
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    marks = tuple(round(index * step, 12) for index in range(first, last + 1))
    return Axis(marks[0], marks[-1], marks)


def tick_text(value: float) -> str:
    """Return a tick's number without needless decimals."""
    return f"{value:g}".replace("-", "−")
