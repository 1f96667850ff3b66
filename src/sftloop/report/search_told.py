"""What the page of `plan search` says: finalists, changes, trials.

Lays saved figures out; computes none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sftloop.report.charts.intervals import Group, Mark, interval_plot
from sftloop.report.charts.series import Across, Point, Series, series_plot
from sftloop.report.charts.svg import round_axis
from sftloop.report.figures import Figures
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

_SEARCHED = "searched"
_MOST_TICKS = 8


def search_told(result: Result, shared: Words, words: TrainingsWords, most: int) -> Told:
    """Return the page's content, with at most so many trials in the table."""
    said = words.search
    sections = []
    if result["tasks"]:
        sections.append(
            Section(
                heading=said.finals,
                intro=said.finals_intro,
                said=tuple(_against(task, shared, words) for task in result["tasks"]),
                shown=tuple(standing_picture(task, said.plans, shared, words) for task in result["tasks"]),
                tables=tuple(standing_table(task, said.plans, shared, words) for task in result["tasks"]),
            )
        )
    if result["changes"]:
        sections.append(
            Section(heading=said.changes, intro=said.changes_intro, tables=(_changes(result, words),))
        )
    trials = Section(
        heading=said.trials,
        intro=said.trials_intro,
        shown=(_progress(result, words),),
        tables=(_trials(result, shared, words, most),),
    )
    return Told(
        headline=_headline(result, shared, words),
        lead=_lead(result, shared, words),
        sections=(*sections, trials),
        files=(
            (said.plan, result["plan"]),
            (said.command, result.get("command") or f"sftloop run … --plan {result['plan']}"),
        ),
    )


def standing_picture(
    task: Mapping[str, Any], names: Mapping[str, str], shared: Words, words: TrainingsWords
) -> Shown:
    """Return the means of several ways to train on one task; the first one stands out."""
    figures, metric = Figures(shared.figures), task["metric"]
    marks = [
        Mark(
            series="before" if place else "after",
            name=names.get(row["name"], row["name"]),
            value=row["mean"],
            low=row["mean"] if row["low"] is None else row["low"],
            high=row["mean"] if row["high"] is None else row["high"],
            written=figures.value(metric, row["mean"]),
        )
        for place, row in enumerate(task["rows"])
    ]
    axis = metric_axis(min(mark.low for mark in marks), max(mark.high for mark in marks), metric)
    picture = interval_plot(
        [Group(title=metric_name(metric, shared), marks=marks)],
        axis,
        words.picture.format(task=task["task"]),
        tick=lambda value: metric_tick(value, metric),
    )
    return Shown(caption=task["task"], picture=picture)


def standing_table(
    task: Mapping[str, Any], names: Mapping[str, str], shared: Words, words: TrainingsWords
) -> Table:
    """Return the same as numbers, with each seed's."""
    figures, metric = Figures(shared.figures), task["metric"]
    rows = tuple(
        Row(
            name=names.get(row["name"], row["name"]),
            cells=(
                (figures.value(metric, row["mean"]), figures.range(metric, row["low"], row["high"])),
                (shared.figures.comma.join(figures.value(metric, value) for value in row["values"]), ""),
            ),
            own=place == 0,
        )
        for place, row in enumerate(task["rows"])
    )
    caption = f"{task['task']} · {words.table.format(metric=metric_name(metric, shared))}"
    return Table(caption=caption, headings=("", words.mean, words.seeds), rows=rows)


def compared(one: Mapping[str, Any], metric: str, name: str, template: str, shared: Words) -> str:
    """Return a comparison in words."""
    figures = Figures(shared.figures)
    return template.format(
        name=name,
        difference=figures.difference(metric, one["difference"], signed=True),
        interval=figures.interval(metric, one["low"], one["high"], signed=True),
        p=figures.p_value(one["p"]),
    )


def _against(task: Mapping[str, Any], shared: Words, words: TrainingsWords) -> Said:
    [one] = task["verdicts"]
    name = words.search.plans[one["against"]]
    text = compared(one, task["metric"], name, words.against, shared)
    return Said(state=one["verdict"], badge=words.badges[one["verdict"]], text=f"{task['task']}: {text}")


def _headline(result: Result, shared: Words, words: TrainingsWords) -> str:
    figures = Figures(shared.figures)
    differences = shared.figures.comma.join(
        words.search.difference.format(
            task=task["task"],
            difference=figures.difference(task["metric"], task["verdicts"][0]["difference"], signed=True),
        )
        for task in result["tasks"]
    )
    return words.search.headlines[f"{result['verdict']}-{result['chosen']}"].format(differences=differences)


def _lead(result: Result, shared: Words, words: TrainingsWords) -> str:
    figures, said = Figures(shared.figures), words.search
    lead = said.lead.format(
        trials=len(result["trials"]),
        duration=figures.duration(result["seconds"]),
        minutes=f"{result['minutes']:g}",
        stopped=sum(trial["score"] is None for trial in result["trials"]),
    )
    finals = result["finals"]
    late = said.stale if finals["ahead"] else said.behind
    how = said.fresh.of(finals["fresh"]) if finals["fresh"] else late if result["tasks"] else ""
    return shared.verdict.sentence_join.join(filter(None, [lead, how]))


def _changes(result: Result, words: TrainingsWords) -> Table:
    said = words.search
    rows = tuple(
        Row(
            name=said.keys.get(key, key),
            cells=((_written(change["default"]), ""), (_written(change["searched"]), "")),
        )
        for key, change in result["changes"].items()
    )
    headings = (said.key, said.plans["default"], said.plans[_SEARCHED])
    return Table(caption=said.changes, headings=headings, rows=rows)


def _progress(result: Result, words: TrainingsWords) -> Shown:
    scored = [(trial["number"], trial["score"]) for trial in result["trials"] if trial["score"] is not None]
    best: list[tuple[float, float]] = []
    for number, score in scored:
        best += [(number, best[-1][1]), (number, max(best[-1][1], score))] if best else [(number, score)]
    last = max(1, len(result["trials"]) - 1)
    best.append((last, best[-1][1]))
    ticks = [(float(number), str(number)) for number in range(0, last + 1, max(1, -(-last // _MOST_TICKS)))]
    scores = [score for _, score in scored]
    up = metric_axis(min(scores), max(scores), "score") if max(scores) <= 1 else round_axis(0, max(scores))
    picture = series_plot(
        [
            Series(style="c1", line=best),
            Series(style="c0", points=[Point(x=number, y=score) for number, score in scored]),
        ],
        Across(low=0.0, high=float(last), ticks=ticks, name=words.search.trial),
        up,
        words.search.progress,
        tick=lambda value: metric_tick(value, "score"),
    )
    return Shown(
        caption=words.search.progress,
        picture=picture,
        hint=words.search.progress_hint,
    )


def _trials(result: Result, shared: Words, words: TrainingsWords, most: int) -> Table:
    said, shares = words.search, result["shares"]
    rows = [_trial(trial, shares, shared, words) for trial in result["trials"]]
    headings = (
        said.trial,
        *(said.score.format(share=_share(share)) for share in shares),
        words.seconds,
        said.values,
    )
    left = len(rows) - most
    note = said.trials_left_out.of(left) if left > 0 else ""
    return Table(caption=said.trials, headings=headings, rows=tuple(rows[:most]), note=note)


def _trial(trial: Mapping[str, Any], shares: Sequence[float], shared: Words, words: TrainingsWords) -> Row:
    figures, said = Figures(shared.figures), words.search
    reached = {rung["share"]: figures.percent(rung["score"]) for rung in trial["rungs"]}
    if trial["score"] is None:
        reached[next(share for share in shares if share not in reached)] = said.stopped
    scores = [reached.get(share, "") for share in shares]
    values = shared.figures.comma.join(
        f"{said.keys.get(key, key)} {_written(value)}" for key, value in trial["values"].items()
    )
    seconds = figures.duration(sum(rung["seconds"] for rung in trial["rungs"]))
    return Row(
        name=f"{trial['number']} · {said.stages.get(trial['stage'], trial['stage'])}",
        cells=(*((score, "") for score in scores), (seconds, ""), (values or said.as_default, "")),
    )


def _share(share: float) -> str:
    return "1/1" if share == 1 else f"1/{round(1 / share)}"


def _written(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
