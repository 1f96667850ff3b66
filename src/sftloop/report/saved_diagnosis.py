"""What `diagnose` left in its directory, read and checked as far as its page needs it.

Knows the file's shape; knows nothing of pages.
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

DIAGNOSE = "diagnose.json"
_KEYS = ("scenario", "language", "model", "split", "n", "tasks", "compared", "suggestions", "records")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedDiagnosis:
    """The saved result, as plain data."""

    manifest: Mapping[str, Any]
    """Empty where the directory has none."""
    result: Mapping[str, Any]


def read_diagnosis(directory: Path) -> SavedDiagnosis:
    """Read a diagnosis's directory.

    Raises:
        UsageError: the directory holds no diagnosis.
        DataError: a file is malformed or lacks a key; names both.
    """
    path = Path(directory) / DIAGNOSE
    if not path.is_file():
        raise UsageError(
            f"'{directory}' holds no result of `sftloop diagnose`: it has no {DIAGNOSE}.",
            hint="Give the directory that `sftloop diagnose hallucination` wrote.",
        )
    result = read_json(path, "the result of diagnose")
    missing = [key for key in _KEYS if key not in result] if isinstance(result, dict) else list(_KEYS)
    if missing:
        raise DataError(
            f"{path}: '{missing[0]}' is missing.", hint="Run the same command again to rewrite it."
        )
    if result["language"] not in LANGUAGES:
        raise DataError(
            f"{path}: the language '{result['language']}' has no page; it must be one of "
            f"{', '.join(LANGUAGES)}."
        )
    manifest_file = path.parent / MANIFEST
    manifest = read_json(manifest_file, "the manifest") if manifest_file.is_file() else {}
    return SavedDiagnosis(manifest=manifest if isinstance(manifest, dict) else {}, result=result)
