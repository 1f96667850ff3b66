"""One choice of a plan: the value, one sentence that says why in two languages, and the rule it comes from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A setting and its reason."""

    name: str
    """A key of the training section, or `base_model`."""
    value: Any
    because: str
    because_zh: str
    row: str
    """The rule it follows: H8, J2 …"""

    def to_json(self) -> dict[str, Any]:
        """Return it as the plan's file has it."""
        return asdict(self)


def given(name: str, value: Any, row: str) -> Choice:
    """Return a choice that the user made."""
    return Choice(name=name, value=value, because="You chose it.", because_zh="由你指定。", row=row)
