"""Choosing which records stay when there are too many: labels balanced, boundary and hard records first.

Looks at labels, tags and repeated inputs only; redundancy and difficulty are measured elsewhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sftloop.core.seeds import derive_seed
from sftloop.records.identity import input_key
from sftloop.records.schema import Record
from sftloop.scenario.schema import Scenario

Rank = Callable[[Record], tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCap:
    """What the cap did to one task."""

    limit: int
    before: int
    dropped: tuple[str, ...]
    """Ids of the records left out, in the file's order."""
    labels: dict[str, tuple[int, int]]
    """Label → records before and after."""
    hard_dropped: int
    """How many of the dropped are tagged boundary or hard."""

    def __str__(self) -> str:
        hard = f", {self.hard_dropped} of the dropped are boundary or hard" if self.hard_dropped else ""
        kept = self.before - len(self.dropped)
        return f"{kept} of {self.before} records kept (max_records {self.limit}{hard})"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapResult:
    """The records that stay, in their old order, and a report per capped task."""

    kept: list[Record]
    tasks: dict[str, TaskCap] = field(default_factory=dict)
    """Only tasks that lost records."""


def cap_records(records: Sequence[Record], scenario: Scenario, *, seed: int = 0) -> CapResult:
    """Keep at most `max_records` records of each task that sets it.

    Labels get equal shares; a label with fewer records than its share leaves the rest to the others. Within a
    label boundary and hard records stay before untagged ones, those before easy ones, and a repeated input
    comes last. The choice depends on ids and `seed`, not on the order of the records.
    """
    by_task: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_task[record.task].append(record)
    dropped: set[tuple[str, str]] = set()
    reports = {}
    for task, mine in by_task.items():
        limit = scenario.tasks[task].max_records
        if limit is None or len(mine) <= limit:
            continue
        kept = _pick_balanced(mine, limit, _hard_first(mine, seed))
        reports[task] = _report(mine, kept, limit)
        dropped.update((task, identifier) for identifier in reports[task].dropped)
    return CapResult(
        kept=[record for record in records if (record.task, record.id) not in dropped], tasks=reports
    )


def sample_records(records: Sequence[Record], limit: int, *, seed: int = 0) -> list[Record]:
    """Return at most `limit` records of each task, spread evenly over its labels, in their old order.

    Difficulty plays no part, so that a score on the sample stands for all. The choice depends on ids and
    `seed` only.
    """
    by_task: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_task[record.task].append(record)
    chosen = {
        (task, identifier)
        for task, mine in by_task.items()
        for identifier in _pick_balanced(mine, limit, lambda record: _draw(record, seed))
    }
    return [record for record in records if (record.task, record.id) in chosen]


def strata(record: Record) -> tuple[str, ...]:
    """Return the labels that balance is kept over; one nameless stratum where there are none."""
    return record.labels() or ("",)


def _draw(record: Record, seed: int) -> tuple[int, str]:
    return derive_seed("pick", seed, record.id), record.id


def _hard_first(records: Iterable[Record], seed: int) -> Rank:
    def rank_alone(record: Record) -> tuple[Any, ...]:
        tier = 0 if record.is_hard() else 2 if "easy" in record.tags else 1
        return (tier, *_draw(record, seed))

    firsts: dict[tuple[str, tuple[str, ...]], str] = {}
    keys = {record.id: (input_key(record.input), strata(record)) for record in records}
    for record in sorted(records, key=rank_alone):
        firsts.setdefault(keys[record.id], record.id)
    return lambda record: (firsts[keys[record.id]] != record.id, *rank_alone(record))


def _pick_balanced(records: Sequence[Record], limit: int, rank: Rank) -> set[str]:
    """Return the ids of `limit` records: again and again the best one of the label with the fewest so far.

    Of several such labels the rarest is served first.
    """
    waiting: dict[str, list[Record]] = defaultdict(list)
    for record in sorted(records, key=rank, reverse=True):
        for label in strata(record):
            waiting[label].append(record)
    supply = {label: len(found) for label, found in waiting.items()}
    chosen: set[str] = set()
    counts: Counter[str] = Counter()
    while waiting and len(chosen) < limit:
        label = min(waiting, key=lambda name: (counts[name], supply[name], name))
        record = waiting[label].pop()
        if not waiting[label]:
            del waiting[label]
        if record.id not in chosen:
            chosen.add(record.id)
            counts.update(strata(record))
    return chosen


def _report(records: Sequence[Record], kept: set[str], limit: int) -> TaskCap:
    before: Counter[str] = Counter(label for record in records for label in strata(record))
    after: Counter[str] = Counter(
        label for record in records if record.id in kept for label in strata(record)
    )
    dropped = [record for record in records if record.id not in kept]
    return TaskCap(
        limit=limit,
        before=len(records),
        dropped=tuple(record.id for record in dropped),
        labels={label: (count, after[label]) for label, count in sorted(before.items())},
        hard_dropped=sum(record.is_hard() for record in dropped),
    )
