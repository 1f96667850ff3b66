"""Quoted evidence: does it exist, does each claim have some, and is it the evidence that carries the answer?

Existence is `evaluate.evidence`'s; here a quote is also held against the gold one. Doesn't judge meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from sftloop.diagnose.claims import claimed
from sftloop.evaluate.align import Scored
from sftloop.evaluate.evidence import evidence_found, quote_found
from sftloop.evaluate.proportions import proportion_interval
from sftloop.evaluate.text import normalise
from sftloop.records import Prediction, Record
from sftloop.scenario import Task

_OVERLAP = 0.5
"""Two quotes are of one passage when they share half of the shorter one."""


class _Span(NamedTuple):
    document: int
    start: int
    end: int


def evidence_figures(task: Task, scored: Scored) -> dict[str, Any] | None:
    """Return how far the quotes can be trusted; None where the task asks for none.

    Returns:
        `exists`: quotes that stand verbatim in the input, after normalisation of Unicode form and white space.
        `without`: claims behind which no verbatim quote stands. `supports`: right claims, on records with gold
        evidence, of which some quote shares a passage with it.
    """
    if not task.answer.evidence:
        return None
    without: list[tuple[int, bool]] = []
    supports: list[tuple[int, bool]] = []
    for index, (record, prediction) in enumerate(zip(scored.records, scored.predictions, strict=True)):
        if not claims_something(task, prediction):
            continue
        without.append((index, not has_quote(record, prediction)))
        if record.answer.evidence and _right(task, record, prediction):
            supports.append((index, supported(record, _quotes(prediction))))
    return {
        "exists": evidence_found(scored),
        "without": _share(without, scored),
        "supports": _share(supports, scored),
    }


def claims_something(task: Task, prediction: Prediction) -> bool:
    """Whether the answer claims a label, or holds a field."""
    if task.kind == "extract":
        fields = (None if prediction.answer is None else prediction.answer.fields) or {}
        return any(value not in (None, "", [], ()) for value in fields.values())
    return bool(claimed(task, prediction.answer))


def has_quote(record: Record, prediction: Prediction) -> bool:
    """Whether at least one quote of the answer stands in the input."""
    return any(quote_found(quote, record) for quote in _quotes(prediction))


def supported(record: Record, quotes: Sequence[str]) -> bool:
    """Whether one of the quotes shares a passage with the record's own evidence."""
    documents = [normalise(document) for document in record.documents()]
    own = [span for quote in record.answer.evidence or () for span in _spans(quote, documents)]
    given = [span for quote in quotes for span in _spans(quote, documents)]
    return any(_same_passage(first, second) for first in own for second in given)


def _spans(quote: str, documents: Iterable[str]) -> list[_Span]:
    wanted, found = normalise(quote), []
    for number, document in enumerate(documents):
        start = document.find(wanted) if wanted else -1
        while start >= 0:
            found.append(_Span(number, start, start + len(wanted)))
            start = document.find(wanted, start + 1)
    return found


def _same_passage(first: _Span, second: _Span) -> bool:
    if first.document != second.document:
        return False
    shared = min(first.end, second.end) - max(first.start, second.start)
    return shared >= _OVERLAP * min(first.end - first.start, second.end - second.start)


def _quotes(prediction: Prediction) -> tuple[str, ...]:
    return tuple((prediction.answer.evidence if prediction.answer else None) or ())


def _right(task: Task, record: Record, prediction: Prediction) -> bool:
    return task.kind == "extract" or claimed(task, prediction.answer) == claimed(task, record.answer)


def _share(hits: Sequence[tuple[int, bool]], scored: Scored) -> dict[str, Any]:
    values = np.array([hit for _, hit in hits], dtype=bool)
    rows = np.array([row for row, _ in hits], dtype=np.int64)
    return proportion_interval(values, None if scored.clusters is None else scored.clusters[rows]).to_json()
