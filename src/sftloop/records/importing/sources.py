"""Rows out of JSON Lines, JSON arrays, CSV and Parquet, each with its line; a bad row stops nothing.

Knows file syntax and encodings; not what a row means.
"""

from __future__ import annotations

import csv
import json
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sftloop.core.errors import DataError, UsageError
from sftloop.core.files import UNIQUE_KEYS, json_problem, no_file, parse_json
from sftloop.records.importing.plain import plain, without_bytes

_PARQUET_BLOCK_ROWS = 4096
_DELIMITERS = (",", "\t", ";", "|")
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
"""What Excel writes and reads as the first line, to name the delimiter."""
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as it was read: either `value` or `problem` is set."""

    line: int
    """Line in the file, from 1; in Parquet the number of the row."""
    value: dict[str, Any] | None = None
    problem: str | None = None
    raw: Any = None
    """What was read, for the rejects file."""


def json_rows(path: Path, encoding: str = "utf-8") -> Iterator[Row]:
    """Yield the objects of a JSON Lines file, or of a file that is one JSON array (held in memory)."""
    with open_text(path, encoding) as stream:
        start = stream.read(1)
        while start and start.isspace():
            start = stream.read(1)
    if start == "[":
        yield from _array_rows(path, encoding)
        return
    with open_text(path, encoding) as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield _json_row(line.rstrip("\r\n"), number, encoding)


def csv_rows(path: Path, encoding: str = "utf-8") -> Iterator[Row]:
    """Yield the rows of a CSV or TSV file with a header; the delimiter is the header's most frequent one.

    Rows of empty cells only are no rows; a first line such as `sep=;` names the delimiter.

    A quote that isn't closed makes one bad row, of the line it stands on; the lines behind it are read anew.

    Raises:
        DataError: no header, two columns of one name, or a header in another encoding.
    """
    csv.field_size_limit(1 << 30)
    with open_text(path, encoding) as stream:
        header_line = stream.readline()
        named = _SEPARATOR_LINE.fullmatch(header_line)
        if not named:
            stream.seek(0)
        delimiter = named[1] if named else max(_DELIMITERS, key=header_line.count)
        lines = _Lines(stream, number=1 if named else 0)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        header = _header(reader, path, encoding)
        while True:
            lines.taken.clear()
            line = lines.number + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                problem = _csv_problem(error, line, lines.number)
                yield Row(line=line, problem=problem, raw=lines.taken[0].rstrip("\r\n"))
                lines.give_back_all_but_the_first()
                reader = csv.reader(lines, delimiter=delimiter, strict=True)
                continue
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield _csv_row(cells, header, line, encoding)


@dataclass(slots=True)
class _Lines:
    """The lines of a stream, counted; those taken since the last row can be given back."""

    stream: Iterator[str]
    number: int = 0
    """Of the last line taken, from 1."""
    taken: list[str] = field(default_factory=list)
    _ahead: deque[str] = field(default_factory=deque)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else next(self.stream)
        self.number += 1
        self.taken.append(line)
        return line

    def give_back_all_but_the_first(self) -> None:
        self._ahead.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1


def _csv_problem(error: csv.Error, first: int, last: int) -> str:
    if first == last and "end of data" not in str(error):
        return f"Malformed CSV: {error}."
    span = f", lines {first} to {last}" if last > first else ""
    return f"Malformed CSV{span}: a quote opened on line {first} is not closed where a cell ends."


def parquet_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a Parquet file, a block at a time; `line` is the row's number from 1.

    Values are as JSON has them; bytes that are no text stay bytes, and are left out of `raw`.

    Raises:
        DataError: no Parquet file, or a damaged one.
    """
    import polars

    try:
        frame = polars.scan_parquet(path)
        start = 0
        while True:
            block = frame.slice(start, _PARQUET_BLOCK_ROWS).collect()
            for number, value in enumerate(block.iter_rows(named=True), start=start + 1):
                row = plain(value)
                yield Row(line=number, value=row, raw=without_bytes(row))
            if block.height < _PARQUET_BLOCK_ROWS:
                return
            start += block.height
    except (polars.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"'{path}' can't be read as Parquet: {reason}.", hint="Is the file complete?"
        ) from None


@contextmanager
def open_text(path: Path, encoding: str = "utf-8") -> Iterator[IO[str]]:
    """Open a file as text; bytes that don't fit the encoding become marks that `wrong_byte` finds.

    Raises:
        DataError: the file is missing, unreadable, UTF-16 though UTF-8 is expected, or in an encoding without
            such marks not in it at all.
        UsageError: Python knows no such encoding.
    """
    with _opened(path, encoding) as stream:
        try:
            yield stream
        except UnicodeError as error:
            raise DataError(
                f"'{path}' is not {encoding}: {error}.", hint="Name the file's own encoding with --encoding."
            ) from None


def _opened(path: Path, encoding: str) -> IO[str]:
    name = "utf-8-sig" if encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else encoding
    try:
        if other := no_file(path):
            raise DataError(
                f"'{path}' is {other}.", hint="Write the rows to a file: it is read several times."
            )
        with Path(path).open("rb") as binary:
            if binary.read(2) in _UTF16_MARKS and name == "utf-8-sig":
                raise DataError(f"'{path}' is UTF-16, not UTF-8.", hint="Pass --encoding utf-16.")
        return Path(path).open(encoding=name, errors="surrogateescape", newline="")
    except LookupError:
        raise UsageError(
            f"There is no encoding '{encoding}'.", hint="For example utf-8, gb18030, utf-16, latin-1."
        ) from None
    except FileNotFoundError:
        raise DataError(f"'{path}' does not exist.", hint="Check the path.") from None
    except OSError as error:
        raise DataError(f"'{path}' can't be read: {error.strerror}.") from None


def wrong_byte(text: str) -> int | None:
    """Return the first byte of `text` that didn't fit the encoding, or None."""
    return next((ord(mark) - 0xDC00 for mark in text if "\udc80" <= mark <= "\udcff"), None)


def _encoding_problem(text: str, encoding: str) -> str | None:
    byte = wrong_byte(text)
    if byte is None:
        return None
    return (
        f"Not valid {encoding}: byte 0x{byte:02x}. "
        "If the file has another encoding (GBK from Excel, for example), pass --encoding gb18030."
    )


def _json_row(line: str, number: int, encoding: str) -> Row:
    problem = _encoding_problem(line, encoding)
    if problem is None:
        try:
            value = parse_json(line)
        except (ValueError, RecursionError) as error:
            problem = _sentence(json_problem(error))
        else:
            return _object_row(value, number)
    return Row(line=number, problem=problem, raw=line)


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _object_row(value: Any, line: int) -> Row:
    if not isinstance(value, dict):
        return Row(line=line, problem=f"Expected a JSON object, got {type(value).__name__}.", raw=value)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return Row(line=line, problem="A text holds half a character (\\ud8… or \\udc…).", raw=value)
    return Row(line=line, value=value, raw=value)


def _array_rows(path: Path, encoding: str) -> Iterator[Row]:
    with open_text(path, encoding) as stream:
        text = stream.read()
    if problem := _encoding_problem(text, encoding):
        raise DataError(f"'{path}': {problem}")
    line, counted = 1, 0
    position = _skip(text, text.index("[") + 1)
    while position < len(text) and text[position] != "]":
        line, counted = line + text.count("\n", counted, position), position
        try:
            value, position = UNIQUE_KEYS.raw_decode(text, position)
            position = _next_item(text, position)
        except json.JSONDecodeError as error:
            raise DataError(f"{path}:{error.lineno}:{error.colno}: malformed JSON: {error.msg}.") from None
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}:{line}: {json_problem(error)}.") from None
        yield _object_row(value, line)
    if position >= len(text):
        raise DataError(f"'{path}' ends inside its JSON array.", hint="Is the file complete?")
    if (behind := _skip(text, position + 1)) < len(text):
        raise DataError(
            f"{path}:{text.count(chr(10), 0, behind) + 1}: text behind the end of the JSON array.",
            hint="Put all rows into one array, or one object on each line.",
        )


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _next_item(text: str, position: int) -> int:
    position = _skip(text, position)
    if position < len(text) and text[position] == ",":
        return _skip(text, position + 1)
    if position < len(text) and text[position] != "]":
        raise json.JSONDecodeError("expected ',' or ']'", text, position)
    return position


def _header(reader: Iterator[list[str]], path: Path, encoding: str) -> list[str]:
    try:
        header = [cell.strip() for cell in next(reader, [])]
    except csv.Error as error:
        raise DataError(f"{path}:1: malformed CSV header: {error}.") from None
    if problem := _encoding_problem("".join(header), encoding):
        raise DataError(f"{path}:1: {problem}")
    check_header(header, path, 1)
    return header


def check_header(header: list[str], path: Path, line: int) -> None:
    """Refuse a header that names no column, or two alike.

    Raises:
        DataError: such a header.
    """
    if not any(header):
        raise DataError(f"'{path}' is empty or has no header on line {line}.", hint="Name the columns there.")
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path}:{line}: two columns are named '{twice}'.", hint="Rename one of them.")


def _csv_row(cells: list[str], header: list[str], line: int, encoding: str) -> Row:
    if problem := _encoding_problem("".join(cells), encoding):
        return Row(line=line, problem=problem, raw=cells)
    return row_of(cells, header, line)


def row_of(cells: list[Any], header: list[str], line: int) -> Row:
    """Return a table's row as an object; one with other than the header's number of cells is bad."""
    if len(cells) != len(header):
        problem = f"The row has {len(cells)} cells, the header has {len(header)}."
        return Row(line=line, problem=problem, raw=cells)
    value = dict(zip(header, cells, strict=True))
    return Row(line=line, value=value, raw=value)
