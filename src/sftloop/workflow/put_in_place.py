"""The improved scenario in the old one's place: never silently, never over an edit made meanwhile.

Knows files; doesn't know what was improved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sftloop.core.errors import UsageError
from sftloop.core.files import atomic_write_text, disk_errors, sha256_file
from sftloop.scenario import Scenario

_BOM = b"\xef\xbb\xbf"


def put_in_place(scenario: Scenario, known: str, text: str, worse: Sequence[str]) -> dict[str, Any]:
    """Replace scenario.yaml by the improved text, keeping the old one beside it.

    Args:
        scenario: as it was loaded.
        known: hash of the file then.
        text: the improved one.
        worse: tasks of which the test records say that they got worse.

    Returns:
        {"file", "backup"}, or {"file", "held_back": tasks} where a task got worse: the file is left alone.

    Raises:
        UsageError: the file changed meanwhile.
    """
    assert scenario.file is not None
    file = scenario.file.resolve()
    if worse:
        return {"file": str(scenario.file), "held_back": list(worse)}
    if sha256_file(file) != known:
        raise UsageError(
            f"'{scenario.file}' changed since this command started; it was left alone.",
            hint="Run it again on the file as it is now.",
        )
    raw = file.read_bytes()
    backup = file.with_name(f"{file.name}.{known[:8]}.bak")
    with disk_errors(backup):
        backup.write_bytes(raw)
    atomic_write_text(file, ("\ufeff" if raw.startswith(_BOM) else "") + text)
    return {"file": str(scenario.file), "backup": str(backup)}
