"""How one task's records are spread over labels and difficulties, and what a cap drops of them.

Counts; difficulty comes from tags or is passed in. What of it is a weakness is for `imbalance.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sftloop.curate.difficulty.levels import LEVELS, Level
from sftloop.records import Record, TaskCap, cap_records
from sftloop.scenario import Scenario, Task

DEFAULT_CAP = 1000
"""Records per task where the scenario sets no `max_records`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceFacts:
    """How one task's records are spread."""

    task: str
    n: int
    characters: int
    """Of all inputs and of the written parts of the answers."""
    labels: Mapping[str, int]
    """Every label of the task, also without records."""
    difficulty: Mapping[str, int] | None
    """easy, boundary, hard → records; None: not known."""
    by_label: Mapping[str, Mapping[str, int]]
    """Label → easy, boundary, hard → records; empty where the difficulty isn't known."""
    cap: TaskCap | None
    """What the cap drops; None: the task is within it."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        levels = None if self.difficulty is None else {**self.difficulty, "by_label": dict(self.by_label)}
        return {
            "task": self.task,
            "n": self.n,
            "characters": self.characters,
            "labels": dict(self.labels),
            "difficulty": levels,
            "cap": self.cap and {"limit": self.cap.limit, "dropped": len(self.cap.dropped)},
        }


def task_caps(records: Sequence[Record], scenario: Scenario, seed: int) -> dict[str, TaskCap]:
    """Return what the cap, the scenario's or the default, drops of each task that is over it."""
    capped = {
        name: task.model_copy(update={"max_records": task.max_records or DEFAULT_CAP})
        for name, task in scenario.tasks.items()
    }
    known = [record for record in records if record.task in capped]
    return cap_records(known, scenario.model_copy(update={"tasks": capped}), seed=seed).tasks


def levels_of(records: Sequence[Record], measured: Mapping[str, Level] | None) -> dict[str, Level]:
    """Return record's id → level; empty where nothing is known."""
    if measured is not None:
        return {record.id: measured[record.id] for record in records if record.id in measured}
    tagged: dict[str, Level] = {}
    for record in records:
        found = [level for level in LEVELS if level in record.tags]
        if found:
            tagged[record.id] = found[-1]
    return {record.id: tagged.get(record.id, "easy") for record in records} if tagged else {}


def count_task(
    task: Task, records: Sequence[Record], levels: Mapping[str, Level], cap: TaskCap | None
) -> BalanceFacts:
    """Count one task's records.

    Args:
        task: gives the labels.
        records: of this task.
        levels: record's id → level; empty where nothing is known.
        cap: what the cap drops, if the task is over it.
    """
    counts = Counter(levels.values())
    return BalanceFacts(
        task=task.name,
        n=len(records),
        characters=sum(_characters(record) for record in records),
        labels=label_counts(task, records),
        difficulty={level: counts[level] for level in LEVELS} if levels else None,
        by_label=_levels_by_label(task, records, levels) if levels else {},
        cap=cap,
    )


def label_counts(task: Task, records: Sequence[Record]) -> dict[str, int]:
    """Return every label of the task with its records, in the scenario's order."""
    counts = Counter(label for record in records for label in record.labels())
    return {label: counts[label] for label in task.labels}


def _levels_by_label(
    task: Task, records: Sequence[Record], levels: Mapping[str, Level]
) -> dict[str, dict[str, int]]:
    by_label: dict[str, dict[str, int]] = {label: dict.fromkeys(LEVELS, 0) for label in task.labels}
    for record in records:
        for label in record.labels():
            if record.id in levels and label in by_label:
                by_label[label][levels[record.id]] += 1
    return by_label


def _characters(record: Record) -> int:
    answer = record.answer
    written = [*record.documents(), *record.labels(), answer.text, answer.reason]
    written += [*(answer.evidence or ()), *(answer.fields or {}).values()]
    return sum(len(str(part)) for part in written if part is not None)
