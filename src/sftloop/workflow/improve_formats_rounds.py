"""Successive halving over formats: all of them on few records, the better half on twice as many, and so on.

Jamieson and Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter optimization",
https://arxiv.org/abs/1502.07943. The records of a round hold those of the round before, so that answers are used
again. Knows names, scores and counts; asks no model.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sftloop.core.errors import UsageError
from sftloop.core.seeds import derive_seed
from sftloop.records import Record, split_records

FINALISTS = 3
"""Formats beside the present one that go into the final comparison."""
FIRST_RECORDS = 16
"""In the first round, where the budget has room for more than the first few."""
FEWEST_RECORDS = 4
FEWEST_FINAL = 16
"""Held-out records below which no comparison is worth its name, as far as there are so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How many formats answer how many records."""

    rounds: tuple[tuple[int, int], ...]
    """(formats, records) per round, the present format among them."""
    final: int
    """Held-out records of the final comparison."""

    @property
    def answers(self) -> int:
        """Answers that it takes, the finalists' included; the test isn't."""
        return sum(_new_answers(self.rounds)) + _in_final(self.rounds[0][0]) * self.final


def halves(records: Sequence[Record], seed: int) -> tuple[list[Record], list[Record]]:
    """Return the records to halve by and those held out for the final comparison.

    Both come ordered so that any first part holds the tasks and labels evenly. Records of one group, or with one
    input, stay on one side. The division depends on ids and seed, not on the records' order.
    """
    parts = split_records(records, {"pool": 0.5, "held_out": 0.5}, seed=seed)
    return _spread(parts["pool"], seed), _spread(parts["held_out"], seed)


def _spread(records: Sequence[Record], seed: int) -> list[Record]:
    """Return the records so that labels, and tasks, come evenly."""
    ranked: dict[str, dict[tuple[str, ...], list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in sorted(records, key=lambda each: (derive_seed("formats", seed, each.id), each.id)):
        ranked[record.task][record.labels()].append(record)
    placed = []
    for task, by_label in ranked.items():
        own = sorted(
            ((rank + derive_seed("start", seed, label) / 2**32) / len(of_label), record.id, record)
            for label, of_label in by_label.items()
            for rank, record in enumerate(of_label)
        )
        placed += [((rank + 0.5) / len(own), task, record) for rank, (_, _, record) in enumerate(own)]
    return [record for _, _, record in sorted(placed, key=lambda each: (each[0], each[1], each[2].id))]


def schedule_for(formats: int, pool: int, held_out: int, answers: float) -> Schedule:
    """Return the largest schedule within so many answers, half of them for the rounds, half for the finalists.

    Args:
        formats: that are tried, the present one among them.
        pool: records to halve by.
        held_out: records for the final comparison.
        answers: the budget; infinite where there is none.

    Raises:
        UsageError: not even the smallest one fits.
    """
    fewest, least, sides = min(FEWEST_RECORDS, pool), min(held_out, FEWEST_FINAL), _in_final(formats)
    for first in range(min(FIRST_RECORDS, pool), fewest - 1, -1):
        rounds = _rounds(formats, first, pool)
        halving = sum(_new_answers(rounds))
        room = held_out if math.isinf(answers) else int((answers - halving) // sides)
        if halving <= answers / 2 and room >= least:
            break
    if room < least:
        raise UsageError(
            f"The budget has room for {max(0, int(answers))} answers; {formats} formats need "
            f"{halving + least * sides} at least.",
            hint="Give more --minutes or --records, or vary less with --factor order (repeatable).",
        )
    return Schedule(rounds=rounds, final=min(held_out, room))


def _in_final(formats: int) -> int:
    return min(formats, FINALISTS + 1)


def _rounds(formats: int, first: int, pool: int) -> tuple[tuple[int, int], ...]:
    rounds, records = [(formats, first)], first
    while rounds[-1][0] - 1 > FINALISTS:
        records = min(pool, 2 * records)
        rounds.append((max(FINALISTS + 1, math.ceil(rounds[-1][0] / 2)), records))
    return tuple(rounds[:-1]) if len(rounds) > 1 and rounds[-1][0] == FINALISTS + 1 else tuple(rounds)


def _new_answers(rounds: Sequence[tuple[int, int]]) -> list[int]:
    before = [0, *(records for _, records in rounds)]
    return [formats * (records - had) for (formats, records), had in zip(rounds, before, strict=False)]


def halve(
    names: Sequence[str],
    current: str,
    schedule: Schedule,
    score: Callable[[str, int, int], float],
    go_on: Callable[[int], bool],
) -> tuple[list[dict[str, Any]], list[str]]:
    """Run the rounds and return them and the finalists, the best first, without the present format.

    Args:
        names: the formats, the present one first.
        current: the present one; it answers in every round and is never dropped.
        schedule: how many answer how much.
        score: name, number of records, number of the round → how good; larger is better.
        go_on: after round number k, whether there is time for another one.
    """
    alive, rounds = list(names), []
    for number, (_, records) in enumerate(schedule.rounds):
        scores = {name: score(name, records, number) for name in alive}
        ranked = sorted(scores, key=lambda name: (-scores[name], names.index(name)))
        others = [name for name in ranked if name != current]
        last = number + 1 == len(schedule.rounds) or not go_on(number)
        keep = FINALISTS if last else schedule.rounds[number + 1][0] - 1
        alive = [current, *others[:keep]]
        rounds.append({"records": records, "scores": scores, "kept": alive})
        if last:
            break
    return rounds, alive[1:]


def level_means(
    levels: Mapping[str, Mapping[str, str]], scores: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """Return factor → level → mean score of the formats that have it."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name, own in levels.items():
        for factor, level in own.items():
            found[factor][level].append(scores[name])
    return {
        factor: {level: sum(values) / len(values) for level, values in by_level.items()}
        for factor, by_level in found.items()
    }
