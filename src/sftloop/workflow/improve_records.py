"""Which tasks a prompt can be improved for, and their validation records: some to learn from, others to test."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sftloop.core.errors import DataError, UsageError
from sftloop.records import Record, split_records
from sftloop.scenario import Scenario, require_tasks
from sftloop.workflow.improve_groups import KINDS

_SEEN_SHARE = 1 / 3
"""Enough to read mistakes from; the rest decides, and a test needs records more."""


def divide(
    records: Sequence[Record], tasks: Sequence[str], seed: int
) -> tuple[dict[str, list[Record]], dict[str, list[Record]]]:
    """Return the records to learn from and those to test on, per task.

    Raises:
        DataError: a task's records can't be divided.
    """
    parts = split_records(records, {"seen": _SEEN_SHARE, "held_out": 1 - _SEEN_SHARE}, seed=seed)
    seen, held_out = (
        {name: [record for record in parts[part] if record.task == name] for name in tasks}
        for part in ("seen", "held_out")
    )
    for name in tasks:
        count = len(seen[name]) + len(held_out[name])
        if not count:
            del seen[name], held_out[name]
        elif not seen[name] or not held_out[name]:
            raise DataError(
                f"Task '{name}' has {count} validation records, too few to learn from some and test on others.",
                hint="Add validation records (some dozens per task), or name other tasks with --task.",
            )
    return seen, held_out


def improvable_tasks(scenario: Scenario, tasks: Collection[str] | None) -> list[str]:
    """Return the tasks whose prompts hold definitions, of those asked for.

    Raises:
        UsageError: one that was asked for has none, or no task has any.
    """
    require_tasks(scenario, tasks or ())
    found = [
        name for name, task in scenario.tasks.items() if task.kind in KINDS and (not tasks or name in tasks)
    ]
    without = [name for name in tasks or () if name not in found]
    if without:
        kind = scenario.tasks[without[0]].kind
        raise UsageError(
            f"Task '{without[0]}' is a {kind}: its prompt holds no definitions that could be improved.",
            hint="Tasks that choose labels or extract fields have some.",
        )
    if not found and not tasks:
        raise UsageError(
            f"No task of '{scenario.name}' has definitions that could be improved.",
            hint="Tasks that choose labels or extract fields have some.",
        )
    return found or list(tasks or ())
