"""The exceptions that end a command with one clear message and an exit code.

Knows nothing of what went wrong in detail: whoever raises says what, the value, where and the next step.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class SftloopError(Exception):
    """A failure that is explained to the user in one message, without a traceback.

    Args:
        message: what was wrong, the value, the rule and where (file, line, record id).
        hint: the next step, or empty.
    """

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(SftloopError):
    """The command line asks for something impossible."""


class ScenarioError(SftloopError):
    """scenario.yaml is malformed or contradicts itself."""


class DataError(SftloopError):
    """A data file or a record is malformed or doesn't fit the scenario."""


class ModelError(SftloopError):
    """A model or an adapter is missing, unreadable or of the wrong kind."""


class TrainingError(SftloopError):
    """Training can't go on (diverged loss, impossible settings)."""


class MissingDependency(SftloopError):
    """An optional package is not installed; the hint holds the exact install command."""


class ExternalError(SftloopError):
    """Something outside failed: a model service, a hub, the disk."""

    exit_code = 3


def nearest(word: str, options: Iterable[str]) -> str:
    """Return a sentence naming the option nearest to `word`, or listing a few when none is near."""
    names = [str(option) for option in options]
    close = get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{close[0]}'?"
    if not names:
        return ""
    shown = ", ".join(f"'{name}'" for name in names[:12])
    return f"Valid: {shown}{', …' if len(names) > 12 else ''}."
