"""Which examples make up each optimizer step, for the whole training, decided before it starts.

A step's batch holds one task where possible, so that one prefix serves it all; what is left over of each
task forms mixed batches. The plan depends on the seed alone, so an interrupted training goes on exactly.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence

from sftloop.core.seeds import derive_seed


def plan_steps(
    tasks: Sequence[str],
    labels: Sequence[str | None],
    *,
    epochs: float,
    batch_size: int,
    seed: int,
    mix_tasks: bool = False,
    weights: Mapping[str, float] | None = None,
) -> list[list[int]]:
    """Return the example indices of every optimizer step.

    Args:
        tasks: the task of each example.
        labels: its label, or None where a task has none.
        epochs: passes over the data; a fraction cuts the last one short.
        batch_size: examples per step; the last steps of an epoch may hold fewer.
        seed: for the shuffling.
        mix_tasks: draw every batch from all tasks instead.
        weights: how often a task's examples come per epoch, if not once; what a fraction leaves out is drawn
            anew in every epoch. One of them comes at least.
    """
    steps: list[list[int]] = []
    for epoch in range(math.ceil(epochs)):
        shuffle = random.Random(derive_seed(seed, "epoch", epoch))
        order = _weighted(tasks, weights or {}, shuffle)
        batches = _epoch(order, tasks, labels, batch_size, shuffle, mix_tasks)
        share = min(1.0, epochs - epoch)
        steps += batches[: max(1, round(len(batches) * share))]
    return steps


def _weighted(tasks: Sequence[str], weights: Mapping[str, float], shuffle: random.Random) -> list[int]:
    """Return the epoch's examples in random order: w times each, a fraction of w for some."""
    order = list(range(len(tasks)))
    shuffle.shuffle(order)
    if not weights:
        return order
    seen: dict[str, int] = {}
    counts = Counter(tasks)
    times: list[int] = []
    for index in order:
        task = tasks[index]
        place = seen.get(task, 0)
        seen[task] = place + 1
        whole, part = divmod(weights.get(task, 1.0), 1)
        least = 1 if part and not whole else 0
        times += [index] * (int(whole) + (place < max(least, round(part * counts[task]))))
    shuffle.shuffle(times)
    return times


def _epoch(
    order: Sequence[int],
    tasks: Sequence[str],
    labels: Sequence[str | None],
    size: int,
    shuffle: random.Random,
    mix_tasks: bool,
) -> list[list[int]]:
    if mix_tasks:
        return [list(order[start : start + size]) for start in range(0, len(order), size)]
    by_task: dict[str, list[int]] = {}
    for index in order:
        by_task.setdefault(tasks[index], []).append(index)
    whole: list[list[int]] = []
    rest: list[int] = []
    for mine in by_task.values():
        own = _spread(mine, labels, shuffle)
        cut = len(own) - len(own) % size
        whole += [own[start : start + size] for start in range(0, cut, size)]
        rest += own[cut:]
    whole += [rest[start : start + size] for start in range(0, len(rest), size)]
    shuffle.shuffle(whole)
    return whole


def _spread(order: Sequence[int], labels: Sequence[str | None], shuffle: random.Random) -> list[int]:
    """Space each label's examples evenly over the whole, from a random start."""
    by_label: dict[str | None, list[int]] = {}
    for index in order:
        by_label.setdefault(labels[index], []).append(index)
    places: list[tuple[float, int]] = []
    for own in by_label.values():
        start = shuffle.random()
        places += [((rank + start) / len(own), index) for rank, index in enumerate(own)]
    return [index for _, index in sorted(places)]
