"""What the page of `plan shrink` says: which model suffices, every target, what each model costs.

Lays saved figures out; computes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sftloop.report.charts.intervals import Group, Mark, interval_plot
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

_STATES = {"sure": "better", "met": "inconclusive", "missed": "worse"}


def shrink_told(result: Result, shared: Words, words: TrainingsWords, most: int) -> Told:
    """Return the page's content."""
    said, figures = words.shrink, Figures(shared.figures)
    lead = said.lead.of(
        len(result["candidates"]),
        seeds=result["seeds"],
        split=words.splits[result["split"]],
        duration=figures.duration(result["seconds"]),
    )
    untried = (
        said.untried.format(names=figures.names([_last(each) for each in result["untried"]]))
        if result["untried"]
        else ""
    )
    headline = said.smallest.format(model=_last(result["smallest"])) if result["smallest"] else said.none
    return Told(
        headline=headline,
        lead=shared.verdict.sentence_join.join(filter(None, [lead, untried])),
        sections=(_targets(result, shared, words), _models(result, shared, words)),
        notes=tuple(
            said.failed.format(model=_last(each["model"]), why=each["failure"])
            for each in result["candidates"]
            if each["failure"]
        ),
    )


def _targets(result: Result, shared: Words, words: TrainingsWords) -> Section:
    pairs = [(each, task) for each in result["candidates"] for task in each["tasks"]]
    names = dict.fromkeys(task["task"] for _, task in pairs)
    return Section(
        heading=words.shrink.targets,
        intro=words.shrink.means,
        said=tuple(_said(_last(each["model"]), task, shared, words) for each, task in pairs),
        shown=tuple(shown for name in names if (shown := _picture(result, name, shared, words)) is not None),
    )


def _what(target: Mapping[str, Any], shared: Words, words: TrainingsWords) -> str:
    name = metric_name(target["metric"], shared)
    label = target["label"]
    return words.shrink.of_label.format(metric=name, label=label) if label else name


def _state(target: Mapping[str, Any]) -> str:
    return "sure" if target["sure"] else "met" if target["met"] else "missed"


def _said(model: str, task: Mapping[str, Any], shared: Words, words: TrainingsWords) -> Said:
    target, figures = task["target"], Figures(shared.figures)
    metric, state = target["metric"], _state(target)
    template = words.shrink.undefined if target["value"] is None else words.shrink.target
    text = template.format(
        model=model,
        what=_what(target, shared, words),
        value=figures.value(metric, target["value"]),
        low=figures.value(metric, target["low"]),
        wanted=figures.value(metric, target["at_least"]),
    )
    return Said(state=_STATES[state], badge=words.shrink.states[state], text=f"{task['task']} · {text}")


def _picture(result: Result, name: str, shared: Words, words: TrainingsWords) -> Shown | None:
    """Return every model's mean with its worse limit, and the target as a row of its own."""
    figures = Figures(shared.figures)
    found = [
        (each["model"], task["target"])
        for each in result["candidates"]
        for task in each["tasks"]
        if task["task"] == name and task["target"]["value"] is not None
    ]
    if not found:
        return None
    metric, wanted = found[0][1]["metric"], found[0][1]["at_least"]
    marks = [
        Mark(
            series="after" if target["sure"] else "before",
            name=_last(model),
            value=target["value"],
            low=min(target["value"], target["low"]),
            high=max(target["value"], target["low"]),
            written=figures.value(metric, target["value"]),
        )
        for model, target in found
    ]
    ends = [wanted, *(end for mark in marks for end in (mark.low, mark.high))]
    marks.append(
        Mark(
            series="linear",
            name=words.shrink.targets,
            value=wanted,
            low=wanted,
            high=wanted,
            written=figures.value(metric, wanted),
        )
    )
    what = _what(found[0][1], shared, words)
    picture = interval_plot(
        [Group(title=what, marks=marks)],
        metric_axis(min(ends), max(ends), metric),
        words.picture.format(task=name),
        tick=lambda value: metric_tick(value, metric),
    )
    caption = words.shrink.wanted.format(task=name, metric=what, wanted=figures.value(metric, wanted))
    return Shown(caption=caption, picture=picture)


def _last(model: str) -> str:
    """Return a model's name without the directories before it."""
    return model.rstrip("/").rpartition("/")[2] or model


def _models(result: Result, shared: Words, words: TrainingsWords) -> Section:
    said, figures = words.shrink, Figures(shared.figures)
    tasks = list(dict.fromkeys(task["task"] for each in result["candidates"] for task in each["tasks"]))
    rows = tuple(
        Row(
            name=_last(each["model"]),
            cells=(
                (figures.count(each["parameters"]), ""),
                *(_value(each, name, shared, words) for name in tasks),
                (figures.duration(each["train_seconds"]), ""),
                (figures.duration(each["seconds_per_record"]), ""),
            ),
            own=each["model"] == result["smallest"],
        )
        for each in result["candidates"]
    )
    headings = (said.model, said.parameters, *tasks, said.training, said.answering)
    return Section(heading=said.models, tables=(Table(caption=said.models, headings=headings, rows=rows),))


def _value(each: Mapping[str, Any], name: str, shared: Words, words: TrainingsWords) -> tuple[str, str]:
    figures = Figures(shared.figures)
    for task in each["tasks"]:
        if task["task"] == name:
            target = task["target"]
            spread = figures.difference(target["metric"], target["spread"], signed=False)
            small = f"{words.shrink.spread} {spread}" if target["spread"] is not None else ""
            return figures.value(target["metric"], target["value"]), small
    return words.shrink.states["failed"], ""
