"""Over-association in figures: precision beside recall, and claims where nothing supports one.

A model that reads too much into its input finds nearly all true claims (recall) and adds untrue ones (precision).
Doesn't know how answers are parsed or where records come from.

Shapes: `n` records, `K` labels or fields, `b` resamples.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sftloop.core.seeds import derive_seed
from sftloop.diagnose.claims import Claims, Counts, nothing_expected, something_given
from sftloop.evaluate.bootstrap import bootstrap_estimates, method_name
from sftloop.evaluate.interval import Interval
from sftloop.evaluate.labels import bearing_units
from sftloop.evaluate.measures import BoolArray
from sftloop.evaluate.proportions import IntArray, proportion_interval
from sftloop.evaluate.resample import FloatArray, additive


def item_figures(claims: Claims, *, seed: int) -> dict[str, dict[str, Any]]:
    """Return per label or field precision, recall, F1, their gap and the unsupported rate.

    `gap` is recall - precision: above 0 the model claims more than is there. `unsupported` is the share, among
    the records that don't bear the claim out, of those on which it was made (the false positive rate).
    Precision, recall and unsupported have Wilson limits, F1 and gap bootstrap limits.
    """
    n = len(claims.expected)
    if not n:
        return {}
    estimates = _f1_and_gap(claims, seed)
    found = {}
    for column, item in enumerate(claims.items):
        expected, given, both = (part[:, column] for part in (claims.expected, claims.given, claims.both))
        absent = expected == 0
        found[item] = {
            "precision": _ratio(both, given, claims.clusters).to_json(),
            "recall": _ratio(both, expected, claims.clusters).to_json(),
            "f1": estimates[column].to_json(),
            "gap": estimates[len(claims.items) + column].to_json(),
            "unsupported": share(given > 0, absent, claims.clusters),
            "support": int(expected.sum()),
            "given": int(given.sum()),
        }
    return found


def unsupported_positives(claims: Claims) -> dict[str, Any]:
    """Return the share of records with nothing to claim on which something was claimed."""
    return share(something_given(claims), nothing_expected(claims), claims.clusters)


def share(hits: BoolArray, among: BoolArray, clusters: IntArray | None) -> dict[str, Any]:
    """Return the share of hits among the chosen records, with Wilson limits."""
    return proportion_interval(hits[among], None if clusters is None else clusters[among]).to_json()


def _ratio(part: Counts, whole: Counts, clusters: IntArray | None) -> Interval:
    """Return part / whole, each unit of the whole a trial; units of one record or group belong together."""
    owners = np.arange(len(whole)) if clusters is None else clusters
    repeated, starts = np.repeat(owners, whole), np.repeat(whole.cumsum() - whole, whole)
    hits = np.arange(len(repeated)) - starts < np.repeat(part, whole)
    alone = clusters is None and len(np.unique(repeated)) == len(repeated)
    return proportion_interval(hits, None if alone else repeated)


def _f1_and_gap(claims: Claims, seed: int) -> list[Interval]:
    from scipy.sparse import csr_matrix

    size = len(claims.items)
    sums = csr_matrix(np.hstack([claims.expected, claims.given, claims.both]).astype(float))

    def columns(sums_bK: FloatArray) -> FloatArray:
        expected, given, both = np.split(sums_bK, 3, axis=1)
        f1 = _divided(2 * both, expected + given)
        return np.hstack([f1, _divided(both, expected) - _divided(both, given)])

    found = bootstrap_estimates(
        additive(sums, columns),
        len(claims.expected),
        clusters=claims.clusters,
        seed=derive_seed(seed, "gap"),
        share=np.arange(2 * size) < size,
        bearing=np.tile(bearing_units(claims.expected + claims.given, claims.clusters), 2),
    )
    method = method_name("bca", claims.clusters)
    return [
        Interval(value=float(value), low=float(low), high=float(high), method=method, n=len(claims.expected))
        for value, low, high in zip(*found, strict=True)
    ]


def _divided(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
