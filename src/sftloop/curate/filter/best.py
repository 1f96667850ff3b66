"""The best so many of a stream, in memory for about twice as many; equal texts count once.

Knows scores and keys; not what they mean. The result doesn't depend on the order of the stream: ties go to
the smaller key, equal texts to the higher score, then to the smaller name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item")


class Scored(NamedTuple, Generic[Item]):
    """Something with its score."""

    score: float
    key: int
    """Equal for equal texts."""
    name: str
    item: Item


class Best(Generic[Item]):
    """Keeps the highest scores of what it is offered.

    Args:
        keep: how many.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._held: list[Scored[Item]] = []
        self._bar = -np.inf

    def offer(
        self,
        scores: NDArray[np.float64],
        keys: NDArray[np.uint64],
        names: Sequence[str],
        items: Sequence[Item],
    ) -> None:
        """Take in a block; all of one length."""
        for place in np.flatnonzero(scores >= self._bar).tolist():
            self._held.append(Scored(float(scores[place]), int(keys[place]), names[place], items[place]))
        if len(self._held) >= 2 * self._keep:
            self._cut()

    def ranked(self) -> list[Scored[Item]]:
        """Return what is kept, the best first."""
        self._cut()
        return list(self._held)

    def _cut(self) -> None:
        self._held.sort(key=lambda each: (-each.score, each.key, each.name))
        first: dict[int, Scored[Item]] = {}
        for each in self._held:
            first.setdefault(each.key, each)
        once = list(first.values())
        self._held = once[: self._keep]
        if len(once) >= self._keep:
            self._bar = self._held[-1].score
