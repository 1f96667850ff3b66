"""The training section: what was trained, the loss and the validation curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sftloop.report.charts.curves import Curve, Point, curve_plot
from sftloop.report.figures import Figures
from sftloop.report.wording import Words

_SCORE = "eval_score"
_PREFIX = "eval_"
_STYLES = 6
"""Styles of curves (`c1` …) that the style sheet has; further tasks use them again."""

History = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LegendEntry:
    """One line of a legend."""

    style: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSection:
    """Everything that the training section shows."""

    summary: str
    loss: Markup | None
    loss_hint: str
    validation: Markup | None
    legend: tuple[LegendEntry, ...]
    best: str


def training_section(summary: Mapping[str, Any], history: History, words: Words) -> TrainingSection:
    """Return the section; without a history it has no curves."""
    loss = _points(history, "loss")
    curves, legend, best = _validation(history, words)
    step = words.training.step
    return TrainingSection(
        summary=_summary(summary, words),
        loss=curve_plot([Curve(points=loss, style="c0")], words.training.loss, step_name=step)
        if loss
        else None,
        loss_hint=words.training.loss_hint_head if has_head(summary) else words.training.loss_hint,
        validation=curve_plot(curves, words.training.validation, step_name=step, from_zero=False)
        if curves
        else None,
        legend=legend,
        best=best,
    )


def method_name(method: str, words: Words, *, head: bool = False) -> str:
    """Return a method's name on the page, and that it trained a scoring head too."""
    name = words.training.methods.get(method, method)
    return words.training.with_head.format(method=name) if head else name


def has_head(summary: Mapping[str, Any]) -> bool:
    """Whether a run trained a scoring head, so that no answer was written."""
    return bool((summary.get("train") or {}).get("head"))


def _summary(summary: Mapping[str, Any], words: Words) -> str:
    train = summary.get("train") or {}
    figures = Figures(words.figures)
    if not train:
        return ""
    epochs = train.get("epochs")
    return words.training.summary.format(
        method=method_name(summary["method"], words, head=has_head(summary)),
        records=figures.count(train.get("records")),
        steps=figures.count(train.get("steps")),
        epochs=words.figures.missing if epochs is None else f"{epochs:g}",
    )


def _points(history: History, key: str) -> list[Point]:
    return [(row["step"], row[key]) for row in history if isinstance(row.get(key), (int, float))]


def _validation(history: History, words: Words) -> tuple[list[Curve], tuple[LegendEntry, ...], str]:
    """Return the curves, their legend and the sentence on the best score."""
    score = _points(history, _SCORE)
    if not score:
        return [], (), ""
    best = max(score, key=lambda point: point[1])
    keys = dict.fromkeys(key for row in history for key in row if key.startswith(_PREFIX) and key != _SCORE)
    drawn = [
        (f"c{1 + index % _STYLES}", key.removeprefix(_PREFIX), _points(history, key))
        for index, key in enumerate(keys)
    ]
    drawn = [entry for entry in drawn if entry[2]]
    if len(drawn) == 1 and drawn[0][2] == score:
        drawn = []
    curves = [Curve(points=points, style=style) for style, _, points in drawn]
    curves.append(Curve(points=score, style="c0", kept=best))
    legend = [LegendEntry(style="c0", name=words.training.overall)]
    legend += [LegendEntry(style=style, name=name) for style, name, _ in drawn]
    said = words.training.best.format(score=Figures(words.figures).number(best[1]), step=f"{best[0]:,}")
    return curves, tuple(legend), said
