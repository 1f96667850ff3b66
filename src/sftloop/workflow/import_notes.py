"""What the user should know after an import: columns left out, inputs and groups on two sides, empty files.

Reads the scenario's other data files; changes none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sftloop.core.errors import DataError
from sftloop.records import SPLITS, ForeignFile, Record, input_key, split_path
from sftloop.scenario import Scenario
from sftloop.workflow.destination import ALONE
from sftloop.workflow.starter_records import Held, held_records

Parts = Mapping[str, Sequence[Record]]
"""Split → records."""


def column_notes(source: ForeignFile) -> list[str]:
    """Tell which columns of the file filled nothing."""
    if not source.unused:
        return []
    names = ", ".join(f"'{name}'" for name in source.unused)
    return [f"Not used of {source.path.name}: {names}. --map PART=COLUMN takes a column in."]


def leak_notes(scenario: Scenario, placed: Parts, kept: Parts, targets: Mapping[str, Path]) -> list[str]:
    """Tell of new inputs and groups that another split's file already holds, and of files still to be filled.

    Dividing by `split_by` makes none where the files held none.

    Args:
        scenario: whose other files are read.
        placed: the new records.
        kept: those that were in the files.
        targets: split → file that the new records went to.
    """
    notes: list[str] = []
    if ALONE in targets:
        return notes
    for name, path in _other_files(scenario, targets):
        new = [record for side, records in placed.items() if side != name for record in records]
        if not new:
            continue
        try:
            there = Held(list(kept[name]), 0) if name in kept else held_records(path, scenario)
        except DataError as error:
            first, *_ = error.message.splitlines()
            notes.append(f"The {name} file was not searched for the new inputs: {first}")
            continue
        if there.starters:
            notes.append(f"{path} ({name}) still holds {there.starters} records that `init` wrote.")
        inputs, groups = _ties(there.records)
        new_inputs, new_groups = _ties(new)
        for shared, what in ((inputs & new_inputs, "inputs"), (groups & new_groups, "groups")):
            if shared:
                notes.append(
                    f"{len(shared)} of the new {what} also stand in {path} ({name}): scores there mislead."
                )
    return notes


def _other_files(scenario: Scenario, targets: Mapping[str, Path]) -> list[tuple[str, Path]]:
    """Return the splits' files that are there, those of `targets` under the names they have there."""
    own = {path.resolve() for path in targets.values()}
    named = [name for name in SPLITS if getattr(scenario.data, name) is not None and name not in targets]
    others = [(name, split_path(scenario, name)) for name in named]
    return [
        *targets.items(),
        *((n, path) for n, path in others if path.exists() and path.resolve() not in own),
    ]


def _ties(records: Iterable[Record]) -> tuple[set[str], set[str]]:
    """Return the keys of all inputs, and all groups."""
    inputs, groups = set(), set()
    for record in records:
        inputs.add(input_key(record.input))
        if record.group is not None:
            groups.add(record.group)
    return inputs, groups


def empty_notes(files: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Tell which splits got no record."""
    return [
        f"No record fell to {name}; '{part['path']}' {'is empty now' if part['starters'] else 'was not written'}."
        for name, part in files.items()
        if not part["records"]
    ]


def starter_notes(files: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Tell which rows of the starter made way."""
    return [
        f"{part['path']}: the {part['starters']} records that `init` wrote made way for yours."
        for part in files.values()
        if part["starters"]
    ]
