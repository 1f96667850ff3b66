"""What `prompt improve` left in its directory, read and checked as far as its page needs it.

Knows the file's shape; knows nothing of pages.
"""

from __future__ import annotations

from pathlib import Path

from sftloop.report.saved_result import SavedResult, read_result, require

IMPROVE = "improve.json"

_KEYS = ("scenario", "language", "model", "writer", "n", "tasks", "groups", "proposals", "accepted", "test")
_PROPOSAL_KEYS = ("id", "round", "group", "task", "part", "text", "refused", "diff", "test", "decision")


def read_improvement(directory: Path) -> SavedResult:
    """Read the directory of a `prompt improve`.

    Raises:
        UsageError: the directory holds none.
        DataError: a file is malformed or lacks a key; names both.
    """
    saved = read_result(directory, IMPROVE, "prompt improve", _KEYS)
    for number, proposal in enumerate(saved.result["proposals"], start=1):
        require(proposal, _PROPOSAL_KEYS, f"{Path(directory) / IMPROVE}: proposal {number}")
    return saved
