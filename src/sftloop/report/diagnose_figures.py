"""One task's figures in a table by groups, now and before; and the paired tests between the two.

Lays saved figures out; computes none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sftloop.report.figures import Figures
from sftloop.report.wording import Words
from sftloop.report.wording.diagnose_words import DiagnoseWords

Task = Mapping[str, Any]
Entry = Mapping[str, Any]

_NUMBERS = ("brier",)
"""Figures that are no share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """One figure."""

    name: str
    before: str
    now: str
    interval: str
    n: str
    title: str = ""
    """Opens a group of rows under this heading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFigure:
    """One comparison of before and after."""

    name: str
    before: str
    after: str
    change: str
    interval: str
    p: str
    n: str
    verdict: str
    badge: str


def figure_rows(
    task: Task, before: Task | None, shared: Words, words: DiagnoseWords
) -> tuple[FigureRow, ...]:
    """Return every figure of a task that was measured, in groups."""
    figures, rows = Figures(shared.figures), []
    was = {(group, key): entry for group, key, entry in _entries(before)} if before else {}
    opened = ""
    for group, key, entry in _entries(task):
        if entry["value"] is None:
            continue
        rows.append(
            FigureRow(
                name=words.names[key],
                before=_written(key, was.get((group, key)), figures),
                now=_written(key, entry, figures),
                interval=_range(key, entry, figures),
                n=figures.count(entry.get("n")),
                title="" if group == opened else words.groups[group],
            )
        )
        opened = group
    return tuple(rows)


def change_rows(
    name: str, tests: Sequence[Entry], shared: Words, words: DiagnoseWords
) -> tuple[ChangedFigure, ...]:
    """Return the task's comparisons among those of all tasks, in the order they were made."""
    figures = Figures(shared.figures)
    return tuple(
        ChangedFigure(
            name=words.what[row["what"]].format(item=row["item"]),
            before=figures.percent(row["before"]),
            after=figures.percent(row["after"]),
            change=figures.difference("", row["difference"], signed=True),
            interval=figures.range("", row["low"], row["high"]),
            p=figures.p_value(row["p_adjusted"]),
            n=figures.count(row["n"]),
            verdict=row["verdict"],
            badge=words.badges[row["verdict"]],
        )
        for row in tests
        if row["task"] == name
    )


def _entries(task: Task) -> Iterator[tuple[str, str, Entry]]:
    """Yield group, name and entry of every figure there is."""
    yield "answers", "unsupported_positive_rate", task["unsupported_positive_rate"]
    for group, keys in (
        ("evidence", ("exists", "without", "supports")),
        ("abstention", ("precision", "recall")),
    ):
        for key in keys if task.get(group) else ():
            yield group, key, task[group][key]
    if calibration := task.get("calibration"):
        yield "confidence", "ece", calibration["ece"]
        yield "confidence", "brier", calibration["brier"]
    if coverage := task.get("risk_coverage"):
        yield "confidence", "aurc", coverage["aurc"]
    interventions = task.get("interventions") or {}
    if removed := interventions.get("removed"):
        yield "interventions", "abstains", removed["abstains"]
        yield "interventions", "keeps", removed["keeps"]
    if alone := interventions.get("alone"):
        yield "interventions", "alone", alone["keeps"]
    for aspect, found in (task.get("stability") or {}).items():
        yield "stability", aspect, found["agreement"]


def _written(key: str, entry: Entry | None, figures: Figures) -> str:
    if entry is None:
        return figures.percent(None)
    return figures.number(entry["value"]) if key in _NUMBERS else figures.percent(entry["value"])


def _range(key: str, entry: Entry, figures: Figures) -> str:
    return figures.range("mae" if key in _NUMBERS else "", entry.get("low"), entry.get("high"))
