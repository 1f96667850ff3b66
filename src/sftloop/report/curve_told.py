"""What the page of `plan learning-curve` says: who wins on how many records, curves, numbers.

Lays saved figures out; computes none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sftloop.report.charts.series import Across, Point, Series, series_plot
from sftloop.report.figures import PLAIN_METRICS, Figures
from sftloop.report.search_told import compared
from sftloop.report.trainings_section import (
    Result,
    Row,
    Said,
    Section,
    Shown,
    Table,
    Told,
    metric_axis,
    metric_tick,
)
from sftloop.report.verdict import metric_name
from sftloop.report.wording import Words
from sftloop.report.wording.trainings_words import TrainingsWords

_TIMES = ((1 / 8, "1/8"), (1 / 4, "1/4"), (1 / 2, "1/2"), (1.0, "1×"), (2.0, "2×"), (10.0, "10×"))
_FEW_RECORDS = 16


def curve_told(result: Result, shared: Words, words: TrainingsWords, most: int) -> Told:
    """Return the page's content."""
    said = words.curve
    names = {method: shared.training.methods.get(method, method) for method in result["methods"]}
    figures = Figures(shared.figures)
    lead = said.lead.format(
        methods=figures.names(list(names.values())),
        records=figures.count(result["records"]),
        seeds=result["seeds"],
        split=words.splits[result["split"]],
        duration=figures.duration(result["seconds"]),
    )
    return Told(
        headline=_headline(result["tasks"], names, shared, words),
        lead=lead,
        sections=tuple(_section(task, names, shared, words) for task in result["tasks"]),
        notes=_notes(result, names, words),
    )


def _headline(
    tasks: Sequence[Mapping[str, Any]], names: Mapping[str, str], shared: Words, words: TrainingsWords
) -> str:
    said = words.curve
    if len(tasks) > 1:
        clear = sum(task["winners"][0]["wins"] for task in tasks)
        return said.several.format(k=clear, n=len(tasks))
    winners = tasks[0]["winners"]
    bests = {winner["best"] for winner in winners}
    if len(winners) == len(said.times) and len(bests) == 1 and all(winner["wins"] for winner in winners):
        return said.wins_throughout.format(method=names[bests.pop()])
    clauses = [_clause(winner, names, shared, words) for winner in (winners[0], winners[-1])]
    text = said.one_task.format(now=clauses[0], later=clauses[1]) if len(winners) > 1 else clauses[0]
    return text[:1].upper() + text[1:]


def _clause(winner: Mapping[str, Any], names: Mapping[str, str], shared: Words, words: TrainingsWords) -> str:
    times, method = words.curve.times[winner["times"]], names[winner["best"]]
    others = [names[one["against"]] for one in winner["verdicts"] if one["verdict"] != "better"]
    if winner["wins"] or not others:
        return words.curve.wins.format(method=method, times=times)
    listed = Figures(shared.figures).names(others)
    return words.curve.open.format(method=method, times=times, others=listed)


def _section(
    task: Mapping[str, Any], names: Mapping[str, str], shared: Words, words: TrainingsWords
) -> Section:
    return Section(
        heading=task["task"],
        intro=words.curve.intro,
        said=tuple(_said(winner, task["metric"], names, shared, words) for winner in task["winners"]),
        shown=(_picture(task, names, shared, words),),
        tables=(_foretold(task, names, shared, words), _points(task, names, shared, words)),
    )


def _said(
    winner: Mapping[str, Any], metric: str, names: Mapping[str, str], shared: Words, words: TrainingsWords
) -> Said:
    said = words.curve
    others = shared.verdict.clause_join.join(
        compared(one, metric, names[one["against"]], said.against, shared) for one in winner["verdicts"]
    )
    template = said.said_wins if winner["wins"] else said.said_open
    times = said.times[winner["times"]]
    text = template.format(
        times=times[:1].upper() + times[1:], method=names[winner["best"]], others=others + shared.verdict.stop
    )
    return Said(
        state="better" if winner["wins"] else "inconclusive",
        badge=said.badge_wins if winner["wins"] else said.badge_open,
        text=text,
    )


def _picture(
    task: Mapping[str, Any], names: Mapping[str, str], shared: Words, words: TrainingsWords
) -> Shown:
    metric, largest = task["metric"], max(p["n"] for m in task["methods"] for p in m["points"])
    series, ends = [], []
    for place, method in enumerate(task["methods"], start=1):
        points = [
            Point(x=math.log(p["n"]), y=p["mean"], low=p["low"], high=p["high"]) for p in method["points"]
        ]
        curve = method["curve"]
        series.append(
            Series(
                style=f"c{place}",
                points=points,
                line=[(math.log(row["n"]), row["value"]) for row in curve],
                band=[(math.log(row["n"]), row["low"], row["high"]) for row in curve],
            )
        )
        ends += [p.y for p in points] + [row[end] for row in curve for end in ("value", "low", "high")]
        ends += [end for p in points for end in (p.low, p.high) if end is not None]
    low, high = min(ends), max(ends)
    if metric not in PLAIN_METRICS:
        low = max(low, 0.0)
    last = max(method["curve"][-1]["n"] if method["curve"] else largest for method in task["methods"])
    first = min(p["n"] for m in task["methods"] for p in m["points"])
    ticks = [
        (math.log(by * largest), name) for by, name in _TIMES if first * 0.9 <= by * largest <= last * 1.1
    ]
    picture = series_plot(
        series,
        Across(
            low=math.log(first),
            high=math.log(last),
            ticks=ticks,
            name=words.curve.across.format(n=f"{largest:,}"),
        ),
        metric_axis(low, high, metric),
        words.curve.picture.format(task=task["task"]),
        tick=lambda value: metric_tick(value, metric),
    )
    legend = tuple((f"c{place}", names[m["method"]]) for place, m in enumerate(task["methods"], start=1))
    return Shown(caption=metric_name(metric, shared), picture=picture, hint=words.curve.hint, legend=legend)


def _foretold(
    task: Mapping[str, Any], names: Mapping[str, str], shared: Words, words: TrainingsWords
) -> Table:
    said, figures, metric = words.curve, Figures(shared.figures), task["metric"]
    rows = []
    for method in task["methods"]:
        now = method["points"][-1]
        cells = [(figures.value(metric, now["mean"]), figures.range(metric, now["low"], now["high"]))]
        cells += [
            (figures.value(metric, row["value"]), figures.range(metric, row["low"], row["high"]))
            for row in method["foretold"][1:]
        ]
        cells += [(shared.figures.missing, "")] * (len(said.times) - len(cells))
        rows.append(Row(name=names[method["method"]], cells=tuple(cells)))
    later = [times for times in said.times if times > 1]
    headings = (
        said.method,
        f"1× {said.measured}",
        *(f"{times}× {said.foretold}" for times in later),
    )
    caption = said.table.format(metric=metric_name(metric, shared))
    return Table(caption=caption, headings=headings, rows=tuple(rows))


def _points(task: Mapping[str, Any], names: Mapping[str, str], shared: Words, words: TrainingsWords) -> Table:
    figures, metric = Figures(shared.figures), task["metric"]
    rows = tuple(
        Row(
            name=f"{names[method['method']]} · {figures.count(point['n'])}",
            cells=(
                (
                    figures.value(metric, point["mean"]),
                    figures.range(metric, point["low"], point["high"]),
                ),
                (shared.figures.comma.join(figures.value(metric, v) for v in point["values"]), ""),
            ),
        )
        for method in task["methods"]
        for point in method["points"]
    )
    headings = (f"{words.curve.method} · {words.curve.records}", words.mean, words.seeds)
    caption = words.curve.points.format(metric=metric_name(metric, shared))
    return Table(caption=caption, headings=headings, rows=rows)


def _notes(result: Result, names: Mapping[str, str], words: TrainingsWords) -> tuple[str, ...]:
    said = words.curve
    notes = [said.one_seed] if result["seeds"] == 1 else []
    for task in result["tasks"]:
        least = min(point["n"] for method in task["methods"] for point in method["points"])
        if least < _FEW_RECORDS:
            notes.append(f"{task['task']}: {said.few_records.format(n=least)}")
    notes += [
        said.failed.format(
            method=names[one["method"]], share=_share(one["share"]), seed=one["seed"], why=one["why"]
        )
        for one in result["failed"]
    ]
    return tuple(notes)


def _share(share: float) -> str:
    return f"1/{round(1 / share)}"
