"""One line of facts on the page: a name and its value, both as written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A name and what it stands for."""

    name: str
    value: str
    style: str = ""
    """CSS class of the bar that the fact explains."""
