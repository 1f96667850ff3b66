"""A piece of a text, short enough for one line of a finding."""

from __future__ import annotations

from sftloop.records import Record

_SHOWN = 60


def clipped(text: str, limit: int = _SHOWN) -> str:
    """Return `text` on one line, at most `limit` characters; what was cut is marked by `…`."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def clipped_input(record: Record, limit: int = _SHOWN) -> str:
    """Return the beginning of a record's input on one line."""
    return clipped(" / ".join(record.documents()), limit)
