"""Checkpoints that are either whole or ignored, and one message when they can't be written.

transformers writes a checkpoint file by file; a kill in between leaves a folder that looks like one. A
marker written last tells the whole ones from the torn ones.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sftloop.core.errors import ExternalError
from sftloop.core.files import atomic_write_json, read_json
from sftloop.core.memory import is_out_of_memory

_MARKER = "complete.json"
_PREFIX = "checkpoint-"
_LEAST_BYTES = 1 << 20
"""With less room than this, a write that failed for an unnamed reason failed for want of room."""


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


@contextmanager
def saving(place: Path) -> Iterator[None]:
    """Turn what the libraries raise when they can't write, each in its own way, into one clear message.

    safetensors and tokenizers wrap the system's error in theirs (tokenizers in a bare `Exception`); torch's zip
    writer raises a RuntimeError that doesn't tell of the disk at all, so the free space is told beside it.

    Raises:
        ExternalError: naming `place`, the reason and the room left on its disk.
    """
    from safetensors import SafetensorError

    expected = (OSError, RuntimeError, SafetensorError)
    try:
        yield
    except Exception as error:
        if (type(error) is not Exception and not isinstance(error, expected)) or is_out_of_memory(error):
            raise
        free = _free_bytes(place)
        lines = str(getattr(error, "strerror", None) or error).splitlines() or [type(error).__name__]
        full = isinstance(error, RuntimeError) and free < _LEAST_BYTES
        reason = "the disk is full" if full else lines[0].rstrip(".")
        raise ExternalError(
            f"Can't save to '{place}': {reason} ({free / 1e6:.1f} MB are free).",
            hint="Free disk space and run the same command again: it goes on from the last checkpoint.",
        ) from error


def _free_bytes(place: Path) -> int:
    nearest = next(folder for folder in (place, *place.resolve().parents) if folder.exists())
    return shutil.disk_usage(nearest).free
