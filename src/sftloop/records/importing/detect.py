"""Which format a file has, by its name, its first bytes and the keys of its first object."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from sftloop.core.errors import DataError, UsageError, nearest
from sftloop.records.importing.excel import OLD_EXCEL, is_workbook
from sftloop.records.importing.sources import json_rows, open_text

FORMATS = (
    *("openai", "sharegpt", "alpaca", "csv", "excel", "parquet", "jsonl", "records"),
    *("promptfoo", "openai-evals"),
)
"""`jsonl`: any other objects, their keys mapped like columns; `records`: this package's own form."""

_FIRST_ROWS = 20
_SUFFIXES = {
    **{".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet"},
    **{".yaml": "promptfoo", ".yml": "promptfoo"},
}

_NEEDED = {
    "records": {"task", "input", "answer"},
    "openai-evals": {"input", "ideal"},
    "openai": {"messages"},
    "sharegpt": {"conversations"},
    "alpaca": {"instruction", "output"},
}
"""Format → keys that its objects have; the first that fits counts."""


def detect_format(path: Path, encoding: str = "utf-8") -> str:
    """Return one of `FORMATS`.

    Raises:
        DataError: the file is missing, empty, or of no format known here.
    """
    path = Path(path)
    with open_text(path, encoding):
        pass
    with path.open("rb") as stream:
        magic = stream.read(4)
    if not magic:
        raise DataError(f"'{path}' is empty.")
    if magic == b"PAR1":
        return "parquet"
    if magic == b"PK\x03\x04":
        if is_workbook(path):
            return "excel"
        raise DataError(f"'{path}' is a zip archive.", hint="Unpack it and import the files.")
    if magic == OLD_EXCEL:
        raise DataError(
            f"'{path}' is an Excel file of the old kind (.xls), or has a password.",
            hint="Save it as .xlsx without a password, or the sheet as CSV (UTF-8).",
        )
    known = _SUFFIXES.get(path.suffix.lower())
    if known == "csv" and _has_expectations(path, encoding):
        return "promptfoo"
    return known or _by_content(path, encoding)


def check_format(name: str) -> str:
    """Return `name` if it is one of `FORMATS`.

    Raises:
        UsageError: it is not; the message names the nearest.
    """
    if name not in FORMATS:
        raise UsageError(f"There is no format '{name}'.", hint=nearest(name, FORMATS))
    return name


def _has_expectations(path: Path, encoding: str) -> bool:
    with open_text(path, encoding) as stream:
        return "__expected" in stream.readline()


def _by_content(path: Path, encoding: str) -> str:
    with open_text(path, encoding) as stream:
        start = stream.read(4096).lstrip()[:1]
    if not start:
        raise DataError(f"'{path}' is empty.")
    if start not in ("{", "[") and path.suffix.lower() not in (".json", ".jsonl"):
        raise DataError(
            f"Can't tell the format of '{path}': it starts neither like JSON nor has it a known suffix.",
            hint=f"Say it with --format ({', '.join(FORMATS)}).",
        )
    problem = ""
    for row in islice(json_rows(path, encoding), _FIRST_ROWS):
        if row.value is not None:
            return _by_keys(set(row.value))
        problem = problem or f"{path}:{row.line}: {row.problem}"
    raise DataError(problem or f"'{path}' holds no rows.")


def _by_keys(keys: set[str]) -> str:
    if "vars" in keys and keys & {"assert", "description", "metadata", "options"}:
        return "promptfoo"
    return next((format for format, needed in _NEEDED.items() if needed <= keys), "jsonl")
