"""Shares of a selection: how many of each task or label it takes.

Knows counts, scores, texts and labels; doesn't know what a score means.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeVar

from sftloop.core.seeds import derive_seed
from sftloop.records import Record

Name = TypeVar("Name", str, tuple[str, ...])


def proportional(sizes: Counter[Name], n: int) -> dict[Name, int]:
    """Divide `n` in proportion to the sizes; what is left over goes to the largest remainders."""
    total = max(1, sizes.total())
    shares = {name: n * size // total for name, size in sizes.items()}
    by_remainder = sorted(sizes, key=lambda name: (-(n * sizes[name] % total), name))
    for name in by_remainder[: n - sum(shares.values())]:
        shares[name] += 1
    return shares


def few_of(texts: Sequence[str], most: int) -> list[int]:
    """Return the places, in order, of at most so many texts that speak for all; the same texts, the same few."""
    drawn = sorted(range(len(texts)), key=lambda place: derive_seed("query", texts[place]))
    return sorted(drawn[:most])


def best_of_each_label(records: Sequence[Record], scores: Mapping[str, float], n: int) -> list[Record]:
    """Return the `n` records that score highest, tasks and a task's labels in proportion, in the given order.

    Without shares the labels decide: a loss falls further for all records of a label that is learned fast, and the
    slow labels, which need records most, would go first.

    Args:
        records: what is chosen from; those without labels are one group per task.
        scores: by record id; of equal ones the smaller id wins.
        n: how many; at most all of them.
    """
    groups: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for record in records:
        groups[record.task, *record.labels()].append(record)
    limits = proportional(Counter({name: len(own) for name, own in groups.items()}), min(n, len(records)))
    kept = {
        record.id
        for name, own in groups.items()
        for record in sorted(own, key=lambda record: (-scores[record.id], record.id))[: limits[name]]
    }
    return [record for record in records if record.id in kept]
