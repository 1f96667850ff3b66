"""A plan as a file: settings under `training`, and for which scenario and model they were chosen.

Knows the file; doesn't know how settings are chosen. Any program may write one: `{"training": {…}}` is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftloop.core.errors import DataError, UsageError, nearest
from sftloop.core.files import read_json
from sftloop.scenario.choose import choose_training

PLAN_FILE = "plan.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """What `train` and `run` read of a plan."""

    path: Path
    training: Mapping[str, Any]
    """Keys of the scenario's training section."""
    scenario: str | None
    """Name of the scenario it was made for; None: it doesn't say."""
    model: str | None
    inputs: Mapping[str, str]
    """Name → SHA-256 of the files it was made from."""

    def check_scenario(self, name: str) -> None:
        """Refuse a plan that was made for another scenario: its choices rest on other records.

        Raises:
            UsageError: it was.
        """
        if self.scenario not in {None, name}:
            raise UsageError(
                f"'{self.path}' is a plan for the scenario '{self.scenario}', not for '{name}': its batch, epochs "
                "and method were chosen for other records.",
                hint="Make one with `sftloop plan`, or take single values with --set KEY=VALUE.",
            )


def read_plan(path: Path) -> PlanFile:
    """Read a plan and check its settings.

    Args:
        path: the file, or the run directory that holds it.

    Raises:
        DataError: no such file, no JSON, or no plan.
        UsageError: an unknown setting (names the nearest), a wrong value, an option of another method.
    """
    path = path / PLAN_FILE if path.is_dir() else path
    content = read_json(path, "a plan")
    training = content.get("training") if isinstance(content, dict) else None
    if not isinstance(training, dict):
        near = nearest("training", content) if isinstance(content, dict) and content else ""
        raise DataError(
            f"'{path}' is no plan: it must be a JSON object with the settings under 'training'. {near}".rstrip(),
            hint="Make one with `sftloop plan SCENARIO`.",
        )
    try:
        choose_training(None, training)
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", hint=error.hint) from None
    scenario, model, inputs = (content.get(key) for key in ("scenario", "model", "inputs"))
    return PlanFile(
        path=path,
        training=training,
        scenario=scenario if isinstance(scenario, str) else None,
        model=model if isinstance(model, str) else None,
        inputs=inputs if isinstance(inputs, dict) else {},
    )
