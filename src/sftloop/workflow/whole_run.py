"""What a run of the whole loop reads and is told: the same for the run and for the forecast of its time.

A forecast belongs to a run when inputs and settings are equal, so both come from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftloop.core.rundir import RunDirectory
from sftloop.records import Record, load_split
from sftloop.scenario import Scenario, Training
from sftloop.workflow.base_model import base_model
from sftloop.workflow.measure import input_hashes
from sftloop.workflow.model_language import warn_of_language
from sftloop.workflow.place import default_directory, named_tasks
from sftloop.workflow.training_case import TrainingData, read_training_case


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeRun:
    """Everything that a run's result depends on, read and checked."""

    scenario: Scenario
    choices: Training
    data: TrainingData
    test: list[Record]
    base: Path
    """The model's folder."""
    settings: Mapping[str, Any]
    inputs: Mapping[str, str]
    """Name → SHA-256."""

    @classmethod
    def read(
        cls,
        directory: Path,
        chosen: Mapping[str, Any],
        *,
        model: str | None,
        tasks: Sequence[str] | None,
        limit: int | None,
        skip_bad: bool,
    ) -> WholeRun:
        """Read scenario, records and model.

        Args:
            directory: the scenario's.
            chosen: training settings over the scenario's.
            model: instead of the scenario's.
            tasks: only these.
            limit: at most so many records per task.
            skip_bad: set bad rows aside.
        """
        scenario, choices, data = read_training_case(
            directory, chosen, tasks=tasks, limit=limit, skip_bad=skip_bad
        )
        test = load_split(scenario, "test", tasks=tasks, limit=limit, skip_bad=skip_bad)
        warn_of_language(model or scenario.model, scenario, data.train)
        base = base_model(model or scenario.model)
        return cls(
            scenario=scenario,
            choices=choices,
            data=data,
            test=test,
            base=base,
            settings={"tasks": named_tasks(tasks), "limit": limit, **choices.model_dump()},
            inputs=input_hashes(scenario, ["train", "validation", "test"], base, None),
        )

    def open(self, out: Path | None, *, name: str, verb: str, command: Sequence[str]) -> RunDirectory:
        """Start or take up a run directory for it.

        Args:
            out: the directory; None: one named after `name` and what the result depends on.
            name: what the directory's name begins with.
            verb: the command's name.
            command: the whole command line.
        """
        return RunDirectory.open(
            out or default_directory(name, self.scenario.name, self.inputs, self.settings),
            verb=verb,
            command=command,
            inputs=self.inputs,
            settings=self.settings,
        )
