"""Starting a scenario: a commented scenario.yaml and three records per split, ready to be overwritten.

The texts are the files in `starter/`, one folder per language.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from sftloop.core.errors import UsageError, nearest
from sftloop.core.files import atomic_write_text

LANGUAGES = ("en", "zh")
_NAME = "name: my-scenario"
"""What the starters say, to be replaced by the directory's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitResult:
    """What was written."""

    directory: str
    language: str
    files: tuple[str, ...]
    """Relative to `directory`."""

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return asdict(self)


def init_scenario(directory: Path, *, language: str = "en") -> InitResult:
    """Write a starter scenario into a new or empty directory, and name it after that.

    Args:
        directory: made if it doesn't exist.
        language: of the scenario: `en` or `zh`.

    Raises:
        UsageError: the directory is not empty or is a file, or the language is unknown.
        ExternalError: the directory can't be written to.
    """
    directory = Path(directory)
    if language not in LANGUAGES:
        raise UsageError(f"There is no starter in '{language}'.", hint=nearest(language, LANGUAGES))
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"'{directory}' is a file.", hint="Name a new directory.")
    if directory.is_dir() and any(directory.iterdir()):
        raise UsageError(
            f"'{directory}' is not empty; a scenario would mix with what is there.",
            hint="Name a new or an empty directory.",
        )
    starter = resources.files("sftloop.workflow") / "starter" / language
    written = []
    for name, source in sorted(_files(starter)):
        text = source.read_text(encoding="utf-8")
        atomic_write_text(directory / name, text.replace(_NAME, _name_line(directory), 1))
        written.append(name)
    return InitResult(directory=str(directory), language=language, files=tuple(written))


def _name_line(directory: Path) -> str:
    name = directory.resolve().name
    if not name.isprintable() or not name:
        return _NAME
    return yaml.safe_dump({"name": name}, allow_unicode=True, width=float("inf")).rstrip()


def _files(folder: Traversable, above: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{above}{entry.name}/")
        else:
            yield f"{above}{entry.name}", entry
