"""Rows out of an Excel workbook (.xlsx): its first visible sheet, the first row that isn't empty as header.

Knows cells as they show; not what a row means. Formulas count by the value that was saved with them; cells that
are merged over several rows stand in each of them. The whole workbook is held in memory.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sftloop.core.errors import DataError
from sftloop.core.progress import say
from sftloop.records.importing.plain import plain
from sftloop.records.importing.sources import Row, check_header, row_of

OLD_EXCEL = b"\xd0\xcf\x11\xe0"
"""How .xls files begin, and .xlsx files with a password."""
_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"})
"""What a formula without a value shows; such a cell counts as empty."""


def is_workbook(path: Path) -> bool:
    """Whether a zip archive is a workbook.

    Raises:
        DataError: a damaged archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise _unreadable(path, error) from None


def excel_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a workbook's first visible sheet; `line` is the row's number in the sheet.

    Rows of empty cells are no rows. Days come as 2026-05-01, numbers as numbers.

    Raises:
        DataError: no workbook, a damaged one, no header, or two columns of one name.
    """
    header: list[str] = []
    for number, cells in _cells(path):
        if not header:
            header = ["" if cell is None else str(cell).strip() for cell in cells]
            check_header(header, path, number)
        else:
            yield row_of([*cells, *[None] * (len(header) - len(cells))], header, number)
    if not header:
        raise DataError(f"'{path}' holds no rows in its first sheet.", hint="Put the records there.")


def _cells(path: Path) -> Iterator[tuple[int, list[Any]]]:
    """Yield number and cells, without empty ones at the end, of the rows that have any."""
    from openpyxl import load_workbook

    try:
        with path.open("rb") as stream:
            book = load_workbook(stream, data_only=True)
        sheet, *others = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        if others:
            names = ", ".join(f"'{other.title}'" for other in others)
            say(f"{path}: the sheet '{sheet.title}' is read. Not read: {names}")
        merged = _merged(sheet)
        for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
            cells = _without_empty_end(values)
            if cells and number in merged:
                cells = _without_empty_end({**dict(enumerate(values)), **merged[number]}.values())
            if cells:
                yield number, cells
    except Exception as error:  # what the parser meets in a damaged file is of any kind
        raise _unreadable(path, error) from None


def _merged(sheet: Any) -> dict[int, dict[int, Any]]:
    """Return row → column from 0 → value for what stands below the first row of merged cells, in their column."""
    found: dict[int, dict[int, Any]] = {}
    for area in sheet.merged_cells.ranges:
        value = sheet.cell(area.min_row, area.min_col).value
        for row in range(area.min_row + 1, area.max_row + 1):
            found.setdefault(row, {})[area.min_col - 1] = value
    return found


def _without_empty_end(values: Iterable[Any]) -> list[Any]:
    cells = [None if value in _ERRORS else plain(value) for value in values]
    while cells and (cells[-1] is None or not str(cells[-1]).strip()):
        cells.pop()
    return cells


def _unreadable(path: Path, error: Exception) -> DataError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(
        f"'{path}' can't be read as an Excel file: {reason.rstrip('.')}.",
        hint="Is the file complete? Else: Save the sheet as CSV (UTF-8).",
    )
