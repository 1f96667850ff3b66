"""What happened, line by line: every group, question, refusal, test and decision, as it came.

A run that goes on repeats the steps it finds answered; what is written already isn't written again. Knows
rows, not what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sftloop.core.files import sha256_json
from sftloop.core.jsonl import JsonlAppender, kept_rows

HISTORY = "history.jsonl"


class History:
    """The file, opened for more; a context manager.

    Args:
        path: made where it doesn't exist; a line torn by a kill is cut off.
    """

    def __init__(self, path: Path) -> None:
        self._known = {sha256_json(row) for row in kept_rows(path, what="the history")}
        self._sink = JsonlAppender(path)

    def __enter__(self) -> History:
        return self

    def __exit__(self, *details: object) -> None:
        self._sink.close()

    def add(self, event: str, **facts: Any) -> None:
        """Write one event, unless the very same stands there."""
        row: Mapping[str, Any] = {"event": event, **facts}
        key = sha256_json(row)
        if key not in self._known:
            self._sink.append(row)
            self._known.add(key)
