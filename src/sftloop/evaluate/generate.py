"""Metrics of `generate` tasks: free text against a reference text.

An answer that can't be parsed counts as an empty text and never as an exact match. Doesn't compute intervals.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sftloop.evaluate.align import Scored
from sftloop.evaluate.measures import Measures
from sftloop.evaluate.resample import FloatArray, additive
from sftloop.evaluate.text import characters, normalise, overlap_f1
from sftloop.scenario.recover import without_thoughts
from sftloop.scenario.schema import Task

PRIMARY = "chrf"
METRICS = ("chrf", "char_f1", "exact_match")
_BETA_SQUARED = 4.0


def measure(task: Task, scored: Scored) -> Measures:
    """Return chrF over the corpus, the mean character F1, and exact match (white space and NFKC aside)."""
    expected, given = texts(scored)
    overlap = [overlap_f1(characters(a), characters(b)) for a, b in zip(expected, given, strict=True)]
    parsed = np.array([_text(p.answer) is not None for p in scored.predictions])
    equal = [normalise(a) == normalise(b) for a, b in zip(expected, given, strict=True)]
    sums = np.column_stack([np.ones(len(scored)), overlap, chrf_counts(expected, given)])

    def columns(sums_bK: FloatArray) -> FloatArray:
        return np.column_stack([chrf(sums_bK[:, 2:]), sums_bK[:, 1] / sums_bK[:, 0]])

    return Measures(
        shares={"exact_match": np.array(equal) & parsed},
        names=("chrf", "char_f1"),
        statistic=additive(sums, columns),
    )


def texts(scored: Scored) -> tuple[list[str], list[str]]:
    """Return expected and given texts; a text that is missing is empty.

    A model's reasoning (`<think>…</think>`) is no part of its text, unless the record's own text reasons too.
    """
    expected = [record.answer.text or "" for record in scored.records]
    given = [_text(prediction.answer) or "" for prediction in scored.predictions]
    return expected, [
        text if without_thoughts(own) != own.strip() else without_thoughts(text)
        for own, text in zip(expected, given, strict=True)
    ]


def chrf_counts(expected: list[str], given: list[str]) -> FloatArray:
    """Return per record sacrebleu's (given, expected, common) character n-grams of orders 1 to 6, [n, 18]."""
    from sacrebleu.metrics.chrf import CHRF

    return np.asarray(CHRF()._extract_corpus_statistics(given, [expected]), dtype=float)


def chrf(sums_bK: FloatArray) -> FloatArray:
    """Return chrF from summed n-gram counts, [b], as a share: sacrebleu's corpus score divided by 100.

    Mean precision and recall over the orders that occur on both sides, joined by F with beta = 2. Source:
    Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation", WMT; sacrebleu's defaults
    (Post 2018, arXiv 1804.08771): no white space, no word n-grams.
    """
    given, expected, common = np.moveaxis(sums_bK.reshape(len(sums_bK), -1, 3), 2, 0)
    counted = (given > 0) & (expected > 0)
    orders = np.maximum(np.count_nonzero(counted, axis=1), 1)
    zeros = np.zeros_like(common)
    precision = np.divide(common, given, out=zeros.copy(), where=counted).sum(axis=1) / orders
    recall = np.divide(common, expected, out=zeros.copy(), where=counted).sum(axis=1) / orders
    below = _BETA_SQUARED * precision + recall
    product = (1 + _BETA_SQUARED) * precision * recall
    found = np.divide(product, below, out=np.zeros_like(below), where=below > 0)
    return np.asarray(found, dtype=float)


def _text(answer: Any) -> str | None:
    return None if answer is None else answer.text
