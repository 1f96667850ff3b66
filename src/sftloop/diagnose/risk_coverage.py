"""Is the model right where it is sure? Risk over coverage, and the area below.

Knows confidences and outcomes only. Source: Geifman and El-Yaniv 2017, "Selective classification for deep neural
networks" (arXiv 1705.08500); the area (AURC) and its optimum: Geifman, Uziel and El-Yaniv 2019, "Bias-reduced
uncertainty estimation for deep neural classifiers" (arXiv 1805.08206), section 3. Departure: records of equal
confidence have no order, so their risk is the expected one over all orders; the paper leaves ties to chance.

Shapes: `n` records, `G` groups of equal confidence, `b` resamples.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sftloop.evaluate.bootstrap import bootstrap_interval
from sftloop.evaluate.measures import BoolArray
from sftloop.evaluate.proportions import IntArray
from sftloop.evaluate.resample import FloatArray, Statistic

_POINTS = 200
"""Points of the curve: more can't be seen."""


def risk_coverage(
    confidence: FloatArray, correct: BoolArray, *, clusters: IntArray | None = None, seed: int = 0
) -> dict[str, Any]:
    """Return the curve and the area below it.

    Args:
        confidence: how sure the model is of its answer, [n], n at least 1.
        correct: whether the answer is right, [n].
        clusters: the records' groups, or None.
        seed: of the bootstrap.

    Returns:
        `aurc` with bootstrap limits (smaller is better), `best` (the area when all right answers come first),
        `random` (the error rate, which is the area of an order by chance) and `curve`, the points {"coverage",
        "risk", "confidence"} at the ends of groups of equal confidence, at most 200 of them.
    """
    n = len(confidence)
    area = bootstrap_interval(
        area_statistic(confidence, correct), n, clusters=clusters, seed=seed, share=True
    )
    return {
        "aurc": area.to_json(),
        "best": best_area(n, int(np.count_nonzero(~correct))),
        "random": float(1 - correct.mean()),
        "curve": _curve(confidence, correct),
    }


def area_statistic(confidence: FloatArray, correct: BoolArray) -> Statistic:
    """Return weights[b, n] -> AURC[b], for whole weights.

    The mean, over k = 1 … n, of the error rate among the k surest records. Within a group of W equal records with
    error rate r, behind w records with e errors, the sum of (e + r j) / (w + j) over j = 1 … W is
    r W + (e - r w) (H(w + W) - H(w)) with harmonic numbers H.
    """
    from scipy.special import digamma

    order, starts = _groups(confidence)
    wrong = (~correct[order]).astype(float)

    def statistic(weights: FloatArray) -> FloatArray:
        sorted_bn = weights[:, order]
        sizes = np.add.reduceat(sorted_bn, starts, axis=1)
        errors = np.add.reduceat(sorted_bn * wrong, starts, axis=1)
        size_before, errors_before = sizes.cumsum(1) - sizes, errors.cumsum(1) - errors
        rate = np.divide(errors, sizes, out=np.zeros_like(errors), where=sizes > 0)
        harmonic = digamma(size_before + sizes + 1) - digamma(size_before + 1)
        area = errors + (errors_before - rate * size_before) * harmonic
        return np.asarray(area.sum(1) / sizes.sum(1))

    return statistic


def best_area(n: int, errors: int) -> float:
    """Return the AURC of n records, so many of them wrong, when every right one comes first."""
    ranks = np.arange(1, n + 1)
    return float((np.maximum(0, ranks - (n - errors)) / ranks).mean())


def _groups(confidence: FloatArray) -> tuple[IntArray, IntArray]:
    """Return the order from sure to unsure, and where each group of equal confidence starts in it."""
    order = np.argsort(-confidence, kind="stable")
    steps = np.diff(confidence[order]) != 0
    return order, np.flatnonzero(np.concatenate([[True], steps]))


def _curve(confidence: FloatArray, correct: BoolArray) -> list[dict[str, float]]:
    order, starts = _groups(confidence)
    ends = np.append(starts[1:], len(order))
    if len(ends) > _POINTS:
        ends = ends[np.linspace(0, len(ends) - 1, _POINTS).astype(int)]
    errors = np.cumsum(~correct[order])[ends - 1]
    return [
        {"coverage": end / len(order), "risk": wrong / end, "confidence": float(confidence[order[end - 1]])}
        for end, wrong in zip(ends.tolist(), errors.tolist(), strict=True)
    ]
