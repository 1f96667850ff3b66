"""Confident learning: which given labels the probabilities contradict.

Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels",
arXiv:1911.00068. Knows class numbers and probabilities; not records, texts or models.
Shapes: `n` records, `K` classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_FAR_BELOW = 0.1
"""A given label is implausible from this part of its class's usual probability down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """What the probabilities say about the given labels."""

    joint: FloatArray
    """Share of records by given and by true class, estimated, [K, K]; sums to 1."""
    suggested: IntArray
    """The class that most likely is the true one if the given isn't, [n]."""
    pruned: BoolArray
    """What the paper's "prune by class and by noise rate" (C+NR) removes, [n]."""
    doubtful: BoolArray
    """The pruned ones that are worth a reader's time, [n]."""


def doubts(given: IntArray, probabilities: FloatArray) -> Doubts:
    """Find the records whose given class is likely wrong.

    `pruned` follows the paper. `doubtful` asks for more, because a classifier's own mistakes outnumber the
    annotators': the record is also counted off the diagonal of the confident joint, and its given class has
    less than a tenth of the probability that is usual in that class.

    Args:
        given: classes 0 to K - 1, each at least once, [n].
        probabilities: from models that didn't see the record, [n, K]; rows need not sum to 1.
    """
    rows = np.arange(len(given))
    own = probabilities[rows, given]
    usual = class_thresholds(given, probabilities)
    confident = _confident_class(probabilities, usual)
    joint = _calibrated(_confident_joint(given, confident, len(usual)), given)
    pruned = _prune_by_class(joint, given, own) & _prune_by_noise_rate(joint, given, probabilities)
    others = probabilities.copy()
    others[rows, given] = -np.inf
    off_diagonal = (confident >= 0) & (confident != given)
    suggested = np.where(off_diagonal, confident, others.argmax(axis=1))
    doubtful = pruned & off_diagonal & (own < _FAR_BELOW * usual[given])
    return Doubts(joint=joint / len(given), suggested=suggested, pruned=pruned, doubtful=doubtful)


def class_thresholds(given: IntArray, probabilities: FloatArray) -> FloatArray:
    """Return the mean probability of each class among the records given it, [K] (equation 2)."""
    counts = np.bincount(given, minlength=probabilities.shape[1])
    own = probabilities[np.arange(len(given)), given]
    return np.bincount(given, weights=own, minlength=len(counts)) / counts


def _confident_class(probabilities: FloatArray, usual: FloatArray) -> IntArray:
    """Return the most probable class at or above its threshold, -1 where there is none, [n]."""
    reached = np.where(probabilities >= usual, probabilities, -1.0)
    return np.where(reached.max(axis=1) >= 0, reached.argmax(axis=1), -1)


def _confident_joint(given: IntArray, confident: IntArray, classes: int) -> FloatArray:
    """Count given against confident class, [K, K] (equation 1); the diagonal is at least 1."""
    counts = np.zeros((classes, classes))
    known = confident >= 0
    np.add.at(counts, (given[known], confident[known]), 1)
    np.fill_diagonal(counts, np.maximum(counts.diagonal(), 1))
    return counts


def _calibrated(counts: FloatArray, given: IntArray) -> FloatArray:
    """Scale each row to the number of records given that class, [K, K] (equation 3, times n)."""
    totals = np.bincount(given, minlength=len(counts))
    scaled: FloatArray = counts / counts.sum(axis=1, keepdims=True) * totals[:, None]
    return scaled


def _prune_by_class(joint: FloatArray, given: IntArray, own: FloatArray) -> BoolArray:
    """Mark, per given class, as many records of the lowest own probability as the joint calls wrong."""
    marked = np.zeros(len(given), dtype=bool)
    for label, wrong in enumerate(np.rint(joint.sum(axis=1) - joint.diagonal()).astype(int)):
        mine = np.flatnonzero(given == label)
        marked[mine[np.argsort(own[mine], kind="stable")[:wrong]]] = True
    return marked


def _prune_by_noise_rate(joint: FloatArray, given: IntArray, probabilities: FloatArray) -> BoolArray:
    """Mark, per pair of given and true class, as many records of the largest margin as the joint says."""
    marked = np.zeros(len(given), dtype=bool)
    wrong = np.rint(joint - np.diag(joint.diagonal())).astype(int)
    for label, true in np.argwhere(wrong > 0):
        mine = np.flatnonzero(given == label)
        margin = probabilities[mine, true] - probabilities[mine, label]
        marked[mine[np.argsort(-margin, kind="stable")[: wrong[label, true]]]] = True
    return marked
