"""One thing that weakens a scenario, with its place, its reason and its mend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sftloop.scenario.schema import Scenario, Task

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One weakness of a scenario and how to mend it."""

    kind: str
    severity: Severity
    """`error`: answers will be wrong or unusable; `warning`: they will be worse than they need to be."""
    task: str | None = None
    label: str | None = None
    line: int | None
    """Line of the scenario file, from 1."""
    why: str
    """What was found and why it hurts."""
    mend: str
    """What to do about it."""

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        return asdict(self)


def task_finding(
    scenario: Scenario,
    task: Task,
    kind: str,
    severity: Severity,
    why: str,
    mend: str,
    *,
    at: Sequence[str] = (),
    label: str | None = None,
) -> Finding:
    """Return a finding about `task`; `at` leads from the task to the part whose line is named."""
    line = scenario.line("tasks", task.name, *at)
    return Finding(kind=kind, severity=severity, task=task.name, label=label, line=line, why=why, mend=mend)
