"""What is usual in the form of one task's texts, and whether a text keeps to it.

Knows columns of features and how often a value must occur to be the rule; doesn't judge what a text says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sftloop.curate.style.answer_styles import (
    Column,
    LengthLimits,
    Part,
    free_texts,
    style_columns,
)
from sftloop.curate.style.style import FEATURES, style_of
from sftloop.evaluate.proportions import wilson_interval
from sftloop.records import Record
from sftloop.scenario import Task

USUAL, USUAL_WEAK = 0.8, 0.9
"""Share that a value must hold, at the lower end of its 95 % interval, for the others to be outliers. The
larger one is for what varies among good answers too, and makes a warning of a note."""
_WEAK = ("closing", "opening_kind", "opening", "person")
_FACTS_ONLY = ("sentences",)
_NEEDS_VALUE = ("keys", "reason_position")
"""Features that say nothing where most answers have none."""


class Usual(NamedTuple):
    """The most frequent value of a feature."""

    value: str
    share: float
    low: float
    """Lower end of the share's interval."""


def usual_value(column: Column) -> Usual:
    """Return the most frequent value; what `content` calls wrong is wrong in a small set too."""
    counts = Counter(column.values.values())
    value, count = min(counts.items(), key=lambda item: (-item[1], item[0]))
    share = count / len(column.values)
    low = share if column.feature == "content" else wilson_interval(count, len(column.values)).low
    return Usual(value, share, low)


def is_rule(column: Column, usual: Usual) -> bool:
    """Whether the most frequent value is so frequent that other values are outliers."""
    least = USUAL_WEAK if column.feature in _WEAK else USUAL
    silent = column.feature in _FACTS_ONLY or (column.feature in _NEEDS_VALUE and usual.value == "none")
    return not silent and usual.low >= least


def deviates(feature: str, value: str, usual: str) -> bool:
    """Whether a value is another than the usual; a text without letters has no language."""
    return value != usual and (feature != "language" or value != "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStyle:
    """The dominant style of one part (answers or reasons) of one task."""

    part: Part
    rules: Mapping[str, str]
    """Feature → its usual value, where that is the rule; the weightiest first."""
    texts: Mapping[str, str]
    """Record's id → its text."""
    usual: tuple[str, ...]
    """Ids of the texts that keep every rule, the most typical length first."""
    lengths: LengthLimits

    def deviation(self, text: str, source: str) -> str | None:
        """Return the weightiest feature in which a text breaks a rule, or None.

        Args:
            text: an answer or a reason.
            source: the input it belongs to.
        """
        style = {**style_of(text, source), "length": self.lengths.value(text)}
        return next((name for name, usual in self.rules.items() if deviates(name, style[name], usual)), None)

    def typical(self, apart_from: str, most: int = 3) -> list[str]:
        """Return texts that keep every rule, all different, of the most typical lengths.

        Args:
            apart_from: a text that isn't among them.
            most: how many at most.
        """
        found = dict.fromkeys(self.texts[name].strip() for name in self.usual)
        found.pop(apart_from.strip(), None)
        return list(found)[:most]


def part_styles(records: Sequence[Record], task: Task) -> dict[Part, PartStyle]:
    """Return the dominant style of each part of one task's answers that is free text.

    Args:
        records: of this task; their order plays no part.
        task: theirs.
    """
    own = sorted((record for record in records if record.task == task.name), key=lambda record: record.id)
    texts = free_texts(own)
    columns = style_columns(own, task, texts)
    return {part: _part_style(part, mine, columns) for part, mine in texts.items()}


def _part_style(part: Part, texts: Mapping[str, str], columns: Sequence[Column]) -> PartStyle:
    own = {column.feature: column for column in columns if column.part == part and column.feature in FEATURES}
    rules = dict(_rules(own.values()))
    lengths = LengthLimits.of(texts.values())
    keeping = (
        name
        for name in texts
        if not any(deviates(feature, own[feature].values[name], usual) for feature, usual in rules.items())
    )
    ranked = sorted(keeping, key=lambda name: (abs(lengths.log_of(texts[name]) - lengths.middle), name))
    return PartStyle(part=part, rules=rules, texts=texts, usual=tuple(ranked), lengths=lengths)


def _rules(columns: Iterable[Column]) -> Iterator[tuple[str, str]]:
    for column in columns:
        usual = usual_value(column)
        if is_rule(column, usual):
            yield column.feature, usual.value
