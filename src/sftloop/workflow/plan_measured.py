"""The method that a learning curve on these records and this model showed to win, if there was one.

Reads the runs that lie where runs are written by default.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from sftloop.core.errors import DataError
from sftloop.core.files import read_json
from sftloop.core.rundir import MANIFEST

_INPUTS = ("train", "model")
"""What must be the same for a measurement to hold."""


def measured_method(inputs: Mapping[str, str], tasks: Collection[str], runs: Path) -> str | None:
    """Return the method that is surely the best on all of the data, by the newest learning curve that tells.

    Tasks that can't tell the methods apart don't vote; where the others disagree, nothing is known.

    Args:
        inputs: hashes of records and model, as runs' manifests have them.
        tasks: what is planned for; a curve must have measured all of them, and only they vote. One that was
            measured on test records doesn't count: the result would be reported on what chose it.
        runs: where runs lie.
    """
    found: list[tuple[str, str]] = []
    for file in runs.glob("*/trainings.json"):
        try:
            manifest = read_json(file.parent / MANIFEST, "a run's manifest")
            same = all(manifest["inputs"].get(name) == inputs.get(name, "") for name in _INPUTS)
            result = read_json(file, "a learning curve")
            same = same and result["kind"] == "learning_curve" and result["split"] != "test"
            if same and (best := _best(result, tasks)):
                found.append((manifest["started"], best))
        except (DataError, KeyError, TypeError, AttributeError):
            continue  # another kind of run, or a damaged one: it tells nothing
    return max(found)[1] if found else None


def _best(result: Mapping[str, Any], tasks: Collection[str]) -> str | None:
    curves = {task["task"]: task["winners"] for task in result["tasks"]}
    if not set(tasks) <= curves.keys():
        return None
    winners = {
        winner["best"] for task in tasks for winner in curves[task] if winner["times"] == 1 and winner["wins"]
    }
    return winners.pop() if len(winners) == 1 else None
