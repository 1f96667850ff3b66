"""Several orders made into one, by ranks alone: scores of different kinds can't be added."""

from __future__ import annotations

from collections.abc import Iterable

_OFFSET = 60
"""The usual one: how little the very first ranks count more than the next."""


def fused_ranks(*orders: Iterable[int]) -> dict[int, float]:
    """Return the sum of each item's reciprocal ranks (Cormack, Clarke & Büttcher 2009, SIGIR), the highest first.

    Args:
        orders: keys of items, the best first. An order that lacks an item adds nothing to it; among equal sums the
            smaller key goes first.
    """
    sums: dict[int, float] = {}
    for order in orders:
        for rank, key in enumerate(order, start=1):
            sums[key] = sums.get(key, 0.0) + 1 / (_OFFSET + rank)
    return dict(sorted(sums.items(), key=lambda each: (-each[1], each[0])))
