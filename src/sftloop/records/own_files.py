"""Whether a place to write to is one of a scenario's own files."""

from __future__ import annotations

from pathlib import Path

from sftloop.core.errors import UsageError
from sftloop.records.read import SPLITS, split_path
from sftloop.scenario.schema import Scenario


def require_other_file(path: Path, scenario: Scenario) -> None:
    """Refuse to write over scenario.yaml or the scenario's data files.

    Raises:
        UsageError: `path` is one of them.
    """
    own = {"scenario.yaml": scenario.file}
    own |= {name: split_path(scenario, name) for name in SPLITS if getattr(scenario.data, name)}
    for name, file in own.items():
        if file is not None and Path(path).resolve() == Path(file).resolve():
            raise UsageError(
                f"'{path}' is the scenario's own {name} file, which is never changed.",
                hint="Name a new file.",
            )
