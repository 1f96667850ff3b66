"""One task's diagnosis in pictures: labels, risk over coverage, calibration, traps.

Lays saved figures out; a part that was not measured is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sftloop.report.bar_table import Amounts, BarTable, bar_rows
from sftloop.report.charts.curves import Curve, Point, curve_plot
from sftloop.report.charts.intervals import Group, Mark, Series, interval_plot
from sftloop.report.charts.svg import SHARES
from sftloop.report.cut import cut
from sftloop.report.figures import Figures
from sftloop.report.wording import Words
from sftloop.report.wording.diagnose_words import DiagnoseWords

Task = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture with its words."""

    caption: str
    picture: Markup
    hint: str
    legend: tuple[tuple[str, str], ...] = ()
    """CSS class and name of each line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrapExample:
    """A trap that the model fell for."""

    id: str
    tags: tuple[str, ...]
    note: str
    text: str
    answer: str


def label_picture(
    name: str, task: Task, before: Task | None, shared: Words, words: DiagnoseWords, *, most: int
) -> Picture | None:
    """Return precision and recall of at most `most` labels or fields."""
    ranked = sorted(task["labels"], key=lambda label: -task["labels"][label]["support"])[:most]
    shown = [label for label in task["labels"] if label in set(ranked)]
    groups = [
        Group(title=label, marks=marks)
        for label in shown
        if (marks := list(_marks(label, task, before, shared, words)))
    ]
    if not groups:
        return None
    left_out = len(task["labels"]) - len(shown)
    return Picture(
        caption=words.fields if task["kind"] == "extract" else words.labels,
        picture=interval_plot(
            groups, SHARES, words.labels_picture.format(task=name), tick=lambda value: f"{value:.0%}"
        ),
        hint=words.labels_left_out.of(left_out) if left_out else "",
    )


def coverage_picture(task: Task, before: Task | None, words: DiagnoseWords) -> Picture | None:
    """Return risk over coverage, now and before."""
    curves = [
        Curve(points=points, style=style)
        for one, style in ((task, "c1"), (before, "c2"))
        if one is not None and (points := _coverage(one))
    ]
    if not curves or not task.get("risk_coverage"):
        return None
    return Picture(
        caption=words.coverage,
        picture=curve_plot(curves, words.coverage, step_name=words.coverage_axis),
        hint=words.coverage_hint,
        legend=(("c1", words.now), ("c2", words.before)) if len(curves) == 2 else (),
    )


def calibration_picture(task: Task, before: Task | None, words: DiagnoseWords) -> Picture | None:
    """Return the reliability diagram, now and before."""
    if not task.get("calibration"):
        return None
    lines = [(task, "c1", words.now)]
    if before is not None and before.get("calibration"):
        lines.append((before, "c2", words.before))
    curves = [Curve(points=_reliability(one), style=style) for one, style, _ in lines]
    perfect = Curve(points=[(0.0, 0.0), (100.0, 100.0)], style="c3")
    return Picture(
        caption=words.calibration,
        picture=curve_plot([*curves, perfect], words.calibration, step_name=words.calibration_axis),
        hint=words.calibration_hint,
        legend=(*((style, title) for _, style, title in lines), ("c3", words.perfect)),
    )


def trap_titles(task: Task, language: str, words: DiagnoseWords) -> dict[str, str]:
    """Return trap family → its name on the page."""
    found = {}
    for name, row in task["traps"].items():
        own = words.own_trap if name == "own" else words.named_trap.format(name=name)
        found[name] = row["title"][language] if row.get("title") else own
    return found


def trap_table(
    task: Task, before: Task | None, titles: Mapping[str, str], shared: Words, words: DiagnoseWords
) -> BarTable | None:
    """Return how many traps of each family were passed, the worst first."""
    traps: Mapping[str, Mapping[str, Any]] = {name: row for name, row in task["traps"].items() if row["n"]}
    if not traps:
        return None
    figures = Figures(shared.figures)
    was = before["traps"] if before else {}
    amounts = []
    for name in sorted(traps, key=lambda one: traps[one]["value"]):
        row = traps[name]
        cells = [f"{row['passed']}/{row['n']}", figures.range("", row["low"], row["high"])]
        if before:
            cells.insert(
                0, f"{was[name]['passed']}/{was[name]['n']}" if name in was else figures.percent(None)
            )
        parts = [("found", row["passed"] / row["n"]), ("wrongly", 1 - row["passed"] / row["n"])]
        amounts.append(Amounts(name=titles[name], parts=parts, cells=tuple(cells)))
    headings = [words.trap, *([words.before] if before else []), words.passed, words.interval]
    return BarTable(
        caption=words.traps,
        headings=tuple(headings),
        rows=bar_rows(amounts, scale=1.0),
        legend=(("found", words.passed), ("wrongly", words.failed)),
        note=words.traps_hint,
    )


def trap_examples(
    task: Task,
    records: Mapping[str, Mapping[str, Any]],
    titles: Mapping[str, str],
    shared: Words,
    words: DiagnoseWords,
    *,
    characters: int,
) -> tuple[TrapExample, ...]:
    """Return the traps that results name, the worst family first."""
    traps = task["traps"]
    order = sorted((name for name in traps if traps[name]["n"]), key=lambda name: traps[name]["value"])
    return tuple(
        TrapExample(
            id=one,
            tags=(titles[name],),
            note=words.said.format(given=records[one]["given"] or words.no_answer),
            text=cut(records[one]["text"], shared, characters),
            answer=records[one]["answer"],
        )
        for name in order
        for one in traps[name]["failed"]
        if one in records
    )


def _marks(
    label: str, task: Task, before: Task | None, shared: Words, words: DiagnoseWords
) -> Iterator[Mark]:
    figures = Figures(shared.figures)
    sides: list[tuple[Task, Series | None]] = [(task, None)]
    if before is not None and label in before["labels"]:
        sides.insert(0, (before, "before"))
    for key, name, series in (("precision", words.precision, "after"), ("recall", words.recall, "linear")):
        for side, drawn in sides:
            entry = side["labels"][label][key]
            if entry["value"] is None:
                continue
            yield Mark(
                series=drawn or ("after" if series == "after" else "linear"),
                name=words.was.format(name=name) if drawn else name,
                value=entry["value"],
                low=entry["low"],
                high=entry["high"],
                written=figures.percent(entry["value"]),
            )


def _coverage(task: Task) -> list[Point]:
    curve: Sequence[Mapping[str, float]] = (task.get("risk_coverage") or {}).get("curve") or ()
    return [(100 * point["coverage"], 100 * point["risk"]) for point in curve]


def _reliability(task: Task) -> list[Point]:
    return [
        (100 * each["confidence"], 100 * each["accuracy"]["value"]) for each in task["calibration"]["bins"]
    ]
