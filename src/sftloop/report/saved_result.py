"""The JSON that a verb left in its run directory, with its manifest, checked as far as every page needs it.

Knows directories and keys; what a result says is for the page of its verb.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftloop.core.errors import DataError, UsageError
from sftloop.core.files import read_json
from sftloop.core.rundir import MANIFEST
from sftloop.report.wording import LANGUAGES


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedResult:
    """The saved result of one verb, as plain data."""

    manifest: Mapping[str, Any]
    """Empty where the directory has none."""
    result: Mapping[str, Any]


def read_result(directory: Path, name: str, verb: str, keys: Sequence[str]) -> SavedResult:
    """Read a verb's run directory.

    Args:
        directory: what the verb wrote.
        name: its result's file.
        verb: as it is called.
        keys: what the result must have; `language` among them.

    Raises:
        UsageError: the directory holds no such file.
        DataError: a file is malformed, lacks a key, or has no page in its language; names file and key.
    """
    path = Path(directory) / name
    if not path.is_file():
        raise UsageError(
            f"'{directory}' holds no result of `sftloop {verb}`: it has no {name}.",
            hint=f"Give the directory that `sftloop {verb}` wrote.",
        )
    result = read_object(path, f"the result of {verb}", keys)
    require_language(result, path)
    return SavedResult(manifest=read_manifest(path.parent), result=result)


def require_language(result: Mapping[str, Any], path: Path) -> None:
    """Make sure that there are words for a page in a result's language.

    Raises:
        DataError: there are none.
    """
    if result["language"] not in LANGUAGES:
        raise DataError(
            f"{path}: the language '{result['language']}' has no page; it must be one of "
            f"{', '.join(LANGUAGES)}."
        )


def read_manifest(directory: Path) -> dict[str, Any]:
    """Return a run directory's manifest, empty where there is none.

    Raises:
        DataError: malformed, or no object.
    """
    path = directory / MANIFEST
    return read_object(path, "the manifest", ()) if path.is_file() else {}


def read_object(path: Path, what: str, keys: Sequence[str]) -> dict[str, Any]:
    """Return a file's JSON object.

    Raises:
        DataError: malformed, no object, or without one of the keys.
    """
    value = read_json(path, what)
    require(value, keys, str(path))
    return dict(value)


def require(value: Any, keys: Sequence[str], where: str) -> None:
    """Make sure that a value is an object with these keys.

    Raises:
        DataError: it is none, or lacks one.
    """
    if not isinstance(value, dict):
        raise DataError(f"{where}: expected an object, got {type(value).__name__}.")
    for key in keys:
        if key not in value:
            raise DataError(f"{where}: '{key}' is missing.", hint="Run the same command again to rewrite it.")
