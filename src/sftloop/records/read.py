"""Reading records: JSON Lines in, records that fit the scenario out, one at a time.

Every bad row is reported or set aside; nothing is dropped silently. Other formats: `importing`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from sftloop.core.errors import DataError, UsageError, nearest
from sftloop.core.jsonl import iter_lines, parse_line
from sftloop.records.bad_rows import BadRows
from sftloop.records.cap import sample_records
from sftloop.records.schema import Record, check_record
from sftloop.scenario.require_tasks import require_tasks
from sftloop.scenario.schema import Scenario

SPLITS = ("train", "validation", "test")


def read_records(
    path: Path,
    scenario: Scenario,
    *,
    skip_bad: bool = False,
    rejects: Path | None = None,
    leave_out: Callable[[Mapping[str, Any]], bool] | None = None,
) -> Iterator[Record]:
    """Yield the file's records one at a time.

    From the first bad row on nothing more is yielded unless `skip_bad`; the rest is only checked, so that
    one error lists all bad rows.

    Args:
        path: JSON Lines, UTF-8.
        scenario: says which tasks, inputs and labels exist.
        skip_bad: set bad rows aside in `rejects` and go on.
        rejects: by default `rejects_file` beside the file.
        leave_out: rows for which it is true are neither checked nor yielded.

    Raises:
        DataError: the file is missing, empty, or has bad rows (malformed JSON, wrong encoding, unknown task
            or label, an id used before); names file, line and reason of each, up to 20, of like ones three.
    """
    path = Path(path)
    seen: dict[str, int] = {}
    with BadRows(path, skip=skip_bad, rejects=rejects) as bad:
        for line, raw in iter_lines(path, what="records"):
            row = _parse(raw, line, bad)
            if row is None or (leave_out is not None and leave_out(row)):
                continue
            record = _checked(row, raw, line, scenario, seen, bad)
            if record is not None and (skip_bad or not bad.count):
                yield record


def _parse(raw: bytes, line: int, bad: BadRows) -> dict[str, Any] | None:
    where = "line"
    try:
        return parse_line(raw, where)
    except DataError as error:
        bad.add(line, str(error).removeprefix(f"{where}: "), _text(raw))
        return None


def _checked(
    row: dict[str, Any], raw: bytes, line: int, scenario: Scenario, seen: dict[str, int], bad: BadRows
) -> Record | None:
    try:
        record = Record.from_json(row)
    except DataError as error:
        bad.add(line, str(error), _text(raw))
        return None
    problem = check_record(record, scenario)
    if problem is None and record.id in seen:
        problem = f"The id '{record.id}' was used before, on line {seen[record.id]}."
    if problem is not None:
        bad.add(line, problem, record.to_json())
        return None
    seen[record.id] = line
    return record


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="backslashreplace").rstrip("\r\n")


def split_path(scenario: Scenario, split: str) -> Path:
    """Return the file of a split.

    Raises:
        UsageError: there is no such split, or the scenario names no file for it.
    """
    if split not in SPLITS:
        raise UsageError(f"There is no split '{split}'.", hint=nearest(split, SPLITS))
    name = getattr(scenario.data, split)
    if name is None:
        raise UsageError(
            f"The scenario '{scenario.name}' names no {split} file.",
            hint=f"Add it under data: in scenario.yaml, e.g. {split}: data/{split}.jsonl.",
        )
    return Path(scenario.directory) / str(name)


def has_split(scenario: Scenario, split: str) -> bool:
    """Whether the scenario names a file for a split and it is there."""
    return bool(getattr(scenario.data, split)) and split_path(scenario, split).exists()


def load_split(
    scenario: Scenario,
    split: str,
    *,
    tasks: Collection[str] | None = None,
    limit: int | None = None,
    skip_bad: bool = False,
) -> list[Record]:
    """Return the records of `train`, `validation` or `test`, in the file's order.

    Args:
        scenario: whose data.
        split: which file.
        tasks: keep these tasks only; all by default.
        limit: at most so many records of each task, spread over its labels, always the same ones.
        skip_bad: as in `read_records`.

    Raises:
        UsageError: an unknown split or task, or `limit` below 1.
        DataError: as `read_records`, or no record is left.
    """
    require_tasks(scenario, tasks)
    if limit is not None and limit < 1:
        raise UsageError(f"The limit must be at least 1, got {limit}.")
    path = split_path(scenario, split)
    records = [
        record
        for record in read_records(path, scenario, skip_bad=skip_bad)
        if not tasks or record.task in tasks
    ]
    if not records:
        wanted = f" of the tasks {', '.join(tasks)}" if tasks else ""
        raise DataError(f"'{path}' ({split}) holds no usable record{wanted}.")
    return records if limit is None else sample_records(records, limit)
