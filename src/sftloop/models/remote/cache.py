"""Every answer that was ever paid for, in one SQLite file: found again in bulk, written one by one.

An answer doesn't expire: its key covers all that decides it. Holds digests of questions and whole answers; no
prompts, no keys to services. Several processes may use the file at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sftloop.core.errors import ExternalError
from sftloop.models.remote.reply import Reply

_AT_ONCE = 500
"""Keys per query; SQLite's oldest limit is 999."""
_PATIENCE_SECONDS = 30.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    question BLOB PRIMARY KEY, model TEXT NOT NULL, reply BLOB NOT NULL, written TEXT DEFAULT CURRENT_TIMESTAMP
)
"""


class AnswerCache:
    """The file of answers.

    Args:
        path: made where it doesn't exist, readable for its owner alone.

    Raises:
        ExternalError: it can't be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            self._base = sqlite3.connect(
                path, timeout=_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = NORMAL")
            self._base.execute(_SCHEMA)

    def known(self, questions: Iterable[bytes]) -> set[bytes]:
        """Return which of so many questions' keys have an answer."""
        return {key for (key,) in self._rows("question", questions)}

    def find(self, questions: Iterable[bytes]) -> Iterator[tuple[bytes, Reply]]:
        """Yield the answers there are among so many questions' keys."""
        for key, packed in self._rows("question, reply", questions):
            yield key, Reply.from_bytes(packed)

    def keep(self, question: bytes, model: str, reply: Reply) -> None:
        """Write one answer; once this returns, ending the process doesn't lose it."""
        with self._explained():
            self._base.execute(
                "INSERT OR REPLACE INTO answers (question, model, reply) VALUES (?, ?, ?)",
                (question, model, reply.to_bytes()),
            )

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def _rows(self, columns: str, questions: Iterable[bytes]) -> Iterator[Any]:
        keys = list(questions)
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            with self._explained():
                query = f"SELECT {columns} FROM answers WHERE question IN ({marks})"
                rows = self._base.execute(query, some).fetchall()
            yield from rows

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise ExternalError(
                f"The answer cache '{self.path}' can't be used: {error}.",
                hint="Free space or move the file away; its answers would be asked for again.",
            ) from error
