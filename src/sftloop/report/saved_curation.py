"""What `audit` or `select` left in its directory, read and checked as far as its page needs it.

Knows the files' shapes; knows nothing of pages.
"""

from __future__ import annotations

from pathlib import Path

from sftloop.core.errors import DataError
from sftloop.report.saved_result import SavedResult, read_result, require

AUDIT = "audit.json"
SELECT = "select.json"

_AUDIT_KEYS = ("scenario", "language", "n", "findings", "summary")
_FINDING_KEYS = ("kind", "severity", "records", "why", "mend")
_SELECT_KEYS = ("scenario", "language", "mode", "n_in", "n_out")


def read_audit(directory: Path) -> SavedResult:
    """Read an audit's directory.

    Raises:
        UsageError: the directory holds no audit.
        DataError: a file is malformed or lacks a key; names both.
    """
    saved = read_result(directory, AUDIT, "audit", _AUDIT_KEYS)
    where = str(directory / AUDIT)
    if not isinstance(saved.result["findings"], list):
        raise DataError(f"{where}: 'findings' must be a list.")
    for number, finding in enumerate(saved.result["findings"], start=1):
        require(finding, _FINDING_KEYS, f"{where}: finding {number}")
    require(saved.result["summary"], ("tasks",), f"{where}: 'summary'")
    return saved


def read_selection(directory: Path) -> SavedResult:
    """Read a selection's directory.

    Raises:
        UsageError: the directory holds no selection.
        DataError: a file is malformed or lacks a key; names both.
    """
    saved = read_result(directory, SELECT, "select", _SELECT_KEYS)
    for proof in saved.result.get("proof") or ():
        require(proof, ("metric", "rows"), f"{directory / SELECT}: 'proof'")
    return saved
