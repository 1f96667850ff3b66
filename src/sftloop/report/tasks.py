"""One task's section: its metrics before and after, the baseline beside them, tables and pictures.

Lays saved figures out; the sentences come from verdict.py, the tables from tables.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sftloop.evaluate.choice import INVALID
from sftloop.report.charts.heat_map import heat_map
from sftloop.report.charts.intervals import Group, Mark, Series, interval_plot
from sftloop.report.charts.outcomes import outcome_bars
from sftloop.report.charts.svg import SHARES, round_axis, tick_text
from sftloop.report.figures import PLAIN_METRICS, Figures
from sftloop.report.tables import ChangeTable, abstention_table, field_table, label_table
from sftloop.report.verdict import (
    Statement,
    linear_sentence,
    metric_name,
    paired_sentence,
    target_statement,
)
from sftloop.report.wording import Words

_PLOTTED = ("macro_f1", "exact_match", "format_valid")
"""Metrics drawn beside the one that decides."""
_SIDES: tuple[Series, ...] = ("before", "after", "linear")
_WIDE_LABELS = 8
"""With more labels the picture of confusions before training is folded away."""
_CONFUSIONS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A value with its interval, as written."""

    value: str
    interval: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One metric on all sides."""

    name: str
    decides: bool
    cells: tuple[Cell, ...]
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSection:
    """Everything that a task's section shows."""

    name: str
    anchor: str
    kind: str
    verdict: str
    badge: str
    sentence: str
    instruction: str
    notes: tuple[str, ...]
    target: Statement | None
    linear: Statement | None
    plots: tuple[Markup, ...]
    metrics_caption: str
    sides: tuple[str, ...]
    metrics: tuple[MetricRow, ...]
    tables: tuple[ChangeTable, ...]
    outcomes: Markup | None
    confusion_before: Markup | None
    confusion_after: Markup | None
    fold_confusion: bool
    confused: tuple[str, ...]


def task_section(name: str, index: int, task: Mapping[str, Any], words: Words, *, rows: int) -> TaskSection:
    """Return the section of one task.

    Args:
        name: the task.
        index: its place, from 1.
        task: its entry in the summary.
        words: the page's language.
        rows: most rows in a table of labels or fields.
    """
    before, after, paired = task["before"], task["after"], task["paired"]
    sides = tuple(side for side in _SIDES if task.get(side))
    confusion = task["kind"] == "choice" and bool(after.get("confusion"))
    label = words.tables.confusion_label.format(task=name)
    return TaskSection(
        name=name,
        anchor=f"task-{index}",
        kind=words.task.kinds.get(task["kind"], task["kind"]),
        verdict=paired["verdict"],
        badge=words.verdict.badges[paired["verdict"]],
        sentence=paired_sentence(paired, words),
        instruction=str(task.get("instruction") or "").strip(),
        notes=_notes(task, words),
        target=target_statement(task, words),
        linear=linear_sentence(task, words),
        plots=_plots(name, task, sides, words),
        metrics_caption=words.task.metrics_caption.of(after.get("n_scored", after.get("n", 0))),
        sides=tuple(_side_name(side, words) for side in sides),
        metrics=_metric_rows(task, sides, words),
        tables=_tables(before, after, words, rows),
        outcomes=_outcomes(name, task, words),
        confusion_before=_heat(before, label, words) if confusion else None,
        confusion_after=_heat(after, label, words) if confusion else None,
        fold_confusion=len(after.get("confusion") or {}) > _WIDE_LABELS,
        confused=_confused(after["confusion"], words) if confusion else (),
    )


def _side_name(side: str, words: Words) -> str:
    return {"before": words.task.before, "after": words.task.after, "linear": words.linear.name}[side]


def _notes(task: Mapping[str, Any], words: Words) -> tuple[str, ...]:
    """Return the sentences below the metrics: test, format, failed calls, too few records."""
    paired, after, figures = task["paired"], task["after"], Figures(words.figures)
    notes = []
    if paired.get("n") and paired.get("p") is not None:
        test = words.task.tests.get(paired.get("test", ""), str(paired.get("test", "")))
        notes.append(words.task.paired.format(test=test, p=figures.p_value(paired["p"])))
    if paired.get("n", 0) != after.get("n_scored", paired.get("n", 0)):
        notes.append(words.verdict.compared_on.of(paired["n"]))
    if paired.get("wins") is not None:
        notes.append(words.task.wins_losses.format(wins=paired["wins"], losses=paired["losses"]))
    kept = [task[side].get("format_valid") for side in ("before", "after")]
    if None not in kept:
        written = [figures.percent(value) for value in kept]
        notes.append(words.task.format_kept.format(before=written[0], after=written[1]))
    errors = (task["before"].get("errors") or 0) + (after.get("errors") or 0)
    if errors:
        notes.append(words.task.errors.of(errors))
    if after.get("note"):
        few = words.task.few_groups if "groups" in after else words.task.few_records
        notes.append(few.of(after.get("groups", after.get("n_scored", 0))))
    return tuple(notes)


def _metric_rows(task: Mapping[str, Any], sides: tuple[Series, ...], words: Words) -> tuple[MetricRow, ...]:
    decides = task["paired"]["metric"]
    names = sorted(task["after"]["metrics"], key=lambda name: name != decides)
    return tuple(
        MetricRow(
            name=metric_name(name, words),
            decides=name == decides,
            cells=tuple(_cell(name, task[side]["metrics"].get(name) or {}, words) for side in sides),
            method=_method(task["after"]["metrics"][name].get("method", ""), words),
        )
        for name in names
    )


def _cell(metric: str, entry: Mapping[str, Any], words: Words) -> Cell:
    figures = Figures(words.figures)
    value = entry.get("value")
    limits = (None, None) if value is None else (entry.get("low"), entry.get("high"))
    return Cell(value=figures.value(metric, value), interval=figures.range(metric, *limits))


def _method(method: str, words: Words) -> str:
    known = words.task.methods
    return words.figures.comma.join(known.get(part, part) for part in method.split(", "))


def _plots(name: str, task: Mapping[str, Any], sides: tuple[Series, ...], words: Words) -> tuple[Markup, ...]:
    """Return one picture of all plotted shares, and one of the deciding metric where it is no share."""
    decides = task["paired"]["metric"]
    wanted = [decides, *(metric for metric in _PLOTTED if metric != decides)]
    groups = {metric: _group(metric, task, sides, words) for metric in wanted}
    label = words.task.plot_label.format(task=name)
    plain = [groups[metric] for metric in wanted if metric in PLAIN_METRICS and groups[metric].marks]
    shares = [groups[metric] for metric in wanted if metric not in PLAIN_METRICS and groups[metric].marks]
    plots = []
    for group in plain:
        axis = round_axis(min(0.0, *(mark.low for mark in group.marks)), max(m.high for m in group.marks))
        plots.append(interval_plot([group], axis, label, tick=tick_text))
    if shares:
        plots.append(interval_plot(shares, SHARES, label, tick=lambda value: f"{100 * value:.0f}%"))
    return tuple(plots)


def _group(metric: str, task: Mapping[str, Any], sides: tuple[Series, ...], words: Words) -> Group:
    marks = []
    for side in sides:
        entry = task[side]["metrics"].get(metric) or {}
        value = entry.get("value")
        if value is None:
            continue
        low, high = (value if entry.get(end) is None else entry[end] for end in ("low", "high"))
        written = Figures(words.figures).value(metric, value)
        name = _side_name(side, words)
        marks.append(Mark(series=side, name=name, value=value, low=low, high=high, written=written))
    return Group(title=metric_name(metric, words), marks=marks)


def _tables(
    before: Mapping[str, Any], after: Mapping[str, Any], words: Words, rows: int
) -> tuple[ChangeTable, ...]:
    found = []
    if after.get("labels"):
        found.append(label_table(before.get("labels") or {}, after["labels"], words, most=rows))
    if after.get("fields"):
        found.append(field_table(before.get("fields") or {}, after["fields"], words, most=rows))
    if after.get("abstention"):
        found.append(abstention_table(before.get("abstention") or {}, after["abstention"], words))
    return tuple(found)


def _outcomes(name: str, task: Mapping[str, Any], words: Words) -> Markup | None:
    after = task["after"].get("confusion")
    if task["kind"] != "multi" or not after:
        return None
    label = words.tables.confusion_label.format(task=name)
    return outcome_bars(task["before"].get("confusion") or {}, after, label)


def _heat(side: Mapping[str, Any], label: str, words: Words) -> Markup | None:
    if not side.get("confusion"):
        return None
    return heat_map(side["confusion"], label, invalid=INVALID, invalid_name=words.tables.invalid)


def _confused(table: Mapping[str, Mapping[str, int]], words: Words) -> tuple[str, ...]:
    """Return sentences on the most frequent confusions, at most five."""
    pairs = [
        (count, gold, given)
        for gold, row in table.items()
        for given, count in row.items()
        if given != gold and count
    ]
    pairs.sort(key=lambda pair: -pair[0])
    return tuple(
        words.tables.confused.format(
            gold=gold, given=words.tables.invalid if given == INVALID else given, count=count
        )
        for count, gold, given in pairs[:_CONFUSIONS]
    )
