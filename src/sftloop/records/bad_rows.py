"""Bad rows of a data file: all of them in one error, like ones counted, or set aside in a rejects file.

Knows file, line and reason; not what makes a row bad.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from sftloop.core.errors import DataError
from sftloop.core.files import HALF_CHARACTERS, disk_errors
from sftloop.core.jsonl import dump_line, read_jsonl
from sftloop.core.progress import say

CAP = 20
"""Rows named in one error; enough to see the pattern, short enough to read."""
_ALIKE = 3
"""Rows named for the same reason; more are only counted."""


@dataclass(slots=True)
class BadRows:
    """Gathers the bad rows of one file; use it as a context around the reading.

    Without `skip`, `add` raises when `CAP` rows are named and leaving the context raises for fewer.
    With `skip`, each bad row goes to the `rejects` file (one JSON object per line: file, line, reason, row).

    Raises:
        DataError: on bad rows without `skip`; names file, line and reason of each, up to three per reason.
        ExternalError: the rejects file can't be written.
    """

    path: Path
    """The file being read."""
    skip: bool = False
    rejects: Path | None = None
    """Where bad rows go; by default `rejects_file` beside the file."""
    count: int = 0
    _lines: dict[str, list[int]] = field(default_factory=dict)
    """Reason → the rows' lines."""
    _stream: IO[str] | None = None

    def add(self, line: int, reason: str, row: Any) -> None:
        """Count one bad row: `line` from 1, `row` as it was read (text or object)."""
        self.count += 1
        if self.skip:
            self._reject(line, reason, row)
            return
        self._lines.setdefault(reason.strip(), []).append(line)
        if sum(min(len(lines), _ALIKE) for lines in self._lines.values()) >= CAP:
            self._raise(f" (stopped after {CAP})")

    def __enter__(self) -> BadRows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._stream.close()
            if kind is None:
                say(f"{self.path}: {self.count} bad rows skipped, kept in {self.rejects}")
        if kind is None and self._lines:
            self._raise()

    def _reject(self, line: int, reason: str, row: Any) -> None:
        path = self.rejects = self.rejects or rejects_file(self.path)
        with disk_errors(path):
            if self._stream is None:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._stream = path.open("w", encoding="utf-8", errors=HALF_CHARACTERS, newline="\n")
            source = str(self.path.resolve())
            self._stream.write(
                dump_line({"file": source, "line": line, "reason": reason.strip(), "row": row})
            )
            self._stream.flush()

    def _raise(self, stopped: str = "") -> None:
        lines, self._lines = self._lines, {}
        rows = [row for reason, own in lines.items() for row in self._named(reason, own)]
        message = (
            rows[0]
            if self.count == 1
            else "\n  ".join([f"'{self.path}' has {self.count} bad rows{stopped}:", *rows])
        )
        raise DataError(
            message, hint="Mend them or the scenario, or pass --skip-bad to set them aside and go on."
        )

    def _named(self, reason: str, lines: list[int]) -> list[str]:
        rows = [f"{self.path}:{line}: {reason}" for line in lines[:_ALIKE]]
        if len(lines) > _ALIKE:
            rows[-1] += f" (and {len(lines) - _ALIKE} more)"
        return rows


def rejects_file(source: Path, folder: Path | None = None) -> Path:
    """Return where the bad rows of a file go: `NAME.rejects.jsonl`, `NAME-2.rejects.jsonl` and so on.

    Args:
        source: the file; what was set aside of it before is written over, what was of another file stays.
        folder: by default the file's own.
    """
    folder = folder or source.parent
    names = (f"{source.stem}{'' if n == 1 else f'-{n}'}.rejects.jsonl" for n in itertools.count(1))
    return next(path for name in names if _may_be_taken(path := folder / name, source))


def _may_be_taken(rejects: Path, source: Path) -> bool:
    if not rejects.exists():
        return True
    try:
        return all(row.get("file") == str(source.resolve()) for _, row in read_jsonl(rejects))
    except DataError:  # not what was written here, or torn
        return False
