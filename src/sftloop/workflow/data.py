"""Records in and out: other formats into a scenario's data files, data files into other trainers' formats.

Chains scenario and records. What is already in a data file stays; the same import twice changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sftloop.core.errors import DataError
from sftloop.core.files import sha256_file
from sftloop.core.jsonl import write_jsonl
from sftloop.core.locks import exclusive
from sftloop.records import (
    ForeignFile,
    Record,
    cap_records,
    export_rows,
    linked_keys,
    load_split,
    rejects_file,
    require_other_file,
    split_records,
    write_records,
)
from sftloop.scenario import Scenario, load_scenario
from sftloop.workflow.destination import Destination
from sftloop.workflow.import_notes import column_notes, empty_notes, leak_notes, starter_notes
from sftloop.workflow.starter_records import Held, held_records


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What an import did."""

    scenario: str
    source: str
    format: str
    read: int
    """Rows in the file."""
    bad: int
    """Rows set aside; none unless bad rows are skipped."""
    added: int
    unchanged: int
    """Rows that were already there."""
    tasks: dict[str, int]
    """Task → records added."""
    files: dict[str, dict[str, Any]]
    """Split → `path`, `added`, `records` (in the file now), `starters` (rows of `init` that made way)."""
    rejects: str | None
    """The file with the bad rows."""
    notes: tuple[str, ...]
    """What the user should know: columns left out, inputs on both sides of a split."""

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult:
    """What an export wrote."""

    scenario: str
    split: str
    format: str
    n: int
    tasks: dict[str, int]
    """Task → records written."""
    dropped: dict[str, int]
    """Task → records left out by its `max_records`."""
    path: str
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return asdict(self)


def import_records(
    directory: Path,
    file: Path,
    destination: Destination,
    *,
    task: str | None = None,
    format: str = "",
    mapping: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    skip_bad: bool = False,
) -> ImportResult:
    """Read `file` as records of the scenario and add them to its data files.

    Args:
        directory: the scenario's directory.
        file: OpenAI messages, ShareGPT, Alpaca, CSV, Parquet, plain objects, or records.
        destination: the split or splits, or another file.
        task: the task of every row; may be left out where the scenario has one or the rows say it.
        format: force a format instead of finding it out.
        mapping: part of the record → column.
        encoding: of the file, where it is text.
        skip_bad: set bad rows aside in a rejects file and go on.

    Raises:
        UsageError: contradictory options, an unknown task, split, format, part or column.
        DataError: the file or its rows are bad; nothing has been written.
    """
    scenario = load_scenario(directory)
    assert scenario.file is not None
    with exclusive(scenario.file):  # two imports at once would each write what they read plus their own
        targets = destination.files(scenario)
        held = {name: _held(path, scenario) for name, path in targets.items()}
        kept = {name: part.records for name, part in held.items()}
        known = {record.id: record for records in kept.values() for record in records}
        source = ForeignFile(
            path=file,
            scenario=scenario,
            task=task,
            format=format,
            mapping=mapping or {},
            encoding=encoding,
            known=known,
        )
        beside = next(iter(targets.values())).parent  # where the user surely may write
        rejects = rejects_file(file, beside) if skip_bad else None
        incoming = list(source.records(skip_bad=skip_bad, rejects=rejects))
        if not incoming:
            raise DataError(
                f"None of the {source.read} rows of '{file}' is usable.", hint=f"See '{rejects}'."
            )
        new = [record for record in incoming if record.id not in known]
        placed = _place(new, destination, kept)
        notes = leak_notes(scenario, placed, kept, targets)
        files = _write(targets, held, placed) if new else _unchanged(targets, kept)
        return ImportResult(
            scenario=scenario.name,
            source=str(file),
            format=source.format,
            read=source.read,
            bad=source.bad,
            added=len(new),
            unchanged=len(incoming) - len(new),
            tasks=dict(Counter(record.task for record in new)),
            files=files,
            rejects=str(rejects) if source.bad else None,
            notes=(*column_notes(source), *starter_notes(files), *notes, *empty_notes(files)),
        )


def export_records(
    directory: Path,
    *,
    format: str,
    split: str = "train",
    tasks: Collection[str] = (),
    limit: int | None = None,
    capped: bool = True,
    with_ids: bool = False,
    seed: int = 0,
    skip_bad: bool = False,
    out: Path | None = None,
) -> ExportResult:
    """Write a split with its rendered prompts in a form that other trainers read.

    Args:
        directory: the scenario's directory.
        format: `openai`, `sharegpt` or `alpaca`.
        split: which records.
        tasks: these tasks only; all by default.
        limit: at most so many records of each task, spread over its labels.
        capped: leave out what training leaves out: of `train`, records above a task's `max_records`.
        with_ids: keep ids, tags and the rest, so that an import restores the records whole.
        seed: of the choice under `max_records`; training with the same seed makes the same choice.
        skip_bad: set bad rows of the split aside and go on.
        out: the file; by default `export/SPLIT.FORMAT.jsonl` in the scenario's directory.

    Raises:
        UsageError: an unknown format, split or task, or `out` is one of the scenario's own files.
        DataError: the records are bad, or an answer lacks a part that its task asks for.
    """
    scenario = load_scenario(directory)
    path = out or scenario.directory / "export" / f"{split}.{format}.jsonl"
    require_other_file(path, scenario)
    records = load_split(scenario, split, tasks=tasks, limit=limit, skip_bad=skip_bad)
    dropped: dict[str, int] = {}
    if capped and split == "train":
        result = cap_records(records, scenario, seed=seed)
        records = result.kept
        dropped = {task: len(cap.dropped) for task, cap in result.tasks.items()}
    count = write_jsonl(path, export_rows(records, scenario, format, with_ids=with_ids))
    return ExportResult(
        scenario=scenario.name,
        split=split,
        format=format,
        n=count,
        tasks=dict(Counter(record.task for record in records)),
        dropped=dropped,
        path=str(path),
        sha256=sha256_file(path),
    )


def _held(path: Path, scenario: Scenario) -> Held:
    try:
        return held_records(path, scenario)
    except DataError as error:
        raise DataError(
            error.message,
            hint="The file would be added to; mend or remove what is wrong in it. --skip-bad is for new rows.",
        ) from None


def _place(
    new: Sequence[Record], destination: Destination, kept: Mapping[str, Sequence[Record]]
) -> Mapping[str, Sequence[Record]]:
    if destination.shares is None:
        return {name: new for name in kept}
    pinned = {
        key: name for name, records in kept.items() for record in records for key in linked_keys(record)
    }
    return split_records(new, destination.shares, seed=destination.seed, pinned=pinned)


def _write(
    targets: Mapping[str, Path], held: Mapping[str, Held], placed: Mapping[str, Sequence[Record]]
) -> dict[str, dict[str, Any]]:
    files = {}
    for name, path in targets.items():
        before, added = held[name], placed[name]
        records = [*before.records, *added]
        if added or before.starters:
            write_records(path, records)
        files[name] = {
            "path": str(path), "added": len(added), "records": len(records), "starters": before.starters
        }  # fmt: skip
    return files


def _unchanged(
    targets: Mapping[str, Path], kept: Mapping[str, Sequence[Record]]
) -> dict[str, dict[str, Any]]:
    return {
        name: {"path": str(path), "added": 0, "records": len(kept[name]), "starters": 0}
        for name, path in targets.items()
    }
