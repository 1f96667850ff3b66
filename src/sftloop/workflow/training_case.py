"""What every verb that trains reads first: the scenario, how to train, and records that suit both.

Reads files and loads no model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sftloop.core.errors import UsageError, nearest
from sftloop.core.progress import say
from sftloop.evaluate import require_targets
from sftloop.records import Record, cap_records, load_split
from sftloop.scenario import Scenario, Training, choose_training, load_scenario
from sftloop.workflow.heads import check_heads


@dataclass(slots=True)
class TrainingData:
    """The records a training reads."""

    train: list[Record]
    validation: list[Record]
    dropped: dict[str, str] = field(default_factory=dict)
    """Task → what `max_records` left out, in words."""


class TrainingCase(NamedTuple):
    """A scenario ready to be trained on."""

    scenario: Scenario
    choices: Training
    """The settings given, over the scenario's, over the defaults."""
    data: TrainingData


def read_training_case(
    directory: Path,
    chosen: Mapping[str, Any],
    *,
    tasks: Collection[str] | None,
    limit: int | None,
    skip_bad: bool,
) -> TrainingCase:
    """Read scenario, settings and records.

    Args:
        directory: the scenario's directory.
        chosen: keys of the `training` section, over the scenario's.
        tasks: only these; None: all.
        limit: at most so many training records per task.
        skip_bad: set bad rows aside.

    Raises:
        ScenarioError: the scenario, a target or a setting is wrong.
        UsageError: an unknown task, also in `task_weights`, or a head that suits none of the tasks.
        DataError: bad records.
    """
    scenario = load_scenario(directory)
    require_targets(scenario)
    choices = choose_training(scenario.training, chosen)
    _check_task_weights(scenario, choices)
    data = load_training_data(scenario, tasks=tasks, limit=limit, seed=choices.seed or 0, skip_bad=skip_bad)
    check_heads(scenario, choices.head, {record.task for record in data.train})
    return TrainingCase(scenario, choices, data)


def _check_task_weights(scenario: Scenario, choices: Training) -> None:
    for name in choices.task_weights or ():
        if name not in scenario.tasks:
            raise UsageError(f"task_weights: there is no task '{name}'.", hint=nearest(name, scenario.tasks))


def load_training_data(
    scenario: Scenario, *, tasks: Collection[str] | None, limit: int | None, seed: int, skip_bad: bool
) -> TrainingData:
    """Read and cap the training records and read the validation records."""
    records = load_split(scenario, "train", tasks=tasks, limit=limit, skip_bad=skip_bad)
    capped = cap_records(records, scenario, seed=seed)
    validation = load_split(scenario, "validation", tasks=tasks, limit=limit, skip_bad=skip_bad)
    dropped = {task: str(report) for task, report in capped.tasks.items()}
    for task, words in dropped.items():
        say(f"{task}: {words}")
    return TrainingData(capped.kept, validation, dropped)
