"""Whether a scenario has the tasks that a command names."""

from __future__ import annotations

from collections.abc import Iterable

from sftloop.core.errors import UsageError, nearest
from sftloop.scenario.schema import Scenario


def require_tasks(scenario: Scenario, tasks: Iterable[str] | None) -> None:
    """Refuse names that are none of the scenario's tasks.

    Args:
        scenario: whose tasks count.
        tasks: the names; None: all, which is fine.

    Raises:
        UsageError: one isn't there; the message has the nearest.
    """
    for task in tasks or ():
        if task not in scenario.tasks:
            raise UsageError(
                f"The scenario '{scenario.name}' has no task '{task}'.", hint=nearest(task, scenario.tasks)
            )
