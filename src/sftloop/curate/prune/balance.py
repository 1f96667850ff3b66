"""Joining the orders of several labels into one: labels in equal shares, tasks in proportion to their sizes.

Knows strata and places; what an order within a label rests on is for the caller.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

Phase = Literal["floor", "protected", "coverage"]
"""Why a record comes when it does: its label has few yet, it is protected, or for what it covers."""
Stratum = tuple[str, str]
"""A task and a label, "" where it has none."""
Queue = Sequence[tuple[int, bool]]
"""Places in the order in which a label would give them up, and whether each is protected; those come first."""


def in_balance(queues: Mapping[Stratum, Queue], floor: int) -> Iterator[tuple[int, Phase]]:
    """Yield every place of every queue, each queue in its own order.

    The task whose share is furthest behind goes next, and in it the label with the fewest records so far; of
    several the rarest.

    Args:
        queues: one per stratum.
        floor: every label gets this many, or all it has, before the rest of the protected and of the others.
    """
    taken: Counter[Stratum] = Counter()
    shielded = {stratum: sum(is_so for _, is_so in queue) for stratum, queue in queues.items()}
    limits: list[tuple[Phase, dict[Stratum, int]]] = [
        ("floor", {stratum: min(floor, len(queue)) for stratum, queue in queues.items()}),
        ("protected", shielded),
        ("coverage", {stratum: len(queue) for stratum, queue in queues.items()}),
    ]
    for phase, limit in limits:
        for stratum in _turns(limit, taken, {stratum: len(queue) for stratum, queue in queues.items()}):
            yield queues[stratum][taken[stratum]][0], phase
            taken[stratum] += 1


def _turns(
    limit: Mapping[Stratum, int], taken: Mapping[Stratum, int], sizes: Mapping[Stratum, int]
) -> Iterator[Stratum]:
    """Yield whose turn it is until every stratum has `limit`; the caller counts `taken` up in between."""
    total: Counter[str] = Counter()
    done: Counter[str] = Counter()
    labels: dict[str, list[tuple[int, int, Stratum]]] = {}
    for stratum, size in sizes.items():
        task = stratum[0]
        total[task] += size
        done[task] += taken[stratum]
        if taken[stratum] < limit[stratum]:
            heapq.heappush(labels.setdefault(task, []), (taken[stratum], size, stratum))
    tasks = [(done[task] / total[task], task) for task in labels]
    heapq.heapify(tasks)
    while tasks:
        task = tasks[0][1]
        stratum = labels[task][0][2]
        yield stratum
        done[task] += 1
        if taken[stratum] < limit[stratum]:
            heapq.heapreplace(labels[task], (taken[stratum], sizes[stratum], stratum))
        else:
            heapq.heappop(labels[task])
        if labels[task]:
            heapq.heapreplace(tasks, (done[task] / total[task], task))
        else:
            heapq.heappop(tasks)
