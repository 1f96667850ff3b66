"""Systems by tasks: quality with intervals, valid format, speed, tokens, cost; and a picture per task.

Lays saved figures out; computes none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sftloop.evaluate.failed_calls import too_many_failed
from sftloop.report.charts.intervals import Group, Mark, Series, interval_plot
from sftloop.report.charts.svg import Axis, round_axis, tick_text
from sftloop.report.compare_decision import money
from sftloop.report.figures import PLAIN_METRICS, Figures
from sftloop.report.verdict import metric_name
from sftloop.report.wording import Words
from sftloop.report.wording.compare_words import CompareWords, MatrixWords

Result = Mapping[str, Any]
_SERIES: Mapping[str, Series] = {
    "classifier": "linear",
    "model": "before",
    "adapter": "after",
    "api": "after",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One system on one task."""

    value: str
    interval: str
    standing: str
    """best, worse, inconclusive, better; empty where nothing was compared."""
    mark: str
    """What the standing is called."""
    target: str
    """good, bad or nothing."""
    target_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRow:
    """One system."""

    name: str
    chosen: bool
    kind: str
    note: str
    scores: tuple[Score, ...]
    cells: tuple[tuple[str, str], ...]
    """What is written, and what stands below it in small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The table and its pictures."""

    caption: str
    tasks: tuple[tuple[str, str], ...]
    """Name of each task and of its metric."""
    columns: tuple[str, ...]
    rows: tuple[SystemRow, ...]
    notes: tuple[str, ...]
    """Below the table."""
    pictures: tuple[Markup, ...]


def matrix(result: Result, shared: Words, words: CompareWords) -> Matrix:
    """Return the matrix, the best system by mean place first."""
    names, named = words.matrix, result["tasks"]
    ordered = sorted(result["systems"], key=lambda one: _mean_place(one["name"], named))
    priced = any(one["cost"] is not None for one in ordered)
    columns = [names.valid, names.latency, names.tokens, *([names.cost] if priced else []), names.time]
    return Matrix(
        caption=names.caption.of(len(named)),
        tasks=tuple((task, metric_name(facts["metric"], shared)) for task, facts in named.items()),
        columns=tuple(columns),
        rows=tuple(_row(result, one, priced, shared, words) for one in ordered),
        notes=(*_unanswered(ordered, names), names.latency_note),
        pictures=tuple(_picture(result, task, shared, words) for task in named),
    )


def _mean_place(name: str, tasks: Mapping[str, Any]) -> tuple[float, str]:
    """Return the mean place over all tasks; a task that a system can't answer counts as the last place."""
    places = [
        facts["ranked"].index(name) if name in facts["ranked"] else len(facts["ranked"]) + 1
        for facts in tasks.values()
    ]
    return sum(places) / max(len(places), 1), name


def _unanswered(systems: Sequence[Mapping[str, Any]], names: MatrixWords) -> list[str]:
    return [
        names.unanswered.of(count, name=one["name"]) for one in systems if (count := one.get("unanswered", 0))
    ]


def _row(
    result: Result, system: Mapping[str, Any], priced: bool, shared: Words, words: CompareWords
) -> SystemRow:
    names = words.matrix
    notes = [names.kinds[system["kind"]]]
    if system["runs"] > 1:
        notes.append(names.seeds.of(system["runs"]))
    if errors := sum(found["errors"] for found in system["tasks"].values()):
        notes.append(names.failed.of(errors))
    return SystemRow(
        name=system["name"],
        chosen=system["name"] == result["decision"]["choice"],
        kind=system["kind"],
        note=shared.figures.comma.join(notes),
        scores=tuple(_score(result, system, task, shared, words) for task in result["tasks"]),
        cells=_cells(system, priced, shared, words),
    )


def _cells(
    system: Mapping[str, Any], priced: bool, shared: Words, words: CompareWords
) -> tuple[tuple[str, str], ...]:
    figures, names, latency = Figures(shared.figures), words.matrix, system["latency"]
    valid = [found["format_valid"] for found in system["tasks"].values() if found["format_valid"] is not None]
    per_record = system["tokens"]["per_record"]
    tail = names.tail.format(value=_seconds(latency["p95"], shared)) if latency["p95"] is not None else ""
    cells = [
        (figures.percent(min(valid)) if valid else shared.figures.missing, ""),
        (_seconds(latency["median"], shared), tail),
        (figures.count(None if per_record is None else round(per_record)), ""),
    ]
    if priced:
        currency = system["cost"]["currency"] if system["cost"] else ""
        cells.append(_amounts(system["cost"], lambda value: money(value, currency, shared), names.per_right))
    return (*cells, _amounts(system["seconds"], lambda value: _seconds(value, shared), names.per_right))


def _amounts(
    spent: Mapping[str, Any] | None, written: Callable[[float | None], str], per_right: str
) -> tuple[str, str]:
    """Return what 1,000 records take and, below it, one right answer."""
    if spent is None:
        return written(None), ""
    right = spent["per_correct"]
    return written(spent["per_1000"]), "" if right is None else per_right.format(value=written(right))


def _seconds(value: float | None, shared: Words) -> str:
    """Return seconds, below a second in milliseconds."""
    if value is None:
        return shared.figures.missing
    if value < 1:
        return f"{value * 1000:.3g} ms"
    return Figures(shared.figures).duration(value)


def _score(result: Result, system: Mapping[str, Any], task: str, shared: Words, words: CompareWords) -> Score:
    figures, metric = Figures(shared.figures), result["tasks"][task]["metric"]
    found = system["tasks"].get(task)
    if found is None:
        missing = shared.figures.missing
        return Score(value=missing, interval="", standing="", mark="", target="", target_name="")
    entry, target = found["metrics"][metric], found["target"]
    standing = _standing(result, system, task)
    return Score(
        value=figures.value(metric, entry["value"]),
        interval=figures.range(metric, entry["low"], entry["high"]),
        standing=standing,
        mark=words.matrix.marks.get(standing, ""),
        target="" if target is None else "good" if target["met"] else "bad",
        target_name="" if target is None else words.matrix.met if target["met"] else words.matrix.missed,
    )


def _standing(result: Result, system: Mapping[str, Any], task: str) -> str:
    """Return how a system stands to the best of a task; several may share the best value."""
    name, facts = system["name"], result["tasks"][task]
    best = next(one for one in result["systems"] if one["name"] == facts["ranked"][0])
    own = system["tasks"][task]
    values = [one["metrics"][facts["metric"]]["value"] for one in (best["tasks"][task], own)]
    if values[0] is not None and values[0] == values[1] and not too_many_failed(own["errors"], own["n"]):
        return "best"
    for pair in result["pairs"]:
        if pair["a"] == name and pair["task"] == task and pair["against_best"]:
            return str(pair["verdict"])
    return ""


def _picture(result: Result, task: str, shared: Words, words: CompareWords) -> Markup:
    metric = result["tasks"][task]["metric"]
    systems = {one["name"]: one for one in result["systems"]}
    entries = [
        (systems[name], systems[name]["tasks"][task]["metrics"][metric])
        for name in result["tasks"][task]["ranked"]
    ]
    marks = [_mark(system, entry, metric, shared) for system, entry in entries if entry["value"] is not None]
    if not marks:
        return Markup("")
    title = f"{task} · {metric_name(metric, shared)}"
    plain = metric in PLAIN_METRICS
    return interval_plot(
        [Group(title=title, marks=marks)],
        _axis(marks, plain=plain),
        words.matrix.picture.format(task=task),
        tick=tick_text if plain else lambda value: f"{tick_text(round(100 * value, 6))}%",
    )


def _axis(marks: Sequence[Mark], *, plain: bool) -> Axis:
    """Return an axis around the intervals; a share's ends at 0 and 1."""
    axis = round_axis(min(mark.low for mark in marks), max(mark.high for mark in marks))
    if plain:
        return axis
    low, high = max(axis.low, 0.0), min(axis.high, 1.0)
    return Axis(low, high, tuple(tick for tick in axis.ticks if low <= tick <= high))


def _mark(system: Mapping[str, Any], entry: Mapping[str, Any], metric: str, shared: Words) -> Mark:
    value = entry["value"]
    low, high = (value if entry.get(end) is None else entry[end] for end in ("low", "high"))
    return Mark(
        series=_SERIES[system["kind"]],
        name=_clipped(system["name"]),
        value=value,
        low=low,
        high=high,
        written=Figures(shared.figures).value(metric, value),
    )


def _clipped(name: str) -> str:
    return name if len(name) <= 32 else f"{name[:31]}…"
