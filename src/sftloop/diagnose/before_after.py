"""Two models on the same probes: which figures of a diagnosis changed for sure.

Shares of records are compared by McNemar's test with Tango's interval, by a bootstrap over groups where probes
share a record or a group, and a label's precision, whose records differ between the models, by a paired bootstrap.
The tests of one task share Holm's correction. Positive differences are improvements.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sftloop.core.seeds import derive_seed
from sftloop.diagnose.claims import (
    Claims,
    abstained,
    claims_of,
    nothing_expected,
    same_claims,
    something_given,
)
from sftloop.diagnose.probes import Answered, Probes
from sftloop.diagnose.quotes import claims_something, has_quote
from sftloop.diagnose.traps import all_clusters, passes
from sftloop.evaluate.align import Scored, align_pairs
from sftloop.evaluate.holm import holm
from sftloop.evaluate.interval import number
from sftloop.evaluate.measures import BoolArray
from sftloop.evaluate.paired_bootstrap import PairedResult, paired_bootstrap
from sftloop.evaluate.proportions import IntArray, mcnemar_exact, paired_difference
from sftloop.evaluate.resample import RESAMPLES, Statistic, additive
from sftloop.evaluate.verdict import verdict
from sftloop.records import Prediction, Record

_RESAMPLES, _MANY = 10_000, 2000
"""Draws that leave a p-value small behind Holm's correction, up to so many records; beyond, fewer do."""
_LABELS = 20
"""Labels of one task that are compared: with more, the correction would hide every change."""
FALLING = ("unsupported_positives", "without_quote")
"""Figures that fall as answers improve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """One figure of both models."""

    what: str
    item: str | None
    before: Statistic
    after: Statistic
    n: int
    clusters: IntArray | None
    differs: BoolArray
    hits: tuple[BoolArray, BoolArray] | None
    """Where it is a plain share of the same records."""


def compare_diagnoses(
    probes: Mapping[str, Probes],
    before: Mapping[str, Answered],
    after: Mapping[str, Answered],
    *,
    seed: int,
    alpha: float = 0.05,
) -> list[dict[str, Any]]:
    """Compare two models' answers to the same probes.

    Args:
        probes: task → what was asked.
        before: task → the first model's answers.
        after: task → the second model's.
        seed: of the bootstraps.
        alpha: level of the verdicts, on the corrected p-values.

    Returns:
        [{"task", "what", "item", "before", "after", "difference", "low", "high", "p", "p_adjusted", "verdict",
        "n", "test"}]; `what` is one of `unsupported_positives`, `precision`, `recall` (with the label as `item`),
        `without_quote`, `evidence_removed`, `evidence_alone`, `traps`. Families of traps are too small for tests
        of their own.
    """
    found = []
    for name, asked in probes.items():
        rows: list[dict[str, Any]] = []
        for outcome in _outcomes(asked, before[name], after[name]):
            tested = _tested(outcome, derive_seed(seed, name, outcome.what, outcome.item))
            rows.append({"task": name, "what": outcome.what, "item": outcome.item, **tested})
        for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
            low, high = (math.nan if row[end] is None else row[end] for end in ("low", "high"))
            row |= {"p_adjusted": p, "verdict": verdict(low, high, p, alpha=alpha)}
        found += rows
    return found


def _outcomes(probes: Probes, before: Answered, after: Answered) -> Iterator[_Outcome]:
    task = probes.task
    pairs = align_pairs(task, probes.records, before.records, after.records)
    sides = pairs.before, pairs.after
    if len(sides[0]):
        first, second = (claims_of(task, side) for side in sides)
        nothing = nothing_expected(first)
        yield from _shares(
            "unsupported_positives", None, sides, (something_given(first), something_given(second)), nothing
        )
        for column in _columns(task.kind, first):
            item = first.items[column]
            gold, was, now = first.expected[:, column], first.given[:, column], second.given[:, column]
            yield from _shares("recall", item, sides, (was > 0, now > 0), gold > 0)
            yield from _precision(item, sides[0].clusters, gold, was, now)
        if task.answer.evidence:
            yield from _quoted(probes, sides)
    for what, records in (("evidence_removed", probes.removed), ("evidence_alone", probes.alone)):
        yield from _answers(what, probes, records, before.generated, after.generated)
    yield from _traps(probes, before, after)


def _columns(kind: str, claims: Claims) -> list[int]:
    """Return the labels that are compared: the most frequent ones, in their own order."""
    if kind == "extract":
        return []
    support = claims.expected.sum(axis=0)
    return sorted(np.argsort(-support, kind="stable")[:_LABELS].tolist())


def _quoted(probes: Probes, sides: tuple[Scored, Scored]) -> Iterator[_Outcome]:
    """Compare claims without a quote on the records on which both models claim something."""
    task = probes.task
    claiming = [np.array([claims_something(task, p) for p in side.predictions], dtype=bool) for side in sides]
    without = [
        np.array(
            [not has_quote(r, p) for r, p in zip(side.records, side.predictions, strict=True)], dtype=bool
        )
        for side in sides
    ]
    yield from _shares("without_quote", None, sides, (without[0], without[1]), claiming[0] & claiming[1])


def _answers(
    what: str,
    probes: Probes,
    records: Sequence[Record],
    before: Sequence[Prediction],
    after: Sequence[Prediction],
) -> Iterator[_Outcome]:
    task = probes.task
    pairs = align_pairs(task, records, before, after)
    hits = []
    for side in (pairs.before, pairs.after):
        both = zip(side.records, side.predictions, strict=True)
        removed = what == "evidence_removed"
        hits.append([abstained(task, p) if removed else same_claims(task, r, p) for r, p in both])
    first, second = (np.array(own, dtype=bool) for own in hits)
    yield from _shares(
        what, None, (pairs.before, pairs.after), (first, second), np.ones(len(first), dtype=bool)
    )


def _traps(probes: Probes, before: Answered, after: Answered) -> Iterator[_Outcome]:
    """Compare all traps together, those of one record as a cluster."""
    was, now = ([*side.generated, *side.records] for side in (before, after))
    pairs = align_pairs(probes.task, [trap.record for trap in probes.traps], was, now)
    kept = {record.id for record in pairs.before.records}
    clusters = all_clusters([trap for trap in probes.traps if trap.record.id in kept])
    first, second = (
        passes(probes.task, side.records, side.predictions) for side in (pairs.before, pairs.after)
    )
    if len(first):
        yield _share("traps", None, first, second, clusters)


def _shares(
    what: str,
    item: str | None,
    sides: tuple[Scored, Scored],
    hits: tuple[BoolArray, BoolArray],
    among: BoolArray,
) -> Iterator[_Outcome]:
    if among.any():
        clusters = sides[0].clusters
        if clusters is not None:
            clusters = np.unique(clusters[among], return_inverse=True)[1].astype(np.int64)
            clusters = None if len(set(clusters.tolist())) == len(clusters) else clusters
        yield _share(what, item, hits[0][among], hits[1][among], clusters)


def _share(
    what: str, item: str | None, before: BoolArray, after: BoolArray, clusters: IntArray | None
) -> _Outcome:
    return _Outcome(
        what=what,
        item=item,
        before=_ratio(before, np.ones(len(before))),
        after=_ratio(after, np.ones(len(after))),
        n=len(before),
        clusters=clusters,
        differs=before != after,
        hits=(before, after),
    )


def _precision(item: str, clusters: IntArray | None, gold: Any, was: Any, now: Any) -> Iterator[_Outcome]:
    if was.any() and now.any():
        yield _Outcome(
            what="precision",
            item=item,
            before=_ratio(gold * was, was),
            after=_ratio(gold * now, now),
            n=len(gold),
            clusters=clusters,
            differs=np.asarray(was != now),
            hits=None,
        )


def _ratio(part: Any, whole: Any) -> Statistic:
    sums = np.column_stack([part, whole]).astype(float)
    return additive(
        sums,
        lambda sums_bK: np.divide(
            sums_bK[:, 0], sums_bK[:, 1], out=np.full(len(sums_bK), np.nan), where=sums_bK[:, 1] > 0
        ),
    )


def _tested(outcome: _Outcome, seed: int) -> dict[str, Any]:
    if outcome.hits is not None and outcome.clusters is None:
        before, after = outcome.hits
        wins, losses = int(np.count_nonzero(after & ~before)), int(np.count_nonzero(before & ~after))
        interval = paired_difference(wins, losses, outcome.n)
        p = mcnemar_exact(wins, losses).p
        test = "mcnemar exact (mid-p)"
        result = PairedResult(
            float(before.mean()), float(after.mean()), interval.value, interval.low, interval.high, p
        )
    else:
        result = paired_bootstrap(
            outcome.before,
            outcome.after,
            outcome.n,
            clusters=outcome.clusters,
            seed=seed,
            resamples=_RESAMPLES if outcome.n <= _MANY else RESAMPLES,
            differs=outcome.differs,
        )
        test = "paired bootstrap" if outcome.clusters is None else "clustered bootstrap"
    if outcome.what in FALLING:
        result = result._replace(difference=-result.difference, low=-result.high, high=-result.low)
    named = {name: number(getattr(result, name)) for name in ("before", "after", "difference", "low", "high")}
    return {**named, "p": result.p, "n": outcome.n, "test": test}
