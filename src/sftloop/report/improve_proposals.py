"""Every proposal as a card: what it changes, how it ended, its difference drawn, the lines of its diff.

Lays saved results out; decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from markupsafe import Markup

from sftloop.report.charts.differences import Difference, difference_axis, difference_row
from sftloop.report.charts.svg import Axis
from sftloop.report.figures import PLAIN_METRICS, Figures
from sftloop.report.verdict import metric_name
from sftloop.report.wording import Words
from sftloop.report.wording.improve_words import ImproveWords

_BADGES = {
    "accepted": "better",
    "better": "better",
    "inconclusive": "inconclusive",
    "failed": "inconclusive",
    "refused": "severity note",
}
_MOST_NAMED = 12
"""Lost anchors that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One proposal."""

    id: str
    title: str
    badge: str
    style: str
    """Of the badge."""
    said: tuple[str, ...]
    now: str
    text: str
    why: str
    written: str
    """Shown where no change could be read from it."""
    lines: tuple[tuple[str, str], ...]
    """The diff: style and line."""
    picture: Markup | None
    taken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round's proposals."""

    heading: str
    cards: tuple[Card, ...]


def proposal_rounds(
    result: Mapping[str, Any], shared: Words, words: ImproveWords, *, characters: int
) -> tuple[Round, ...]:
    """Return all proposals, round by round; long texts are cut after so many characters."""
    axis = _axis(result["proposals"])
    return tuple(
        Round(
            heading=words.round.format(n=number),
            cards=tuple(_card(one, axis, shared, words, characters) for one in proposals),
        )
        for number, proposals in groupby(result["proposals"], key=lambda one: one["round"])
    )


def diff_lines(diff: str) -> tuple[tuple[str, str], ...]:
    """Return the lines of a unified diff with their style: added, gone, place or nothing."""
    styles = {"+": "added", "-": "gone", "@": "place"}
    rows = diff.splitlines()[2:]  # the two lines with the file's name
    return tuple((styles.get(row[:1], ""), row) for row in rows)


def _card(one: Mapping[str, Any], axis: Axis, shared: Words, words: ImproveWords, characters: int) -> Card:
    decision = one["decision"] or "refused"
    title = words.unreadable if one["part"] is None else words.parts[one["part"]]
    return Card(
        id=one["id"],
        title=title.format(task=one["task"], name=one["name"]),
        badge=words.decisions[decision],
        style=_BADGES.get(decision, "worse"),
        said=tuple(said for said in _said(one, decision, shared, words) if said),
        now=(one.get("now") or "")[:characters],
        text=(one["text"] or "")[:characters],
        why=words.why.format(why=one["why"][:characters]) if one.get("why") else "",
        written=(one.get("written") or "")[:characters] if one["part"] is None else "",
        lines=diff_lines(one["diff"]),
        picture=_picture(one, axis, words),
        taken=decision == "accepted",
    )


def _said(one: Mapping[str, Any], decision: str, shared: Words, words: ImproveWords) -> Sequence[str]:
    again = words.again.format(id=one["again"]) if one.get("again") else ""
    if one["refused"]:
        detail = one["refused"].get("detail") or ""
        quoted = words.quoted.format(text=detail) if detail else ""
        return again, words.refusals[one["refused"]["kind"]], quoted
    test = one["test"]
    lost = test["anchors"]
    because = words.because[decision].format(
        anchors=shared.figures.comma.join(lost[:_MOST_NAMED]) + ("…" if len(lost) > _MOST_NAMED else ""),
        labels=shared.figures.comma.join(
            row["label"] for row in test["precision"] if row["verdict"] == "worse"
        ),
    )
    return again, _figures(test, shared, words), because


def _figures(test: Mapping[str, Any], shared: Words, words: ImproveWords) -> str:
    if test["difference"] is None:
        return words.unmeasured
    figures, metric = Figures(shared.figures), test["metric"]
    return words.figures.format(
        metric=metric_name(metric, shared),
        before=figures.value(metric, test["before"]),
        after=figures.value(metric, test["after"]),
        difference=figures.difference(metric, test["difference"], signed=True),
        interval=figures.interval(metric, test["low"], test["high"], signed=True),
        p=figures.p_value(test["p_adjusted"]),
        n=figures.count(test["n"]),
    )


def _scale(test: Mapping[str, Any]) -> float:
    return 1.0 if test["metric"] in PLAIN_METRICS else 100.0


def _drawn(one: Mapping[str, Any], label: str) -> Difference | None:
    test = one["test"]
    if not test or None in (test["difference"], test["low"], test["high"]):
        return None
    scale = _scale(test)
    decided = _BADGES.get(one["decision"], "inconclusive")
    return Difference(
        value=test["difference"] * scale,
        low=test["low"] * scale,
        high=test["high"] * scale,
        verdict="worse" if one["decision"] == "worse" else decided,
        label=label,
    )


def _axis(proposals: Sequence[Mapping[str, Any]]) -> Axis:
    return difference_axis([drawn for one in proposals if (drawn := _drawn(one, ""))])


def _picture(one: Mapping[str, Any], axis: Axis, words: ImproveWords) -> Markup | None:
    drawn = _drawn(one, words.picture.format(id=one["id"]))
    return difference_row(drawn, axis) if drawn else None
