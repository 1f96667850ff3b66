"""One proposal on its way: what it changes, whether it was refused, how its test ended.

Holds what the rounds find out; finds out nothing itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sftloop.scenario.yaml_edit import Change
from sftloop.workflow.improve_check import Checked, Refusal


@dataclass(slots=True, kw_only=True)
class Proposal:
    """One proposal and what became of it."""

    id: str
    round: int
    group: str
    task: str
    change: Change | None
    """None: what the writer wrote names no change."""
    why: str
    """The writer's."""
    written: str
    """The writer's answer as it came."""
    now: str = ""
    """The definition that it would replace."""
    again: str | None = None
    """The proposal of an earlier round that is tested again on the prompt accepted since."""
    refused: Refusal | None = None
    checked: Checked | None = None
    diff: str = ""
    test: dict[str, Any] | None = None
    decision: str | None = None

    @property
    def outcome(self) -> str:
        """How it ended: the kind of its refusal, or the decision."""
        return self.refused.kind if self.refused else self.decision or "tested"

    @property
    def gain(self) -> float:
        """By how much its test was better; -1 where there is none."""
        difference = self.test["difference"] if self.test else None
        return -1.0 if difference is None else float(difference)

    def to_json(self) -> dict[str, Any]:
        """Return the proposal as plain data."""
        change = self.change
        return {
            "id": self.id,
            "round": self.round,
            "group": self.group,
            "task": self.task,
            "name": change.name if change else None,
            "part": change.part if change else None,
            "text": change.text if change else None,
            "now": self.now,
            "why": self.why,
            "written": self.written,
            "again": self.again,
            "refused": asdict(self.refused) if self.refused else None,
            "diff": self.diff,
            "test": self.test,
            "decision": self.decision,
        }
