"""What a data file holds of the user's own, apart from the examples that `init` wrote there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from sftloop.records import Record, read_records
from sftloop.scenario import Scenario

_SOURCE = "starter"


class Held(NamedTuple):
    """The content of a data file."""

    records: list[Record]
    """The user's own."""
    starters: int
    """Rows that `init` wrote."""


def held_records(path: Path, scenario: Scenario) -> Held:
    """Read a data file; the starter's rows are counted and not checked, since the tasks may have changed.

    Raises:
        DataError: as `read_records`, but for a file that is missing or without a byte.
    """
    if not path.exists() or path.stat().st_size == 0:
        return Held([], 0)
    starters = 0

    def leave_out(row: Mapping[str, Any]) -> bool:
        nonlocal starters
        found = is_starter(row)
        starters += found
        return found

    records = list(read_records(path, scenario, leave_out=leave_out))
    return Held(records, starters)


def is_starter(row: Mapping[str, Any]) -> bool:
    """Whether a row is the starter's: by its source and its input, so that an edited text is the user's own."""
    return row.get("source") == _SOURCE and row.get("input") in _inputs()


@lru_cache(maxsize=1)
def _inputs() -> tuple[Any, ...]:
    """Return all inputs that come with the package."""
    starter = resources.files("sftloop.workflow") / "starter"
    files = [file for language in starter.iterdir() for file in (language / "data").iterdir()]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return tuple(json.loads(line)["input"] for line in lines)
