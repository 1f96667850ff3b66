"""What `audit` or `select` left in its directory, read and checked as far as its page needs it.

Knows the files' shapes; knows nothing of pages.
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

AUDIT = "audit.json"
SELECT = "select.json"

_AUDIT_KEYS = ("scenario", "language", "n", "findings", "summary")
_FINDING_KEYS = ("kind", "severity", "records", "why", "mend")
_SELECT_KEYS = ("scenario", "language", "mode", "n_in", "n_out")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedCuration:
    """The saved result of one verb, as plain data."""

    manifest: Mapping[str, Any]
    """Empty where the directory has none."""
    result: Mapping[str, Any]


def read_audit(directory: Path) -> SavedCuration:
    """Read an audit's directory.

    Raises:
        UsageError: the directory holds no audit.
        DataError: a file is malformed or lacks a key; names both.
    """
    saved = _read(directory, AUDIT, "audit", _AUDIT_KEYS)
    where = str(directory / AUDIT)
    if not isinstance(saved.result["findings"], list):
        raise DataError(f"{where}: 'findings' must be a list.")
    for number, finding in enumerate(saved.result["findings"], start=1):
        _require(finding, _FINDING_KEYS, f"{where}: finding {number}")
    _require(saved.result["summary"], ("tasks",), f"{where}: 'summary'")
    return saved


def read_selection(directory: Path) -> SavedCuration:
    """Read a selection's directory.

    Raises:
        UsageError: the directory holds no selection.
        DataError: a file is malformed or lacks a key; names both.
    """
    saved = _read(directory, SELECT, "select", _SELECT_KEYS)
    for proof in saved.result.get("proof") or ():
        _require(proof, ("metric", "rows"), f"{directory / SELECT}: 'proof'")
    return saved


def _read(directory: Path, name: str, verb: str, keys: Sequence[str]) -> SavedCuration:
    path = Path(directory) / name
    if not path.is_file():
        raise UsageError(
            f"'{directory}' holds no result of `sftloop {verb}`: it has no {name}.",
            hint=f"Give the directory that `sftloop {verb}` wrote.",
        )
    result = read_json(path, f"the result of {verb}")
    _require(result, keys, str(path))
    if result["language"] not in LANGUAGES:
        raise DataError(
            f"{path}: the language '{result['language']}' has no page; it must be one of "
            f"{', '.join(LANGUAGES)}."
        )
    return SavedCuration(manifest=_manifest(path.parent / MANIFEST), result=result)


def _manifest(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    manifest = read_json(path, "the manifest")
    _require(manifest, (), str(path))
    return dict(manifest)


def _require(value: Any, keys: Sequence[str], where: str) -> None:
    if not isinstance(value, dict):
        raise DataError(f"{where}: expected an object, got {type(value).__name__}.")
    for key in keys:
        if key not in value:
            raise DataError(f"{where}: '{key}' is missing.", hint="Run the same command again to rewrite it.")
