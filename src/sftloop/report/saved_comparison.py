"""What `compare` left in its directory, read and checked as far as its page needs it.

Knows the files' shapes; knows nothing of pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftloop.report.saved_result import SavedResult, read_object, read_result

COMPARE = "compare.json"
SIDE_BY_SIDE = "side_by_side.json"

_KEYS = ("scenario", "language", "split", "n", "tasks", "systems", "pairs", "decision")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedComparison(SavedResult):
    """The saved result with every record's answers, as plain data."""

    records: Mapping[str, Any]
    """{"n", "differ", "rows"}."""


def read_comparison(directory: Path) -> SavedComparison:
    """Read a comparison's directory.

    Raises:
        UsageError: the directory holds no comparison.
        DataError: a file is malformed or lacks a key; names both.
    """
    saved = read_result(directory, COMPARE, "compare", _KEYS)
    path = Path(directory) / SIDE_BY_SIDE
    return SavedComparison(
        manifest=saved.manifest,
        result=saved.result,
        records=read_object(path, "the answers side by side", ("n", "differ", "rows")),
    )
