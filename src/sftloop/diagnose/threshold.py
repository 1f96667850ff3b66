"""How sure must the model be before its claim is believed? The probability that reaches the stated target.

Chosen on validation records, reported on others: the limit that decides is one of many looked at, so only the
report is honest. Knows probabilities of one label and whether it is right; doesn't know where they come from.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sftloop.evaluate.interval import Interval
from sftloop.evaluate.measures import BoolArray
from sftloop.evaluate.proportions import IntArray, proportion_interval, wilson_interval
from sftloop.evaluate.resample import FloatArray

METRICS = ("precision", "recall")
"""Targets that a threshold can reach."""
_CANDIDATES = 400
"""Thresholds looked at, spread over the records."""


def choose_threshold(
    scores: FloatArray,
    is_label: BoolArray,
    *,
    metric: str,
    at_least: float,
    clusters: IntArray | None = None,
    bound: bool = True,
) -> float | None:
    """Return the probability from which on the label is believed, None where none reaches the target.

    For precision the lowest such threshold, which keeps most claims; for recall the highest, which drops most
    untrue ones.

    Args:
        scores: the label's probability, [n].
        is_label: whether the record has it, [n].
        metric: precision or recall.
        at_least: the target.
        clusters: the records' groups, or None.
        bound: let the lower 95 % limit reach the target, not the value alone.
    """
    candidates = np.unique(scores)[::-1]
    if len(candidates) > _CANDIDATES:
        candidates = candidates[np.linspace(0, len(candidates) - 1, _CANDIDATES).astype(int)]
    chosen = None
    for threshold in candidates.tolist():
        found = at_threshold(scores, is_label, threshold, clusters=clusters)[metric]
        reached = found.low if bound else found.value
        if not np.isnan(found.value) and reached >= at_least:
            chosen = threshold
            if metric == "recall":
                break
    return chosen


def threshold_in_words(value: float) -> str:
    """Return a threshold rounded down, so that whoever sets it loses none of the claims it was chosen for.

    Two digits are left of what is missing to 0 or 1: fine-tuned models are that sure.
    """
    missing = min(value, 1 - value)
    decimals = 3 if missing <= 0 else min(9, max(3, 1 - math.floor(math.log10(missing))))
    return f"{math.floor(value * 10**decimals) / 10**decimals:.{decimals}f}"


def at_threshold(
    scores: FloatArray, is_label: BoolArray, threshold: float, *, clusters: IntArray | None = None
) -> dict[str, Interval]:
    """Return precision, recall and the share of records believed to have the label."""
    claimed = scores >= threshold

    def share(hits: BoolArray, among: BoolArray) -> Interval:
        return proportion_interval(hits[among], None if clusters is None else clusters[among])

    everything = np.ones(len(scores), dtype=bool)
    return {
        "precision": share(is_label, claimed),
        "recall": share(claimed, is_label),
        "claimed": share(claimed, everything),
    }


def fewest_records(at_least: float) -> int | None:
    """Return how many claims, all right, are needed for a lower limit that reaches the target.

    None for a target of 1, which no number of records can prove.
    """
    if at_least >= 1:
        return None
    high = 1
    while wilson_interval(high, high).low < at_least:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if wilson_interval(middle, middle).low >= at_least else (middle, high)
    return high


def threshold_report(
    chosen_on: tuple[FloatArray, BoolArray, IntArray | None],
    reported_on: tuple[FloatArray, BoolArray, IntArray | None],
    *,
    metric: str,
    at_least: float,
    bound: bool,
) -> dict[str, Any] | None:
    """Choose on one set of records and report on the other; None where no threshold reaches the target.

    Args:
        chosen_on: scores, whether the record has the label, clusters.
        reported_on: the same of other records.
        metric: precision or recall.
        at_least: the target.
        bound: as in `choose_threshold`.

    Returns:
        {"value", "validation": figures, "test": figures, "met", "sure"}.
    """
    scores, is_label, clusters = chosen_on
    value = choose_threshold(
        scores, is_label, metric=metric, at_least=at_least, clusters=clusters, bound=bound
    )
    if value is None:
        return None
    validation = at_threshold(scores, is_label, value, clusters=clusters)
    test = at_threshold(reported_on[0], reported_on[1], value, clusters=reported_on[2])
    reached = test[metric]
    return {
        "value": value,
        "validation": {name: found.to_json() for name, found in validation.items()},
        "test": {name: found.to_json() for name, found in test.items()},
        "met": bool(reached.value >= at_least),
        "sure": bool(reached.value >= at_least and reached.low >= at_least),
    }
