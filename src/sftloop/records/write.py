"""Writing records as JSON Lines, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sftloop.core.jsonl import write_jsonl
from sftloop.records.schema import Record


def write_records(path: Path, records: Iterable[Record]) -> int:
    """Write the records to `path` and return how many; the old content stays if anything fails.

    Raises:
        ExternalError: the disk is full or the folder can't be written to.
    """
    return write_jsonl(Path(path), (record.to_json() for record in records))
