"""What a selection did to the data: labels before and after, stages, overlap, records at both ends.

Lays saved figures out; a part that was not saved is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sftloop.report.bar_table import Amounts, BarTable, bar_rows
from sftloop.report.charts.curves import Curve, curve_plot
from sftloop.report.charts.stacked_bar import Part
from sftloop.report.cut import cut
from sftloop.report.figures import Figures
from sftloop.report.select_outcome import baseline_name, chosen_coverage
from sftloop.report.wording import Words
from sftloop.report.wording.select_words import SelectWords

Selection = Mapping[str, Any]

_LONG_AXIS = 100
"""From so many units on, an axis of records counts in units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRecord:
    """One record of an end."""

    id: str
    tags: tuple[str, ...]
    """Its score."""
    why: str
    text: str
    answer: str | None
    """None: a row of a pool, whose text is all there is."""
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEnd:
    """The records at one end."""

    heading: str
    records: tuple[EndRecord, ...]


def coverage_curve(selection: Selection, words: SelectWords) -> Markup | None:
    """Return coverage over the number of records, the chosen number ringed."""
    points = sorted(
        (float(row["n"]), 100.0 * row["coverage"])
        for row in selection.get("curve") or ()
        if row.get("coverage") is not None
    )
    if not points:
        return None
    unit, name = words.curve_large
    if points[-1][0] < _LONG_AXIS * unit:
        unit, name = 1, words.curve_records
    chosen = chosen_coverage(selection)
    curve = Curve(
        points=[(n / unit, coverage) for n, coverage in points],
        style="c0",
        kept=None if chosen is None else (chosen[0] / unit, 100.0 * chosen[1]),
    )
    return curve_plot([curve], words.curve, step_name=name)


def label_changes(
    selection: Selection, shared: Words, words: SelectWords, *, most: int
) -> tuple[BarTable, ...]:
    """Return a table per task: how many records of each label were kept; at most `most` labels each."""
    return tuple(
        _label_table(task, labels, shared, words, most)
        for task, labels in (selection.get("labels") or {}).items()
        if labels
    )


def stage_table(selection: Selection, shared: Words, words: SelectWords) -> BarTable | None:
    """Return what each stage let through."""
    stages: Sequence[Mapping[str, Any]] = selection.get("stages") or ()
    if not stages:
        return None
    figures = Figures(shared.figures)
    amounts = [
        Amounts(
            name=words.stage_names.get(stage["name"], stage["name"]),
            parts=_kept_parts(stage["n_in"], stage["n_out"], whole=stage["n_in"]),
            cells=(
                figures.count(stage["n_in"]),
                figures.count(stage["n_out"]),
                figures.duration(stage.get("seconds")),
            ),
        )
        for stage in stages
    ]
    return BarTable(
        caption=words.stages,
        headings=(words.stage, words.stage_in, words.stage_out, words.stage_seconds),
        rows=bar_rows(amounts, scale=1.0),
        legend=(("kept", words.kept), ("removed", words.removed)),
        note=words.stages_hint,
    )


def overlap_table(selection: Selection, shared: Words, words: SelectWords) -> BarTable | None:
    """Return which share of the selection each baseline chose too."""
    overlap: Mapping[str, float] = selection.get("overlap") or {}
    if not overlap:
        return None
    figures = Figures(shared.figures)
    amounts = [
        Amounts(name=baseline_name(name, words), parts=[("amount", share)], cells=(figures.percent(share),))
        for name, share in overlap.items()
    ]
    return BarTable(
        caption=words.overlap,
        headings=(words.baseline, words.overlap_share),
        rows=bar_rows(amounts, scale=1.0),
        note=words.overlap_hint,
    )


def record_ends(
    selection: Selection, shared: Words, words: SelectWords, *, most: int, characters: int
) -> tuple[RecordEnd, ...]:
    """Return the records at the top and at the bottom, at most `most` each."""
    mode = words.modes[selection["mode"]]
    return tuple(
        RecordEnd(
            heading=heading,
            records=tuple(
                _end_record(row, mode.score, shared, characters) for row in (selection.get(end) or ())[:most]
            ),
        )
        for end, heading in (("top", mode.top), ("bottom", mode.bottom))
        if selection.get(end)
    )


def _label_table(
    task: str, labels: Mapping[str, Mapping[str, int]], shared: Words, words: SelectWords, most: int
) -> BarTable:
    figures = Figures(shared.figures)
    shown = sorted(labels, key=lambda label: -labels[label]["before"])[:most]
    amounts = []
    for label in shown:
        before, after = labels[label]["before"], labels[label]["after"]
        amounts.append(
            Amounts(
                name=label,
                parts=_kept_parts(before, after),
                cells=(figures.count(before), figures.count(after)),
            )
        )
    left_out = len(labels) - len(shown)
    return BarTable(
        caption=words.labels.format(task=task),
        headings=(words.label, words.before, words.after),
        rows=bar_rows(amounts),
        legend=(("kept", words.kept), ("removed", words.removed)),
        note=words.labels_left_out.of(left_out) if left_out else "",
    )


def _kept_parts(before: int, after: int, *, whole: int = 1) -> list[Part]:
    return [("kept", after / max(whole, 1)), ("removed", max(0, before - after) / max(whole, 1))]


def _end_record(row: Mapping[str, Any], score: str, shared: Words, characters: int) -> EndRecord:
    value = row.get("score")
    return EndRecord(
        id=str(row["id"]),
        tags=() if value is None else (score.format(score=Figures(shared.figures).number(value)),),
        why=cut(str(row.get("why") or ""), shared, characters),
        text=cut(str(row.get("text") or ""), shared, characters),
        answer=None if row.get("answer") is None else cut(str(row["answer"]), shared, characters),
    )
