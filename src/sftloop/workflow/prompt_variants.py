"""Other wordings of a scenario: the same tasks and labels, asked differently, on the same records.

Compares what must be equal for answers to be comparable; doesn't judge wording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sftloop.core.errors import ScenarioError
from sftloop.core.files import sha256_file
from sftloop.scenario import Scenario, load_scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One wording; the scenario's own has no name."""

    name: str
    scenario: Scenario
    file: str | None
    hash: str


def load_variants(own: Scenario, files: Sequence[Path]) -> list[Variant]:
    """Return the scenario's own wording, then those of the files.

    Raises:
        ScenarioError: a file can't be read, or differs in a task, label, field, input or kind; names both.
    """
    assert own.file is not None
    variants = [Variant(name="", scenario=own, file=None, hash=sha256_file(own.file))]
    for file in files:
        other = load_scenario(file)
        assert other.file is not None
        _require_same(own, other)
        name = other.name if other.name != own.name else _telling_name(other.file)
        variants.append(Variant(name=name, scenario=other, file=str(file), hash=sha256_file(other.file)))
    return variants


def _telling_name(file: Path) -> str:
    return file.stem if file.stem != "scenario" else file.resolve().parent.name


def _require_same(own: Scenario, other: Scenario) -> None:
    for name, task in own.tasks.items():
        theirs = other.tasks.get(name)
        if theirs is None:
            raise ScenarioError(
                f"{other.file}: the task '{name}' of '{own.file}' is missing.",
                hint="A variant for --prompt asks the same tasks in other words.",
            )
        mine = {
            "kind": task.kind,
            "labels": sorted(task.labels),
            "fields": sorted(task.fields),
            "input": sorted((part.name, part.many) for part in task.input),
        }
        also = {
            "kind": theirs.kind,
            "labels": sorted(theirs.labels),
            "fields": sorted(theirs.fields),
            "input": sorted((part.name, part.many) for part in theirs.input),
        }
        for part, value in mine.items():
            if also[part] != value:
                raise ScenarioError(
                    f"{other.file}: '{part}' of task '{name}' is {also[part]}, in '{own.file}' it is {value}.",
                    hint="A variant for --prompt may change wording, order and definitions only.",
                )
