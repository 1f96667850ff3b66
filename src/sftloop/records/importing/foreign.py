"""A file in another format, read as records of one scenario.

Puts the parts together: rows (`sources`), their meaning (`meaning`), the scenario's rules (`check_record`),
bad rows set aside or gathered. Writes no records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sftloop.core.errors import DataError, UsageError
from sftloop.records.bad_rows import BadRows
from sftloop.records.identity import content_id
from sftloop.records.importing.detect import check_format, detect_format
from sftloop.records.importing.excel import excel_rows
from sftloop.records.importing.meaning import RowMeaning
from sftloop.records.importing.promptfoo import promptfoo_rows
from sftloop.records.importing.sources import Row, csv_rows, json_rows, parquet_rows
from sftloop.records.schema import Record, check_record
from sftloop.scenario.require_tasks import require_tasks
from sftloop.scenario.schema import Scenario

_NO_COLUMNS = ("openai", "sharegpt", "records", "openai-evals")


@dataclass(slots=True)
class ForeignFile:
    """One file to import; `records` reads it, the counts are right once it is through.

    Raises:
        UsageError: an unknown format, task, or a mapping for a format without columns.
        DataError: the file is missing, empty or of no known format.
    """

    path: Path
    scenario: Scenario
    task: str | None = None
    """The task of every row; None: the scenario's only one, or as each row says."""
    format: str = ""
    """One of `FORMATS`; empty: found out from the file."""
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Part of the record → column (CSV, Excel, Parquet, `jsonl`, Alpaca)."""
    encoding: str = "utf-8"
    known: Mapping[str, Record] = field(default_factory=dict)
    """Records already kept, by id; a row may repeat one of them but not take its id for something else."""
    read: int = 0
    """Rows seen."""
    bad: int = 0
    """Rows that made no record."""
    unused: tuple[str, ...] = ()
    """Columns that filled nothing."""
    _ids: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.path = Path(self.path)
        if self.task is None and len(self.scenario.tasks) == 1:
            self.task = next(iter(self.scenario.tasks))
        require_tasks(self.scenario, [self.task] if self.task is not None else None)
        self.format = check_format(self.format) if self.format else detect_format(self.path, self.encoding)
        if self.mapping and self.format in _NO_COLUMNS:
            raise UsageError(
                f"'{self.path}' is read as {self.format}, which has no columns to map.",
                hint="Leave --map out, or read it as plain objects with --format jsonl.",
            )

    def records(self, *, skip_bad: bool = False, rejects: Path | None = None) -> Iterator[Record]:
        """Yield the file's records one at a time; `source` says file and line where the row doesn't.

        Raises:
            DataError: bad rows without `skip_bad`, all in one message (20, of like ones three); or no rows.
            UsageError: columns are missing, or the rows name no task and none is given.
        """
        meaning = RowMeaning(self.scenario, self.task, self.format, self.mapping)
        with BadRows(self.path, skip=skip_bad, rejects=rejects) as bad:
            for row in self._rows():
                self.read += 1
                try:
                    record = self._record(row, meaning)
                except (DataError, UsageError) as error:
                    if isinstance(error, UsageError) and not self._only_this_row(skip_bad):
                        raise
                    self.bad += 1
                    bad.add(row.line, str(error), row.raw)
                    continue
                if not bad.count or skip_bad:
                    yield record
        self.unused = tuple(sorted(meaning.unused))
        if not self.read:
            raise DataError(f"'{self.path}' holds no rows.")

    def _only_this_row(self, skip_bad: bool) -> bool:
        """Whether missing columns may be one row's fault: objects differ in their keys, tables don't."""
        return self.format not in ("csv", "excel", "parquet") and (skip_bad or self.read > 1)

    def _rows(self) -> Iterator[Row]:
        if self.format == "csv":
            return csv_rows(self.path, self.encoding)
        if self.format == "excel":
            return excel_rows(self.path)
        if self.format == "promptfoo":
            return promptfoo_rows(self.path, self.encoding)
        return parquet_rows(self.path) if self.format == "parquet" else json_rows(self.path, self.encoding)

    def _record(self, row: Row, meaning: RowMeaning) -> Record:
        if row.value is None:
            raise DataError(row.problem or "The row can't be read.")
        record = meaning.record(row.value)
        if not record.id:
            record = replace(record, id=self._free_id(record))
        problem = check_record(record, self.scenario)
        if problem is None and record.id in self._ids:
            problem = f"The id '{record.id}' was used before, on line {self._ids[record.id]}."
        known = self.known.get(record.id)
        if problem is None and known is not None and not known.same_content(record):
            problem = (
                f"The id '{record.id}' belongs to a different record that was kept before "
                f"(from {known.source or 'an unnamed source'}). {self._other_id}"
            )
        if problem is not None:
            raise DataError(problem)
        self._ids[record.id] = row.line
        return record if record.source else replace(record, source=f"{self.path.name}:{row.line}")

    @property
    def _other_id(self) -> str:
        """What to do about a row whose own id is taken."""
        return "Give the row another id." if self.format in _NO_COLUMNS else "--map id= gives new ids."

    def _free_id(self, record: Record) -> str:
        """Return the id that follows from the input, numbered past those that other records have."""
        base = content_id(record.task, record.input)
        name, number = base, 1
        while name in self._ids or not self.known.get(name, record).same_content(record):
            number += 1
            name = f"{base}-{number}"
        return name
