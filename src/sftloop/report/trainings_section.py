"""The parts that a page about several trainings is made of: sentences with a badge, pictures, tables.

Holds what is shown, as written; knows no verb.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sftloop.report.charts.svg import Axis, round_axis, tick_text
from sftloop.report.figures import PLAIN_METRICS


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A sentence with a mark that says at a glance how it ends."""

    state: str
    """better, worse or inconclusive."""
    badge: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture with its caption."""

    caption: str
    picture: Markup
    hint: str = ""
    legend: tuple[tuple[str, str], ...] = ()
    """Colour's name and what it stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row: its name, and cells as written with small print below."""

    name: str
    cells: tuple[tuple[str, str], ...]
    own: bool = False
    """Whether it is the one that the page is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of rows."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and what stands below it, in this order."""

    heading: str
    intro: str = ""
    said: tuple[Said, ...] = ()
    shown: tuple[Shown, ...] = ()
    tables: tuple[Table, ...] = ()
    code: str = ""
    """Text that stands line by line: a diff, say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the page says about one result."""

    headline: str
    lead: str
    sections: tuple[Section, ...]
    files: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


Result = Mapping[str, Any]


def metric_axis(low: float, high: float, metric: str) -> Axis:
    """Return an axis around values of a metric, not from zero; that of a share ends at 100 %."""
    axis = round_axis(low, high)
    if metric in PLAIN_METRICS or high > 1 or axis.high <= 1:
        return axis
    return Axis(axis.low, 1.0, tuple(tick for tick in axis.ticks if tick <= 1))


def metric_tick(value: float, metric: str) -> str:
    """Return a tick of a metric's axis."""
    return tick_text(value) if metric in PLAIN_METRICS else f"{tick_text(round(100 * value, 6))}%"
