"""JSON Lines: streaming reads with line numbers, atomic writes, and appends that survive `kill -9`.

Knows lines and objects only; what an object means is for the caller.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from sftloop.core.errors import DataError
from sftloop.core.files import (
    HALF_CHARACTERS,
    atomic_writer,
    disk_errors,
    json_problem,
    parse_json,
    require_ordinary,
)


def read_jsonl(path: Path, *, what: str = "data") -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield `(line number from 1, object)` for every non-blank line, one at a time.

    Raises:
        DataError: missing file, wrong encoding, malformed JSON or a line that is no object (file:line).
    """
    for number, raw in iter_lines(path, what=what):
        yield number, parse_line(raw, f"{path}:{number}")


def iter_lines(path: Path, *, what: str = "data") -> Iterator[tuple[int, bytes]]:
    """Yield `(line number from 1, raw bytes)` for every non-blank line.

    Raises:
        DataError: the file is missing, unreadable or without any line.
    """
    try:
        stream = Path(path).open("rb")
    except OSError as error:
        reason = (
            "does not exist" if isinstance(error, FileNotFoundError) else f"can't be read: {error.strerror}"
        )
        raise DataError(f"'{path}' ({what}) {reason}.", hint="Check the path.") from None
    some = False
    with stream:
        for number, raw in enumerate(stream, start=1):
            line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if line.strip():
                some = True
                yield number, line
    if not some:
        raise DataError(f"'{path}' ({what}) is empty.", hint="Fill it or leave it out of the scenario.")


def parse_line(raw: bytes, where: str) -> dict[str, Any]:
    """Parse one line into an object.

    Raises:
        DataError: not UTF-8, malformed JSON, or not an object; the message starts with `where`.
    """
    try:
        value = parse_json(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{where}: not UTF-8 (byte 0x{raw[error.start]:02x} at column {error.start + 1}).",
            hint="Save the file as UTF-8.",
        ) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: {json_problem(error)}.") from None
    if not isinstance(value, dict):
        raise DataError(f"{where}: expected one JSON object per line, got {type(value).__name__}.")
    return value


def dump_line(row: Mapping[str, Any]) -> str:
    """Return `row` as one line of JSON with its newline."""
    return json.dumps(row, ensure_ascii=False) + "\n"


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write all rows, whole or not at all; return how many."""
    count = 0
    with atomic_writer(path) as stream:
        for row in rows:
            stream.write(dump_line(row))
            count += 1
    return count


class JsonlAppender:
    """Appends objects to a file, each flushed to the system at once.

    A line torn by an earlier kill is cut off on opening, so that the file always parses.

    Raises:
        ExternalError: the disk is full or the file can't be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        with disk_errors(self.path):
            require_ordinary(self.path)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _drop_torn_line(self.path)
            self._stream = self.path.open("a", encoding="utf-8", errors=HALF_CHARACTERS, newline="\n")

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one object as a line."""
        with disk_errors(self.path):
            self._stream.write(dump_line(row))
            self._stream.flush()

    def close(self) -> None:
        """Write everything through to the disk and close."""
        with disk_errors(self.path):
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()

    def __enter__(self) -> JsonlAppender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def kept_rows(path: Path, *, what: str) -> Iterator[dict[str, Any]]:
    """Yield what an earlier process appended (`JsonlAppender`), if one did; a line torn by a kill is cut off."""
    if not path.exists():
        return
    with disk_errors(path):
        _drop_torn_line(path)
    if path.stat().st_size:
        yield from (row for _, row in read_jsonl(path, what=what))


def _drop_torn_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("r+b") as stream:
        content = stream.read()
        keep = content.rfind(b"\n") + 1
        if keep != len(content):
            stream.truncate(keep)
