"""Every system against the best of each task: difference, test, verdict, and what the number of records can tell.

Lays saved comparisons out; computes none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sftloop.evaluate.interval import SMALL_N
from sftloop.report.figures import Figures
from sftloop.report.verdict import named_in_sentence
from sftloop.report.wording import Words
from sftloop.report.wording.compare_words import CompareWords

_FAR = 100_000
"""More records than this nobody collects to settle a comparison."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRow:
    """One system against the best."""

    name: str
    difference: str
    interval: str
    p: str
    verdict: str
    badge: str
    detectable: str
    more: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTable:
    """One task's comparisons."""

    caption: str
    rows: tuple[PairRow, ...]
    note: str
    """That few records were compared; empty where there are enough."""


def pair_tables(result: Mapping[str, Any], shared: Words, words: CompareWords) -> tuple[PairTable, ...]:
    """Return a table per task that at least two systems answered."""
    tables = []
    for task, facts in result["tasks"].items():
        own = [pair for pair in result["pairs"] if pair["task"] == task and pair["against_best"]]
        if own:
            metric = named_in_sentence(facts["metric"], shared)
            caption = words.pairs.caption.format(task=task, metric=metric, best=facts["ranked"][0])
            rows = tuple(_row(pair, shared, words) for pair in own)
            tables.append(PairTable(caption=caption, rows=rows, note=_few(own, shared)))
    return tuple(tables)


def _row(pair: Mapping[str, Any], shared: Words, words: CompareWords) -> PairRow:
    figures, metric = Figures(shared.figures), pair["metric"]
    return PairRow(
        name=pair["a"],
        difference=figures.difference(metric, pair["difference"], signed=True),
        interval="" if pair["low"] is None else figures.interval(metric, *_ends(pair), signed=True),
        p=figures.p_value(pair["p_adjusted"]),
        verdict=pair["verdict"],
        badge=words.pairs.verdicts[pair["verdict"]],
        detectable=figures.difference(metric, pair["detectable"], signed=False),
        more=_more(pair["more_records"], figures, words),
    )


def _few(pairs: Sequence[Mapping[str, Any]], shared: Words) -> str:
    fewest = min(pair["n"] for pair in pairs)
    return shared.task.few_records.of(fewest) if fewest < SMALL_N else ""


def _ends(pair: Mapping[str, Any]) -> tuple[float | None, float | None]:
    return pair["low"], pair["high"]


def _more(records: int | None, figures: Figures, words: CompareWords) -> str:
    if records is not None and records > _FAR:
        return words.pairs.far.format(n=f"{_FAR:,}")
    return figures.count(records)
