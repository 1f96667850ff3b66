"""Train on each selection with several seeds, measure each on the same records, and say what that proves.

Chains training, prediction and comparison; doesn't know how a selection was made. Every training has a directory
of its own and is skipped once it is finished.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sftloop.core.errors import TrainingError
from sftloop.core.rundir import RunDirectory
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario, Training
from sftloop.workflow.standings import standings
from sftloop.workflow.training_case import TrainingData
from sftloop.workflow.trials import train_and_ask

Selections = Mapping[str, Sequence[Sequence[Record]]]
"""Name → the records to train on, for each training."""


def prove(
    run: RunDirectory,
    scenario: Scenario,
    selections: Selections,
    *,
    first_seed: int = 0,
    validation: Sequence[Record],
    test: Sequence[Record],
    base: Path,
    choices: Training,
) -> list[dict[str, Any]]:
    """Return per task what each selection reached, and the first one compared with every other.

    Args:
        run: gets `proof/NAME-SEED/` for each training.
        scenario: gives prompts and training settings.
        selections: the one to prove first, then what it is compared with.
        first_seed: of each selection's first training; those that follow have the seeds that follow.
        validation: picks the best epoch of each training.
        test: what all are measured on.
        base: the model's directory.
        choices: how to train; its seed is replaced.

    Returns:
        As `standings`.

    Raises:
        TrainingError: a training could not go on.
    """
    answered: dict[str, list[list[Prediction]]] = {name: [] for name in selections}
    for number in range(max(map(len, selections.values()))):
        for name, draws in selections.items():
            if number < len(draws):
                seed = first_seed + number
                place = run.file(f"proof/{name}-{seed}")
                data = TrainingData(list(draws[number]), list(validation))
                chosen = choices.model_copy(update={"seed": seed})
                trained = train_and_ask(
                    place,
                    scenario,
                    data,
                    test,
                    base,
                    chosen,
                    verb="select",
                    title=f"Training on '{name}', seed {seed}",
                    keep_weights=True,
                )
                if trained.failure:
                    raise TrainingError(f"The training on '{name}', seed {seed}, failed: {trained.failure}")
                answered[name].append(trained.predictions)
    return standings(scenario, test, answered, {name: len(draws[0]) for name, draws in selections.items()})
