"""What `compare` left in its directory, read and checked as far as its page needs it.

Knows the files' shapes; knows nothing of pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftloop.core.errors import DataError, UsageError
from sftloop.core.files import read_json
from sftloop.core.rundir import MANIFEST
from sftloop.report.wording import LANGUAGES

COMPARE = "compare.json"
SIDE_BY_SIDE = "side_by_side.json"

_KEYS = ("scenario", "language", "split", "n", "tasks", "systems", "pairs", "decision")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedComparison:
    """The saved result, as plain data."""

    manifest: Mapping[str, Any]
    """Empty where the directory has none."""
    result: Mapping[str, Any]
    records: Mapping[str, Any]
    """{"n", "differ", "rows"}."""


def read_comparison(directory: Path) -> SavedComparison:
    """Read a comparison's directory.

    Raises:
        UsageError: the directory holds no comparison.
        DataError: a file is malformed or lacks a key; names both.
    """
    path = Path(directory) / COMPARE
    if not path.is_file():
        raise UsageError(
            f"'{directory}' holds no result of `sftloop compare`: it has no {COMPARE}.",
            hint="Give the directory that `sftloop compare` wrote.",
        )
    result = _object(path, "the result of compare", _KEYS)
    if result["language"] not in LANGUAGES:
        raise DataError(
            f"{path}: the language '{result['language']}' has no page; it must be one of {', '.join(LANGUAGES)}."
        )
    manifest = path.with_name(MANIFEST)
    return SavedComparison(
        manifest=_object(manifest, "the manifest", ()) if manifest.is_file() else {},
        result=result,
        records=_object(path.with_name(SIDE_BY_SIDE), "the answers side by side", ("n", "differ", "rows")),
    )


def _object(path: Path, what: str, keys: tuple[str, ...]) -> dict[str, Any]:
    value = read_json(path, what)
    if not isinstance(value, dict):
        raise DataError(f"{path}: expected an object, got {type(value).__name__}.")
    for key in keys:
        if key not in value:
            raise DataError(f"{path}: '{key}' is missing.", hint="Run the same command again to rewrite it.")
    return value
