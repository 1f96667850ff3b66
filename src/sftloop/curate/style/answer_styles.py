"""The styles of one task's answers side by side: each feature's value for every record.

Knows records and `style.py`; which value is an outlier is for `format_outliers.py`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from sftloop.curate.style.style import FEATURES, shape_of, style_of
from sftloop.records import Record
from sftloop.scenario import Task

Part = Literal["answer", "reason"]
Texts = Mapping[Part, Mapping[str, str]]
"""Part → record's id → text."""

FORM = "form:"
"""Opens the feature that is the form of a field, before the field's name."""
_ROBUST_Z = 3.5
"""Iglewicz and Hoaglin 1993, "How to Detect and Handle Outliers": 0.6745 (x - median) / MAD beyond 3.5."""
_LEAST_SPREAD = 0.1
"""Of log length, where nearly all texts are equally long."""
_LEAST_FACTOR = 2.0
"""Up to twice the median or down to half of it is never an outlier."""
_FEWEST_LENGTHS = 20
_SHARES_KEPT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One feature of one part: its value for each record that has the part."""

    part: Part
    feature: str
    name: str
    """The feature's name in evidence and facts; `reason_…` where a task has texts of both parts."""
    values: Mapping[str, str]
    """Record's id → value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleFacts:
    """The form of one task's answers."""

    task: str
    styles: Mapping[str, Mapping[str, float]]
    """Feature → value → its share among the answers; the most frequent values."""
    characters: Mapping[str, tuple[float, float, float]]
    """Part (`answer`, `reason`) → 5 %, 50 % and 95 % quantile of its length in characters."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "task": self.task,
            "styles": {feature: dict(shares) for feature, shares in self.styles.items()},
            "characters": {part: list(three) for part, three in self.characters.items()},
        }

    @classmethod
    def of(cls, task: str, columns: Sequence[Column], texts: Texts) -> StyleFacts:
        """Summarise columns and texts."""
        return cls(
            task=task,
            styles={column.name: _shares(column) for column in columns},
            characters={part: _quantiles(list(mine.values())) for part, mine in texts.items()},
        )


def free_texts(records: Sequence[Record]) -> Texts:
    """Return the texts of each part that any record has."""
    answers = {record.id: record.answer.text for record in records if record.answer.text is not None}
    reasons = {record.id: record.answer.reason for record in records if record.answer.reason is not None}
    found: dict[Part, dict[str, str]] = {"answer": answers, "reason": reasons}
    return {part: texts for part, texts in found.items() if texts}


def style_columns(records: Sequence[Record], task: Task, texts: Texts) -> list[Column]:
    """Return every feature of one task's answers, the weightiest of each part first."""
    return [*_presence(records), *_field_forms(records, task), *_text_styles(records, texts)]


def _presence(records: Sequence[Record]) -> Iterator[Column]:
    """Yield whether reason and evidence are given, where some records do and some don't."""
    for name in ("reason", "evidence"):
        values = {
            record.id: "missing" if getattr(record.answer, name) is None else "given" for record in records
        }
        if len(set(values.values())) == 2:
            yield Column(part="answer", feature=name, name=name, values=values)


def _field_forms(records: Sequence[Record], task: Task) -> Iterator[Column]:
    """Yield the form of each text field whose usual form holds digits: dates, amounts, order numbers."""
    for name, field in task.fields.items():
        if field.type != "string":
            continue
        texts = {record.id: (record.answer.fields or {}).get(name) for record in records}
        shapes = {key: shape_of(text) for key, text in texts.items() if isinstance(text, str) and text}
        if shapes and "9" in Counter(shapes.values()).most_common(1)[0][0]:
            yield Column(part="answer", feature=FORM + name, name=FORM + name, values=shapes)


def _text_styles(records: Sequence[Record], texts: Texts) -> Iterator[Column]:
    sources = {record.id: record.text() for record in records}
    for part, mine in texts.items():
        styles = {key: style_of(text, sources[key]) for key, text in mine.items()}
        lengths = length_values(mine)
        for feature in FEATURES:
            values = (
                lengths if feature == "length" else {key: style[feature] for key, style in styles.items()}
            )
            name = f"reason_{feature}" if part == "reason" and len(texts) == 2 else feature
            yield Column(part=part, feature=feature, name=name, values=values)


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthLimits:
    """Which lengths are usual, by a robust z of the log length."""

    middle: float
    """Median log length."""
    limit: float
    """How far from it is still usual."""

    @classmethod
    def of(cls, texts: Collection[str]) -> LengthLimits:
        """Learn the limits from at least one text."""
        logs = [cls.log_of(text) for text in texts]
        middle = median(logs)
        spread = max(1.4826 * median(abs(value - middle) for value in logs), _LEAST_SPREAD)
        far = max(_ROBUST_Z * spread, math.log(_LEAST_FACTOR))
        return cls(middle=middle, limit=far if len(texts) >= _FEWEST_LENGTHS else math.inf)

    @staticmethod
    def log_of(text: str) -> float:
        """Return a text's log length."""
        return math.log(max(1, len(text.strip())))

    def value(self, text: str) -> str:
        """Return `usual`, `longer` or `shorter`."""
        beyond = self.log_of(text) - self.middle
        return "longer" if beyond > self.limit else "shorter" if -beyond > self.limit else "usual"


def length_values(texts: Mapping[str, str]) -> dict[str, str]:
    """Return `usual`, `longer` or `shorter` per text."""
    limits = LengthLimits.of(texts.values())
    return {key: limits.value(text) for key, text in texts.items()}


def _shares(column: Column) -> dict[str, float]:
    counts = sorted(Counter(column.values.values()).items(), key=lambda item: (-item[1], item[0]))
    return {value: round(count / len(column.values), 4) for value, count in counts[:_SHARES_KEPT]}


def _quantiles(texts: Sequence[str]) -> tuple[float, float, float]:
    import numpy as np

    low, middle, high = np.quantile([len(text) for text in texts], [0.05, 0.5, 0.95])
    return float(low), float(middle), float(high)
