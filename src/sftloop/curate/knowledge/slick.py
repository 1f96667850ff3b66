"""How well a model knows one fact: the four classes of SliCK, decided with few generations.

Gekhman et al. (2024, arXiv:2405.05904, section 3) ask with 10 few-shot prompts, once greedily and 16 times at
temperature 0.5 each: 170 generations. Right in every greedy answer is `highly_known`, in some `maybe_known`, in
samples only `weakly_known`, never `unknown`. Here the expected answer is first scored behind all 10 prompts, a
forward pass without writing, which tells how likely greedy answers and samples are to be exactly it. Only what is
still open then is written, the most telling first.

Knows right and wrong; doesn't know models, prompts or texts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, get_args

Knowledge = Literal["highly_known", "maybe_known", "weakly_known", "unknown"]

CLASSES: tuple[Knowledge, ...] = get_args(Knowledge)
"""The best known first."""
PROMPTS, SAMPLES = 10, 16
"""Few-shot prompts per fact, and samples per prompt beside the greedy answer."""

_MISSES = 4
"""Greedy answers that must be wrong before the others count as wrong, where none is the expected one."""
_SURE = 0.05
"""A class is taken once the full procedure would contradict it with at most this probability."""
_MOST_SAMPLES = 24
_AT_ONCE = 8
"""Samples written before looking again."""


class Chance(Protocol):
    """How likely a prompt's answer is exactly the expected one."""

    @property
    def greedy(self) -> bool:
        """The greedy answer is."""
        ...

    @property
    def probability(self) -> float:
        """That a sample is."""
        ...


class Wanted(NamedTuple):
    """One answer to write."""

    prompt: int
    sample: int | None
    """The sample's number, None for the greedy answer."""


def full_class(greedy: Sequence[bool], samples: Sequence[bool]) -> Knowledge:
    """Return the class by the paper's definition, from all answers of one fact.

    Args:
        greedy: per prompt, whether the greedy answer was right.
        samples: whether each sample was, of all prompts.
    """
    if any(greedy):
        return "highly_known" if all(greedy) else "maybe_known"
    return "weakly_known" if any(samples) else "unknown"


@dataclass(slots=True)
class Inquiry:
    """What is known so far about one fact; ask for `wanted`, `tell` each result, until there is a `verdict`."""

    chances: Sequence[Chance]
    """One per prompt."""
    greedy: dict[int, bool] = field(default_factory=dict)
    """Per prompt whose greedy answer was written: was it right?"""
    missed: dict[int, int] = field(default_factory=dict)
    """Per prompt: samples that were wrong."""
    hit: bool = False
    """A sample was right."""
    generations: int = 0
    """Answers written so far."""

    @property
    def verdict(self) -> Knowledge | None:
        """The class, or None while it is open."""
        hits, misses = self._greedy_hits(), len(self.greedy) - sum(self.greedy.values())
        if hits:
            if misses:
                return "maybe_known"
            return "highly_known" if hits == len(self.chances) else None
        if misses < _MISSES:
            return None
        return self._by_samples()

    def wanted(self) -> list[Wanted]:
        """Return the answers to write next; none once there is a verdict."""
        if self.verdict is not None:
            return []
        by_chance = sorted(range(len(self.chances)), key=lambda j: (-self.chances[j].probability, j))
        open_ = [j for j in by_chance if not self.chances[j].greedy and j not in self.greedy]
        if self._greedy_hits():
            return [Wanted(open_[-1], None)]  # the one that is most likely wrong
        if not self.greedy:
            return [Wanted(prompt, None) for prompt in open_[:_MISSES]]
        best = next(j for j in by_chance if self.missed.get(j, 0) < SAMPLES)
        first = self.missed.get(best, 0)
        return [Wanted(best, number) for number in range(first, min(first + _AT_ONCE, SAMPLES))]

    def tell(self, results: Mapping[Wanted, bool]) -> None:
        """Take in which of the wanted answers were right."""
        self.generations += len(results)
        for (prompt, sample), right in results.items():
            if sample is None:
                self.greedy[prompt] = right
            elif right:
                self.hit = True
            else:
                self.missed[prompt] = self.missed.get(prompt, 0) + 1

    def _greedy_hits(self) -> int:
        return sum(self.greedy.get(j, chance.greedy) for j, chance in enumerate(self.chances))

    def _by_samples(self) -> Knowledge | None:
        """Weakly known or unknown: what would the samples not yet drawn of the full procedure say?"""
        if self.hit:
            return "weakly_known"
        still = 1 - math.prod(
            (1 - min(chance.probability, 1.0)) ** (SAMPLES - self.missed.get(j, 0))
            for j, chance in enumerate(self.chances)
        )
        if still <= _SURE:
            return "unknown"
        if still >= 1 - _SURE:
            return "weakly_known"
        if sum(self.missed.values()) >= _MOST_SAMPLES:
            return "weakly_known" if still >= 0.5 else "unknown"
        return None
