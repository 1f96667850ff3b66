"""Fewer records that still stand for all: in which order to keep them, and what coverage each size leaves.

A record stands only for records with its own answer: two texts that are alike and labelled differently are a
boundary, not a redundancy. Within a label the order is that of facility location (`coverage`); labels are balanced
as in the cap, tasks keep their proportions (`balance`). One order serves every size, so the whole curve costs one
run.

Knows records, labels, tags and vectors; doesn't know where the vectors come from.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sftloop.core.errors import UsageError
from sftloop.curate.copies.inputs import is_checked
from sftloop.curate.prune.balance import Phase, Stratum, in_balance
from sftloop.curate.prune.coverage import Vectors, greedy_order, groups_of
from sftloop.curate.quota import rarest_labels
from sftloop.records import Record

COVERAGE = 0.95
"""On banking77 a linear classifier lost 0.3 points there, on 73–79 % of the records; at 0.9 up to 2 points. The
curve's bend would be a false friend: it lies at a tenth of the records and costs 12 points."""
_CURVE_POINTS = 20


class Ranked(NamedTuple):
    """One record's place in the order."""

    id: str
    task: str
    label: str
    """The rarest of its labels, "" without any."""
    phase: Phase
    """What it owes its place to."""
    gain: float
    """What it adds to the sum of similarities when those in front of it are kept; the mean of all is 1."""


class CurvePoint(NamedTuple):
    """A size and the coverage it leaves."""

    n: int
    coverage: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """The order in which records are kept, and where it is cut."""

    ranked: tuple[Ranked, ...]
    """All records, the first to keep in front."""
    n: int
    """How many are kept: the first `n` of `ranked`."""
    curve: tuple[CurvePoint, ...]
    """At twenty equal steps and at `n`."""
    labels: Mapping[Stratum, tuple[int, int]]
    """Records before and after."""
    protected_dropped: int
    """Protected records that `n` has no room for."""

    @property
    def kept(self) -> list[str]:
        """Ids of the records that stay, the first to keep in front."""
        return [each.id for each in self.ranked[: self.n]]


def prune(
    records: Sequence[Record],
    vectors: Vectors,
    *,
    n: int | None = None,
    coverage: float = COVERAGE,
    hard: Collection[str] = (),
    floor: int = 5,
    seed: int = 0,
) -> Pruned:
    """Order records by what they add, and keep `n`, or as few as reach a coverage.

    The first `floor` records of each label come before everything else, then the protected: boundary and hard
    ones, and those a person wrote or reviewed. The order depends on the records' contents, not on their order.

    Args:
        records: with unique ids.
        vectors: (records, dimensions) in the records' order. Their mean is removed here: what all records have
            in common tells none of them apart.
        n: how many to keep.
        coverage: to be reached where `n` is not given, in (0, 1].
        hard: ids of more records to protect, from a measured difficulty.
        floor: records per label that no size drops before others'.
        seed: of the clusters that very large groups are cut into.

    Raises:
        UsageError: `n` or `coverage` is out of range.
    """
    if n is not None and n < 1:
        raise UsageError(f"'n' must be at least 1, got {n}.")
    if not 0 < coverage <= 1:
        raise UsageError(f"'coverage' must be above 0 and at most 1, got {coverage}.")
    places = sorted(range(len(records)), key=lambda place: records[place].id)
    pool = [records[place] for place in places]
    protected = np.array([_is_protected(record, hard) for record in pool], dtype=bool)
    ranked = _rank(pool, _centred(vectors[places]), protected, floor, seed)
    covered = np.cumsum([each.gain for each in ranked]) / max(1, len(ranked))
    size = min(n, len(ranked)) if n is not None else _reaching(covered, coverage)
    shielded = {record.id for record, is_so in zip(pool, protected, strict=True) if is_so}
    return Pruned(
        ranked=tuple(ranked),
        n=size,
        curve=_curve(covered, size),
        labels=_labels(ranked, size),
        protected_dropped=sum(each.id in shielded for each in ranked[size:]),
    )


def _rank(
    pool: Sequence[Record], vectors: Vectors, protected: NDArray[np.bool_], floor: int, seed: int
) -> list[Ranked]:
    strata = rarest_labels(pool)
    queues: dict[Stratum, list[tuple[bool, float, int]]] = defaultdict(list)
    for group in groups_of(strata, vectors, seed=seed):
        order = greedy_order(vectors[group], protected[group])
        queue = queues[strata[group[0]]]
        for place, gain in zip(group[order.places].tolist(), order.gains.tolist(), strict=True):
            queue.append((not protected[place], -gain, place))
    gains = {place: -loss for queue in queues.values() for _, loss, place in queue}
    # Gains fall within a group, so a stable sort joins the groups of one label and keeps the order in each.
    merged = {
        stratum: [(place, not late) for late, _, place in sorted(queue, key=lambda item: item[:2])]
        for stratum, queue in queues.items()
    }
    return [
        Ranked(pool[place].id, *strata[place], phase, gains[place])
        for place, phase in in_balance(merged, floor)
    ]


def _is_protected(record: Record, hard: Collection[str]) -> bool:
    return is_checked(record) or record.is_hard() or record.id in hard


def _centred(vectors: Vectors) -> Vectors:
    from sklearn.preprocessing import normalize

    if not len(vectors):
        return vectors
    unit: Vectors = normalize(vectors - vectors.mean(axis=0), copy=False)
    return unit


def _reaching(covered: NDArray[np.float64], coverage: float) -> int:
    """Return the smallest size whose coverage is as asked for, up to rounding."""
    return min(int(np.searchsorted(covered, coverage - 1e-9)) + 1, len(covered))


def _curve(covered: NDArray[np.float64], size: int) -> tuple[CurvePoint, ...]:
    total = len(covered)
    sizes = {-(-total * step // _CURVE_POINTS) for step in range(1, _CURVE_POINTS + 1)} | {size}
    return tuple(CurvePoint(n, min(1.0, float(covered[n - 1]))) for n in sorted(sizes) if n)


def _labels(ranked: Sequence[Ranked], size: int) -> dict[Stratum, tuple[int, int]]:
    before = Counter((each.task, each.label) for each in ranked)
    after = Counter((each.task, each.label) for each in ranked[:size])
    return {stratum: (count, after[stratum]) for stratum, count in sorted(before.items())}
