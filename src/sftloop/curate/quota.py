"""Shares of a selection: how many of each task or label it takes.

Knows counts, scores, texts and labels; doesn't know what a score means.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sftloop.core.seeds import derive_seed
from sftloop.records import Record

Name = TypeVar("Name", str, tuple[str, str])


def proportional(
    sizes: Counter[Name], n: int, *, prefer: Callable[[Name, int], float] | None = None
) -> dict[Name, int]:
    """Divide `n` in proportion to the sizes; what is left over goes to the largest remainders.

    Args:
        sizes: name → how many there are.
        n: at most as many as there are.
        prefer: of a name and its share so far, how much one more is worth; decides between equal remainders,
            which the names do otherwise.
    """
    total = max(1, sizes.total())
    shares = {name: n * size // total for name, size in sizes.items()}
    worth = {name: prefer(name, share) if prefer else 0.0 for name, share in shares.items()}
    by_remainder = sorted(sizes, key=lambda name: (-(n * sizes[name] % total), -worth[name], name))
    for name in by_remainder[: n - sum(shares.values())]:
        shares[name] += 1
    return shares


def few_of(texts: Sequence[str], most: int) -> list[int]:
    """Return the places, in order, of at most so many texts that speak for all; the same texts, the same few."""
    drawn = sorted(range(len(texts)), key=lambda place: derive_seed("query", texts[place]))
    return sorted(drawn[:most])


def rarest_labels(records: Sequence[Record]) -> list[tuple[str, str]]:
    """Return each record's task and, of its labels, the rarest; "" where it has none."""
    counts = Counter((record.task, label) for record in records for label in record.labels())
    return [
        min(((record.task, label) for label in record.labels()), key=lambda each: (counts[each], each))
        if record.labels()
        else (record.task, "")
        for record in records
    ]


def best_of_each_label(records: Sequence[Record], scores: Mapping[str, float], n: int) -> list[Record]:
    """Return the `n` records that score highest, tasks and a task's labels in proportion, in the given order.

    Without shares the labels decide: a loss falls further for all records of a label that is learned fast, and the
    slow labels, which need records most, would go first.

    Args:
        records: what is chosen from; one of several labels counts for the rarest, those without any are one group
            per task.
        scores: by record id; of equal ones the smaller id wins.
        n: how many; at most all of them.
    """
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record, name in zip(records, rarest_labels(records), strict=True):
        groups[name].append(record)
    for own in groups.values():
        own.sort(key=lambda record: (-scores[record.id], record.id))

    def of_the_next(name: tuple[str, str], share: int) -> float:
        own = groups[name]
        return scores[own[share].id] if share < len(own) else -math.inf

    sizes = Counter({name: len(own) for name, own in groups.items()})
    limits = proportional(sizes, min(n, len(records)), prefer=of_the_next)
    kept = {record.id for name, own in groups.items() for record in own[: limits[name]]}
    return [record for record in records if record.id in kept]
