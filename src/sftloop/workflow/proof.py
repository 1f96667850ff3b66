"""Train on each selection with several seeds, measure each on the same records, and say what that proves.

Chains training, prediction and comparison; doesn't know how a selection was made. Every training has a directory
of its own and is skipped once it is finished.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sftloop.core.files import sha256_json
from sftloop.core.progress import say
from sftloop.core.rundir import RunDirectory
from sftloop.evaluate import compare_trainings, mean_interval
from sftloop.evaluate.holm import holm
from sftloop.evaluate.predict import predict_records, read_predictions
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario, Training
from sftloop.workflow.train import TrainingData, train_step

Selections = Mapping[str, Sequence[Sequence[Record]]]
"""Name → the records to train on, for each seed."""


def prove(
    run: RunDirectory,
    scenario: Scenario,
    selections: Selections,
    *,
    validation: Sequence[Record],
    test: Sequence[Record],
    base: Path,
    choices: Training,
) -> list[dict[str, Any]]:
    """Return per task what each selection reached, and the first one compared with every other.

    Args:
        run: gets `proof/NAME-SEED/` for each training.
        scenario: gives prompts and training settings.
        selections: the one to prove first, then what it is compared with; seed `s` trains on entry `s`.
        validation: picks the best epoch of each training.
        test: what all are measured on.
        base: the model's directory.
        choices: how to train; its seed is replaced.

    Returns:
        Per task {"task", "metric", "rows": [{"name", "n", "values", "mean", "low", "high"}], "verdicts":
        [{"against", "difference", "low", "high", "p", "verdict"}]}; p-values are Holm's over the comparisons.
    """
    answered: dict[str, list[list[Prediction]]] = {name: [] for name in selections}
    for seed in range(max(map(len, selections.values()))):
        for name, draws in selections.items():
            if seed < len(draws):
                place = run.file(f"proof/{name}-{seed}")
                data = TrainingData(list(draws[seed]), list(validation))
                chosen = choices.model_copy(update={"seed": seed})
                answered[name].append(_trained_and_asked(place, scenario, data, test, base, chosen))
    tasks = [name for name in scenario.tasks if any(record.task == name for record in test)]
    sizes = {name: len(draws[0]) for name, draws in selections.items()}
    return [_found(scenario, name, test, answered, sizes) for name in tasks]


def _trained_and_asked(
    place: Path, scenario: Scenario, data: TrainingData, test: Sequence[Record], base: Path, choices: Training
) -> list[Prediction]:
    from sftloop.models import LocalModel

    names = sorted((record.task, record.id) for record in data.train)
    asked = sorted((record.task, record.id) for record in test)
    inner = RunDirectory.open(
        place,
        verb="select",
        command=["proof"],
        inputs={"train": sha256_json(names), "test": sha256_json(asked)},
        settings=choices.model_dump(),
    )
    path = inner.file("predictions.jsonl")
    if inner.step_done("predict"):
        return read_predictions(path)
    say(f"Proof: {place.name}, {len(data.train)} records")
    trained = train_step(inner, scenario, data, base, choices)
    output = inner.path / trained["output"]
    full = output.name == "model"
    model = LocalModel.load(output if full else base, adapter=None if full else output)
    model.write_choices = False
    predictions = predict_records(model, scenario, test, path, label=f"Evaluating {place.name}")
    inner.mark_done("predict")
    return predictions


def _found(
    scenario: Scenario,
    name: str,
    test: Sequence[Record],
    answered: Mapping[str, Sequence[Sequence[Prediction]]],
    sizes: Mapping[str, int],
) -> dict[str, Any]:
    task = scenario.tasks[name]
    rows = []
    for selection, runs in answered.items():
        measured = mean_interval(task, test, runs)
        metric = measured.pop("metric")
        rows.append({"name": selection, **measured, "n": sizes[selection]})
    chosen, *others = answered
    compared = {other: compare_trainings(task, test, answered[other], answered[chosen]) for other in others}
    adjusted = holm([found["p"] for found in compared.values()])
    verdicts = [
        {
            "against": other,
            **{key: found[key] for key in ("difference", "low", "high")},
            "p": p,
            "verdict": found["verdict"] if p < 0.05 else "inconclusive",
        }
        for (other, found), p in zip(compared.items(), adjusted, strict=True)
    ]
    return {"task": name, "metric": metric, "rows": rows, "verdicts": verdicts}
