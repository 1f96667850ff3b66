"""What training on the selection and on each baseline gave: intervals, a table, the comparisons in words.

Lays saved figures out; computes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sftloop.report.charts.intervals import Group, Mark, interval_plot
from sftloop.report.charts.svg import Axis, round_axis, tick_text
from sftloop.report.figures import PLAIN_METRICS, Figures
from sftloop.report.select_outcome import Proof, baseline_name
from sftloop.report.verdict import metric_name
from sftloop.report.wording import Words
from sftloop.report.wording.select_words import SelectWords


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRow:
    """What one selection reached."""

    name: str
    own: bool
    n: str
    mean: str
    interval: str
    values: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The selection against one baseline."""

    verdict: str
    badge: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofSection:
    """One task's proof."""

    task: str
    picture: Markup | None
    caption: str
    rows: tuple[ProofRow, ...]
    comparisons: tuple[Comparison, ...]


def proof_section(proof: Proof, shared: Words, words: SelectWords) -> ProofSection:
    """Return the section of one task's proof."""
    metric = metric_name(proof["metric"], shared)
    against = {one["against"] for one in proof.get("verdicts") or ()}
    return ProofSection(
        task=str(proof.get("task") or ""),
        picture=_picture(proof, against, metric, shared, words),
        caption=words.proof.table.format(metric=metric),
        rows=tuple(
            _row(row, row["name"] not in against, proof["metric"], shared, words) for row in proof["rows"]
        ),
        comparisons=tuple(
            _comparison(one, proof["metric"], shared, words) for one in proof.get("verdicts") or ()
        ),
    )


def _name(row: Mapping[str, Any], own: bool, words: SelectWords) -> str:
    return words.own if own else baseline_name(row["name"], words)


def _row(row: Mapping[str, Any], own: bool, metric: str, shared: Words, words: SelectWords) -> ProofRow:
    figures = Figures(shared.figures)
    return ProofRow(
        name=_name(row, own, words),
        own=own,
        n=figures.count(row.get("n")),
        mean=figures.value(metric, row.get("mean")),
        interval=figures.range(metric, row.get("low"), row.get("high")),
        values=shared.figures.comma.join(figures.value(metric, value) for value in row.get("values") or ()),
    )


def _picture(
    proof: Proof, against: set[str], metric: str, shared: Words, words: SelectWords
) -> Markup | None:
    marks = [
        _mark(row, row["name"] not in against, proof["metric"], shared, words)
        for row in proof["rows"]
        if row.get("mean") is not None
    ]
    if not marks:
        return None
    plain = proof["metric"] in PLAIN_METRICS
    ends = [end for mark in marks for end in (mark.low, mark.high)]
    label = words.proof.picture.format(task=proof.get("task", ""))
    return interval_plot(
        [Group(title=metric, marks=marks)],
        _axis(min(ends), max(ends), plain=plain),
        label,
        tick=tick_text if plain else lambda value: f"{tick_text(round(100 * value, 6))}%",
    )


def _axis(low: float, high: float, *, plain: bool) -> Axis:
    """Return an axis around the intervals, not from zero: the differences are small beside the values."""
    if plain or high > 1:
        return round_axis(low, high)
    axis = round_axis(low, high)
    return axis if axis.high <= 1 else Axis(axis.low, 1.0, tuple(tick for tick in axis.ticks if tick <= 1))


def _mark(row: Mapping[str, Any], own: bool, metric: str, shared: Words, words: SelectWords) -> Mark:
    mean = row["mean"]
    low, high = (mean if row.get(end) is None else row[end] for end in ("low", "high"))
    return Mark(
        series="after" if own else "before",
        name=_name(row, own, words),
        value=mean,
        low=low,
        high=high,
        written=Figures(shared.figures).value(metric, mean),
    )


def _comparison(one: Mapping[str, Any], metric: str, shared: Words, words: SelectWords) -> Comparison:
    figures = Figures(shared.figures)
    text = words.proof.against.format(
        name=baseline_name(one["against"], words),
        difference=figures.difference(metric, one.get("difference"), signed=True),
        interval=figures.interval(metric, one.get("low"), one.get("high"), signed=True),
        p=figures.p_value(one.get("p")),
    )
    return Comparison(verdict=one["verdict"], badge=words.proof.badges[one["verdict"]], text=text)
