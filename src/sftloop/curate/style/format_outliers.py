"""Answers whose form deviates from what is usual in their task.

Knows how often each style occurs; doesn't judge what an answer says, nor rewrite it. A record is reported
under its weightiest deviation only, since it is mended once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sftloop.curate.finding import DataFinding, Sentence
from sftloop.curate.quote import clipped, clipped_input
from sftloop.curate.style.answer_styles import FORM, Column, StyleFacts, Texts, free_texts, style_columns
from sftloop.curate.style.dominant import USUAL_WEAK, Usual, deviates, is_rule, usual_value
from sftloop.curate.style.style_words import PARTS, feature_name, value_name
from sftloop.records import Record
from sftloop.scenario import Scenario

_EXAMPLES = 3
_TAIL = 60

_SENTENCE = Sentence(
    why="{feature}: {found} in {n} of {total} {part}; usual is {usual} ({share:.1%}). "
    'For example "{example}".',
    mend="Rewrite them the usual way or leave them out; a mixture teaches the model to waver in form.",
    why_zh="{total} 条{part_zh}中有 {n} 条，{feature_zh}为{found_zh}；通常为{usual_zh}（占 {share:.1%}）。"
    "例如“{example}”。",
    mend_zh="按通常的写法改写，或者剔除；写法不一，模型的输出形式就会不稳定。",
)


class FormatOutliers(NamedTuple):
    """Findings, and one row of facts per task that has texts or fields."""

    findings: list[DataFinding]
    facts: list[StyleFacts]


def find_format_outliers(records: Sequence[Record], scenario: Scenario) -> FormatOutliers:
    """Find answers and reasons that deviate in form from the usual of their task.

    Args:
        records: of any tasks; their order plays no part.
        scenario: knows the tasks.
    """
    findings: list[DataFinding] = []
    facts: list[StyleFacts] = []
    for task in scenario.tasks.values():
        mine = {
            record.id: record for record in sorted(records, key=lambda r: r.id) if record.task == task.name
        }
        texts = free_texts(list(mine.values()))
        columns = style_columns(list(mine.values()), task, texts)
        if columns:
            findings += _deviations(task.name, columns, mine, texts)
            facts.append(StyleFacts.of(task.name, columns, texts))
    return FormatOutliers(findings, facts)


def _deviations(
    task: str, columns: Sequence[Column], records: dict[str, Record], texts: Texts
) -> Iterator[DataFinding]:
    reported: set[tuple[str, str]] = set()
    for column in columns:
        usual = usual_value(column)
        if not is_rule(column, usual):
            continue
        found: dict[str, list[str]] = {}
        for key, value in column.values.items():
            if deviates(column.feature, value, usual.value) and (column.part, key) not in reported:
                found.setdefault(value, []).append(key)
        for value, ids in sorted(found.items(), key=lambda item: (-len(item[1]), item[0])):
            reported.update((column.part, key) for key in ids)
            examples = [_example(column, records[key], texts) for key in ids[:_EXAMPLES]]
            yield _finding(task, column, usual, value, ids, examples)


def _example(column: Column, record: Record, texts: Texts) -> str:
    """Return the part of the record that shows the deviation: the end of a text, its beginning, a field."""
    if column.feature.startswith(FORM):
        return clipped(str((record.answer.fields or {})[column.feature.removeprefix(FORM)]))
    if column.feature in ("reason", "evidence"):
        return clipped_input(record)
    text = re.sub(r"\s+", " ", texts[column.part][record.id].strip())
    at_end = column.feature == "closing" or column.values[record.id] == "cut"
    return "…" + text[1 - _TAIL :] if at_end and len(text) > _TAIL else clipped(text)


def _finding(
    task: str, column: Column, usual: Usual, found: str, ids: Sequence[str], examples: list[str]
) -> DataFinding:
    part, feature = PARTS[column.part], feature_name(column.feature)
    usual_name, found_name = value_name(column.feature, usual.value), value_name(column.feature, found)
    return DataFinding.of(
        "format_outlier",
        "warning" if usual.low >= USUAL_WEAK or column.feature == "content" else "note",
        _SENTENCE,
        task=task,
        records=ids,
        evidence={
            "part": column.part,
            "feature": column.name,
            "usual": usual.value,
            "found": found,
            "share": round(usual.share, 4),
            "examples": examples,
        },
        feature=feature.en,
        feature_zh=feature.zh,
        part=part.en,
        part_zh=part.zh,
        usual=usual_name.en,
        usual_zh=usual_name.zh,
        found=found_name.en,
        found_zh=found_name.zh,
        n=len(ids),
        total=len(column.values),
        share=math.floor(1000 * usual.share) / 1000,
        example=examples[0],
    )
