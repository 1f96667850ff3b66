"""What a finished run left in its directory, read and checked as far as the report needs it.

Knows the files' shapes; knows nothing of pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftloop.core.errors import DataError, UsageError
from sftloop.core.files import read_json
from sftloop.core.rundir import MANIFEST
from sftloop.report.saved_result import read_object, require, require_language

SUMMARY = "summary.json"
WRONG_ANSWERS = "wrong_answers.json"
HISTORY = "train/history.json"

_SUMMARY_KEYS = ("scenario", "language", "model", "method", "tasks")
_TASK_KEYS = ("kind", "before", "after", "paired")
_WRONG_KEYS = ("task", "id", "sections", "gold", "before", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRun:
    """The saved results of one run, as plain data."""

    manifest: Mapping[str, Any]
    summary: Mapping[str, Any]
    wrong_answers: Sequence[Mapping[str, Any]]
    history: Sequence[Mapping[str, Any]]


def read_run(directory: Path) -> SavedRun:
    """Read a run's directory; wrong answers and history may be absent.

    Raises:
        UsageError: the directory holds no run, or one that isn't finished.
        DataError: a file is malformed or lacks a key; names both.
    """
    for name, meaning in ((MANIFEST, "no run of sftloop"), (SUMMARY, "no finished run")):
        if not (directory / name).is_file():
            raise UsageError(
                f"'{directory}' holds {meaning}: it has no {name}.",
                hint="Give the directory that `sftloop run` wrote; an unfinished run goes on with the same "
                "command.",
            )
    return SavedRun(
        manifest=read_object(directory / MANIFEST, "the run's manifest", ()),
        summary=_summary(directory / SUMMARY),
        wrong_answers=_rows(directory / WRONG_ANSWERS, "the wrong answers", _WRONG_KEYS),
        history=_rows(directory / HISTORY, "the training history", ("step",)),
    )


def _summary(path: Path) -> Mapping[str, Any]:
    summary = read_object(path, "the run's summary", _SUMMARY_KEYS)
    require_language(summary, path)
    if not isinstance(summary["tasks"], dict) or not summary["tasks"]:
        raise DataError(f"{path}: 'tasks' must be an object with at least one task.")
    for name, task in summary["tasks"].items():
        require(task, _TASK_KEYS, f"{path}: task '{name}'")
        for side in ("before", "after"):
            require(task[side], ("metrics",), f"{path}: task '{name}', '{side}'")
        require(task["paired"], ("metric", "verdict"), f"{path}: task '{name}', 'paired'")
    return summary


def _rows(path: Path, what: str, keys: Sequence[str]) -> list[Mapping[str, Any]]:
    if not path.exists():
        return []
    rows = read_json(path, what)
    if not isinstance(rows, list):
        raise DataError(f"'{path}' ({what}) must hold a list, got {type(rows).__name__}.")
    for number, row in enumerate(rows, start=1):
        require(row, keys, f"{path}: entry {number}")
    return rows
