"""Does the answer hang on the evidence? The same record without it, and the evidence by itself.

Without its evidence a record decides nothing, so the answer should become "can't tell"; the evidence alone should
keep the label. Makes records and counts answers; runs no model. Source of the two probes: DeYoung et al. 2020,
"ERASER" (arXiv 1911.03429), comprehensiveness and sufficiency (section 4.2). Departure: answers are counted
instead of differences of probabilities, so that any model can be asked, and whole documents or sentences go, so
that no half sentence is left.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sftloop.diagnose.claims import abstained, can_abstain, claimed, same_claims
from sftloop.evaluate.abstention import abstain_labels
from sftloop.evaluate.align import align
from sftloop.evaluate.proportions import proportion_interval
from sftloop.evaluate.text import normalise
from sftloop.records import Prediction, Record
from sftloop.scenario import Answer, Task

REMOVED, ALONE = "~removed", "~alone"
"""What is added to a record's id."""

_SENTENCE = re.compile(r".+?(?:[。！？!?；\n]+|\.(?=\s|$))[”’\"'）)】」』\s]*|.+$", re.DOTALL)


def without_evidence(task: Task, record: Record) -> Record | None:
    """Return the record without the documents that hold its evidence, expected to claim nothing.

    In an input of a single text, only the sentences that hold evidence go. None where the task can't abstain, the
    record claims nothing or quotes nothing, or nothing would be left of an input field.
    """
    if not (can_abstain(task) and _quoted(task, record)):
        return None
    quotes = [normalise(quote) for quote in record.answer.evidence or ()]
    changed: dict[str, str | list[str]] = {}
    for name, value in record.input.items():
        left: str | list[str]
        if isinstance(value, str):
            left = _without_sentences(value, quotes)
        else:
            left = [document for document in value if not _holds(document, quotes)]
        if value and not left:
            return None
        changed[name] = left
    if changed == record.input:
        return None
    return replace(record, id=record.id + REMOVED, input=changed, answer=nothing_claimed(task))


def evidence_alone(task: Task, record: Record) -> Record | None:
    """Return the record with nothing but its evidence in the fields that hold some, expected to keep its answer.

    None where the record claims nothing or quotes nothing, or already consists of its evidence.
    """
    if not _quoted(task, record):
        return None
    quotes = list(record.answer.evidence or ())
    changed: dict[str, str | list[str]] = {}
    for name, value in record.input.items():
        documents = [value] if isinstance(value, str) else value
        own = [quote for quote in quotes if any(normalise(quote) in normalise(d) for d in documents)]
        if isinstance(value, str):
            changed[name] = "\n".join(own) if own else value
        else:
            changed[name] = own
    if changed == record.input:
        return None
    return replace(record, id=record.id + ALONE, input=changed)


def nothing_claimed(task: Task) -> Answer:
    """Return the answer that claims nothing: the abstaining label, or no label of several."""
    abstaining = abstain_labels(task)
    if task.kind == "choice":
        label = abstaining[0]
        answer = Answer(label=label)
    else:
        answer = Answer(labels=tuple(abstaining[:1]))
    return replace(answer, evidence=()) if task.answer.evidence else answer


def intervention_figures(
    task: Task,
    originals: Mapping[str, tuple[Record, Prediction]],
    removed: Sequence[Record],
    alone: Sequence[Record],
    predictions: Sequence[Prediction],
) -> dict[str, Any]:
    """Return what became of the answers.

    Args:
        task: the task.
        originals: id → the whole record and its answer.
        removed: records of `without_evidence`.
        alone: records of `evidence_alone`.
        predictions: the answers to both.

    Returns:
        `removed`: {"abstains": share that claims nothing, "keeps": share that still claims what the whole record
        does, "abstained_before": share that claimed nothing with the evidence}; `alone`: {"keeps",
        "keeps_of_right": the same among records answered rightly in whole}. None where nothing was asked. Each
        share with Wilson limits, clustered by the records' groups.
    """
    without, only = align(task, removed, predictions), align(task, alone, predictions)
    found: dict[str, Any] = {"removed": None, "alone": None}
    if len(without):
        whole = [originals[record.id.removesuffix(REMOVED)] for record in without.records]
        answers = list(zip(whole, without.predictions, strict=True))
        hits = {
            "abstains": [abstained(task, answer) for _, answer in answers],
            "keeps": [same_claims(task, record, answer) for (record, _), answer in answers],
            "abstained_before": [abstained(task, before) for _, before in whole],
        }
        found["removed"] = {
            name: proportion_interval(np.array(own, dtype=bool), without.clusters).to_json()
            for name, own in hits.items()
        }
    if len(only):
        kept = np.array(
            [same_claims(task, r, p) for r, p in zip(only.records, only.predictions, strict=True)], dtype=bool
        )
        right = np.array(
            [same_claims(task, *originals[record.id.removesuffix(ALONE)]) for record in only.records],
            dtype=bool,
        )
        clusters = only.clusters
        among = proportion_interval(kept[right], None if clusters is None else clusters[right])
        found["alone"] = {
            "keeps": proportion_interval(kept, clusters).to_json(),
            "keeps_of_right": among.to_json(),
        }
    return found


def _quoted(task: Task, record: Record) -> bool:
    """Whether the record claims something, and every quote that carries it stands in its input."""
    documents = [normalise(document) for document in record.documents()]
    quotes = [normalise(quote) for quote in record.answer.evidence or ()]
    real = bool(quotes) and all(quote and any(quote in d for d in documents) for quote in quotes)
    return task.kind in ("choice", "multi") and real and bool(claimed(task, record.answer))


def _holds(document: str, quotes: Sequence[str]) -> bool:
    return any(quote in normalise(document) for quote in quotes)


def _without_sentences(text: str, quotes: Sequence[str]) -> str:
    """Return the text without the sentences that overlap a quote."""
    sentences = _SENTENCE.findall(text)
    gone: set[int] = set()
    for quote in quotes:
        if quote not in normalise(text):
            continue
        gone |= _fewest_holding(sentences, quote)
    return "".join(part for number, part in enumerate(sentences) if number not in gone).strip()


def _fewest_holding(sentences: Sequence[str], quote: str) -> set[int]:
    """Return the shortest runs of sentences that hold the quote, all of them taken together."""
    for length in range(1, len(sentences) + 1):
        runs = [range(start, start + length) for start in range(len(sentences) - length + 1)]
        holding = [run for run in runs if quote in normalise("".join(sentences[i] for i in run))]
        if holding:
            return {number for run in holding for number in run}
    return set(range(len(sentences)))
