"""Checkpoints that are either whole or ignored.

transformers writes a checkpoint file by file; a kill in between leaves a folder that looks like one. A
marker written last tells the whole ones from the torn ones.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sftloop.core.files import atomic_write_json, read_json

_MARKER = "complete.json"
_PREFIX = "checkpoint-"


def mark_complete(folder: Path, facts: dict[str, Any]) -> None:
    """Write the marker with facts that have to survive an interruption (seconds so far …)."""
    atomic_write_json(folder / _MARKER, facts)


def newest_complete(root: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return the newest whole checkpoint under `root` with its facts; torn ones are deleted."""
    found: list[tuple[int, Path]] = []
    for folder in root.glob(f"{_PREFIX}*"):
        step = folder.name.removeprefix(_PREFIX)
        if (folder / _MARKER).exists() and step.isdigit():
            found.append((int(step), folder))
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if not found:
        return None
    folder = max(found)[1]
    return folder, read_json(folder / _MARKER, "a checkpoint's marker")
