"""Does a probability mean what it says? Expected calibration error, Brier score, and the bins behind them.

Knows probabilities and outcomes only.

Shapes: `n` records, `L` labels, `B` bins, `b` resamples.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sftloop.evaluate.bootstrap import bootstrap_interval
from sftloop.evaluate.measures import BoolArray
from sftloop.evaluate.proportions import IntArray, proportion_interval
from sftloop.evaluate.resample import FloatArray, Statistic, additive

BINS = 10
"""Fewer than the 15 of the paper: a test set here holds tens or hundreds of records, not ten thousand."""


def calibration(
    probabilities: FloatArray, gold: IntArray, *, clusters: IntArray | None = None, seed: int = 0
) -> dict[str, Any]:
    """Return how far the probabilities can be trusted.

    Args:
        probabilities: [n, L], each row summing to 1, n at least 1.
        gold: column of the right label, [n].
        clusters: the records' groups, or None.
        seed: of the bootstrap.

    Returns:
        `ece`: Naeini, Cooper and Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian
        binning" (AAAI), as used by Guo et al. 2017 (arXiv 1706.04599), equation 3, over `BINS` equal bins; biased
        upwards on few records. `brier`: Brier 1950, the squared distance summed over the labels, 0 to 2.
        `confidence` and `accuracy`, whose difference is over-confidence. `bins`: the reliability diagram.
    """
    n = len(gold)
    confidence, correct = confidence_of(probabilities, gold)
    wanted = np.eye(probabilities.shape[1])[gold]
    distances = np.square(probabilities - wanted).sum(axis=1)
    error = bootstrap_interval(
        ece_statistic(confidence, correct), n, clusters=clusters, seed=seed, share=True
    )
    brier = bootstrap_interval(_mean(distances), n, clusters=clusters, seed=seed)
    return {
        "ece": error.to_json(),
        "brier": brier.to_json(),
        "confidence": bootstrap_interval(_mean(confidence), n, clusters=clusters, seed=seed).to_json(),
        "accuracy": proportion_interval(correct, clusters).to_json(),
        "bins": _bins(confidence, correct),
    }


def confidence_of(probabilities: FloatArray, gold: IntArray) -> tuple[FloatArray, BoolArray]:
    """Return the probability of each row's likeliest label, and whether that label is right."""
    return probabilities.max(axis=1), np.asarray(probabilities.argmax(axis=1) == gold)


def ece_statistic(confidence: FloatArray, correct: BoolArray) -> Statistic:
    """Return weights[b, n] -> ECE[b]: the bins' |accuracy - confidence|, weighted by their sizes."""
    own = np.eye(BINS)[_bin_of(confidence)]
    sums = np.hstack([own * (confidence - correct)[:, None], np.ones((len(own), 1))])
    return additive(sums, lambda sums_bK: np.abs(sums_bK[:, :-1]).sum(axis=1) / sums_bK[:, -1])


def _mean(values: FloatArray) -> Statistic:
    sums = np.column_stack([values, np.ones_like(values)])
    return additive(sums, lambda sums_bK: sums_bK[:, 0] / sums_bK[:, 1])


def _bin_of(confidence: FloatArray) -> IntArray:
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)


def _bins(confidence: FloatArray, correct: BoolArray) -> list[dict[str, Any]]:
    places = _bin_of(confidence)
    found = []
    for place in np.unique(places):
        inside = places == place
        found.append(
            {
                "from": float(place / BINS),
                "to": float((place + 1) / BINS),
                "confidence": float(confidence[inside].mean()),
                "accuracy": proportion_interval(correct[inside]).to_json(),
            }
        )
    return found
