"""A pool: files of any shape, read as a stream of texts with their rows.

Knows files and how a row becomes one text; not scenarios, and not what is chosen.

A row's text is every string in it, each on a line: input and answer alike. Left out is what names or directs
it (`id`, `task`, `label`, `tags`, `group`, `source`, `system`); where there is a chat or a `text`, that alone
counts, and of a record in this package's own form its input and free text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sftloop.core.errors import DataError, UsageError, nearest
from sftloop.records.importing import detect_format
from sftloop.records.importing.sources import Row, csv_rows, json_rows, open_text, parquet_rows, wrong_byte

_NO_TEXT = frozenset({"id", "task", "label", "labels", "tags", "group", "source", "system"})
_CHATS = ("messages", "conversations")
_DIRECTING = ("system", "developer")
_BLOCK_TEXTS, _BLOCK_CHARACTERS = 2048, 1 << 20
_BAD_SHOWN = 5


class PoolRow(NamedTuple):
    """One document of a pool."""

    id: str
    """The row's own id if it is a text; `file:id` if it is a number, which counts within its file; else
    `file:line`. `file` is the file's name without its ending."""
    text: str
    row: dict[str, Any]
    """As it was read; `id` is set."""
    place: str
    """`file:line`, unique within the pool."""


@dataclass(slots=True)
class PoolCounts:
    """What a reading of a pool came across."""

    rows: int = 0
    blank: int = 0
    """Rows without any text, left out."""
    bad: int = 0
    """Rows that can't be read, left out."""
    known: int = 0
    """Rows whose text the scenario has already, left out."""
    first_bad: list[str] = field(default_factory=list)
    """Place and reason of the first few."""

    def add(self, other: PoolCounts) -> None:
        """Take in what another reading came across."""
        self.rows += other.rows
        self.blank += other.blank
        self.bad += other.bad
        self.known += other.known
        self.first_bad = sorted(self.first_bad + other.first_bad)[:_BAD_SHOWN]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Files with documents to choose from: JSON Lines, a JSON array, CSV, Parquet, or text with one a line.

    Raises:
        UsageError: no files.
    """

    files: tuple[Path, ...]
    columns: tuple[str, ...] = ()
    """Only these columns of a row are its text; all by default."""
    skip_bad: bool = False
    """Leave out rows that can't be read; otherwise the first one is an error."""
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        if not self.files:
            raise UsageError("The pool has no files.", hint="Name at least one.")

    def rows(self, counts: PoolCounts | None = None) -> Iterator[PoolRow]:
        """Yield the rows with text, file by file, one at a time.

        Args:
            counts: is added to while reading.

        Raises:
            DataError: a file is missing, empty or of no known form; a row is bad (unless `skip_bad`); no row of a
                file has text in the columns.
        """
        counts = PoolCounts() if counts is None else counts
        for path, name in zip(self.files, file_names(self.files), strict=True):
            yield from self.file_rows(path, name, counts)

    def file_rows(self, path: Path, name: str, counts: PoolCounts) -> Iterator[PoolRow]:
        """Yield the rows of one of the files; `name` stands for it in ids. Raises as `rows`."""
        found, keys = False, set[str]()
        for row in _read(path, self.encoding):
            counts.rows += 1
            if row.value is None:
                self._bad(path, row, counts)
                continue
            keys |= row.value.keys()
            text = row_text([row.value.get(column) for column in self.columns] if self.columns else row.value)
            if not text:
                counts.blank += 1
                continue
            found = True
            place = f"{name}:{row.line}"
            identity = _identity(row.value.get("id"), name) or place
            plain = row.raw if row.raw.get("id") == identity else {**row.raw, "id": identity}
            yield PoolRow(identity, text, plain, place)
        if self.columns and not found:
            missing = next((column for column in self.columns if column not in keys), self.columns[0])
            raise DataError(f"'{path}' has no text in the column '{missing}'.", hint=nearest(missing, keys))

    def _bad(self, path: Path, row: Row, counts: PoolCounts) -> None:
        message = f"{path}:{row.line}: {row.problem}"
        if not self.skip_bad:
            raise DataError(message, hint="Mend it, or pass --skip-bad to leave such rows out.")
        counts.bad += 1
        if len(counts.first_bad) < _BAD_SHOWN:
            counts.first_bad.append(message)


def row_text(row: Any) -> str:
    """Return the strings in a row that say something, each on a line (the rule stands above).

    Of a record in this package's own form that is its input, and its answer where that is free text: by these a
    pool's row is recognised as one of the scenario's, whatever label, reason or evidence stand beside them.
    """
    if isinstance(row, dict) and isinstance(row.get("input"), dict) and isinstance(row.get("answer"), dict):
        row = [*(value for _, value in sorted(row["input"].items())), row["answer"].get("text")]
    return "\n".join(text for text in map(str.strip, _strings(row)) if text)


def file_names(files: Sequence[Path]) -> list[str]:
    """Return a short name per file, without its ending; equal ones are numbered."""
    stems = [Path(file).stem for file in files]
    earlier = [stems[:place].count(stem) for place, stem in enumerate(stems)]
    return [f"{stem}-{count + 1}" if count else stem for stem, count in zip(stems, earlier, strict=True)]


def told_apart(rows: Sequence[PoolRow]) -> list[PoolRow]:
    """Return the rows with ids of their own: where some share one, their place in the pool stands in."""
    uses = Counter(row.id for row in rows)
    return [
        row if uses[row.id] == 1 else row._replace(id=row.place, row={**row.row, "id": row.place})
        for row in rows
    ]


def blocks(rows: Iterable[PoolRow]) -> Iterator[list[PoolRow]]:
    """Yield rows some thousand at a time: few enough for the processor's cache, enough to keep it busy."""
    block: list[PoolRow] = []
    size = 0
    for row in rows:
        block.append(row)
        size += len(row.text)
        if len(block) == _BLOCK_TEXTS or size >= _BLOCK_CHARACTERS:
            yield block
            block, size = [], 0
    if block:
        yield block


def _identity(own: Any, name: str) -> str:
    if isinstance(own, str):
        return own.strip()
    return f"{name}:{own}" if isinstance(own, int) else ""


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        chat = next((value[key] for key in _CHATS if isinstance(value.get(key), list)), None)
        if chat is not None:
            yield from _turns(chat)
        elif isinstance(value.get("text"), str):
            yield value["text"]
        else:
            for key, item in value.items():
                if key not in _NO_TEXT:
                    yield from _strings(item)


def _turns(chat: list[Any]) -> Iterator[str]:
    for turn in chat:
        if isinstance(turn, dict) and turn.get("role", turn.get("from")) not in _DIRECTING:
            yield from _strings(turn.get("content", turn.get("value")))


def _read(path: Path, encoding: str) -> Iterator[Row]:
    if Path(path).suffix.lower() == ".txt":
        return _lines(path, encoding)
    format = detect_format(path, encoding)
    if format == "csv":
        return csv_rows(path, encoding)
    return parquet_rows(path) if format == "parquet" else json_rows(path, encoding)


def _lines(path: Path, encoding: str) -> Iterator[Row]:
    with open_text(path, encoding) as stream:
        for number, line in enumerate(stream, start=1):
            text = line.rstrip("\r\n")
            byte = wrong_byte(text)
            if byte is not None:
                yield Row(line=number, problem=f"Not valid {encoding}: byte 0x{byte:02x}.", raw=text)
            else:
                yield Row(line=number, value={"text": text}, raw={"text": text})
