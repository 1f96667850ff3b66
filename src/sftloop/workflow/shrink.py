"""`sftloop plan shrink`: from the largest model down, the smallest that still meets the scenario's targets.

Every training lies in a directory of its own: the same command goes on after a kill.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sftloop.core.errors import ScenarioError, UsageError
from sftloop.core.files import atomic_write_json
from sftloop.core.progress import say
from sftloop.core.rundir import RunDirectory
from sftloop.evaluate import mean_interval, target_over_seeds, task_metrics
from sftloop.records import Prediction, Record, load_split
from sftloop.scenario import Scenario, Training
from sftloop.scenario.schema import Task
from sftloop.workflow.base_model import base_model
from sftloop.workflow.measure import input_hashes
from sftloop.workflow.place import named_tasks, open_run
from sftloop.workflow.training_case import TrainingData, read_training_case
from sftloop.workflow.trials import train_and_ask


def shrink(
    directory: Path,
    chosen: Mapping[str, Any],
    *,
    models: Sequence[str],
    seeds: int = 3,
    split: str = "test",
    tasks: Sequence[str] | None = None,
    out: Path | None = None,
    skip_bad: bool = False,
) -> dict[str, Any]:
    """Fine-tune candidates from large to small and return what `plan shrink --json` prints.

    A target counts as met when the lower end of its interval over records and seeds reaches it. The descent
    ends at the first model whose mean misses a target: a smaller one would have to be lucky.

    Args:
        directory: the scenario's directory.
        chosen: keys of the `training` section from the command line.
        models: names or directories, in any order.
        seeds: trainings of each model.
        split: what the trained are measured on.
        tasks: only these.
        out: the run's directory.
        skip_bad: set bad rows aside.

    Raises:
        UsageError: fewer than two models.
        ScenarioError: no task states a target.
    """
    from sftloop.report.trainings_page import build_trainings_page

    began = time.monotonic()
    scenario, choices, data = read_training_case(
        directory, chosen, tasks=tasks, limit=None, skip_bad=skip_bad
    )
    asked = load_split(scenario, split, tasks=tasks, skip_bad=skip_bad)
    wanted = _wanted(scenario, asked)
    sized = _sized(models)
    run = _open(scenario, choices, sized, tasks, seeds, split, out)
    candidates: list[dict[str, Any]] = []
    for name, (base, parameters) in sized.items():
        place = run.file(f"models/{len(candidates)}")
        runs, facts = _train_all(place, scenario, data, asked, base, choices, seeds)
        candidates.append(
            {"model": name, "parameters": parameters, **facts, "tasks": _tasks(scenario, wanted, asked, runs)}
        )
        candidates[-1]["meets"] = bool(runs) and all(
            task["target"]["sure"] for task in candidates[-1]["tasks"]
        )
        say(f"{name}: {'meets' if candidates[-1]['meets'] else 'does not surely meet'} the targets")
        if not runs or not all(task["target"]["met"] for task in candidates[-1]["tasks"]):
            break
    meeting = [each["model"] for each in candidates if each["meets"]]
    result = {
        "kind": "shrink",
        "scenario": scenario.name,
        "language": scenario.language,
        "model": meeting[-1] if meeting else None,
        "smallest": meeting[-1] if meeting else None,
        "method": choices.method,
        "seeds": seeds,
        "split": split,
        "candidates": candidates,
        "untried": list(sized)[len(candidates) :],
        "seconds": round(time.monotonic() - began, 2),
        "page": str(run.file("plan.html")),
    }
    atomic_write_json(run.file("trainings.json"), result)
    build_trainings_page(run.path)
    run.mark_done("shrink", seconds=result["seconds"])
    return result


def _wanted(scenario: Scenario, asked: Sequence[Record]) -> list[Task]:
    """Return the tasks with targets."""
    present = {record.task for record in asked}
    wanted = [task for name, task in scenario.tasks.items() if name in present and task.target is not None]
    if not wanted:
        raise ScenarioError(
            "No task states a target, so no model can be told to suffice.",
            hint="Add one to a task in scenario.yaml: target: {metric: accuracy, at_least: 0.9}",
        )
    return wanted


def _sized(models: Sequence[str]) -> dict[str, tuple[Path, int]]:
    """Return each model's directory and parameters, the largest first."""
    from sftloop.models.weights import model_shapes

    named = list(dict.fromkeys(models))
    if len(named) < 2:
        raise UsageError("Shrinking compares models.", hint="Give two or more: --models LARGE,SMALL.")
    found = {}
    for name in named:
        path = base_model(name)
        found[name] = (path, sum(math.prod(shape) for shape in model_shapes(path).values()))
    return dict(sorted(found.items(), key=lambda item: -item[1][1]))


def _open(
    scenario: Scenario,
    choices: Training,
    sized: Mapping[str, tuple[Path, int]],
    tasks: Sequence[str] | None,
    seeds: int,
    split: str,
    out: Path | None,
) -> RunDirectory:
    settings = {
        "tasks": named_tasks(tasks),
        "seeds": seeds,
        "split": split,
        "models": list(sized),
        **choices.model_dump(),
    }
    hashes = [
        input_hashes(scenario, sorted({"train", "validation", split}), path, None)
        for path, _ in sized.values()
    ]
    inputs = hashes[0] | {f"model {number}": each["model"] for number, each in enumerate(hashes)}
    return open_run("plan shrink", scenario, inputs, settings, out)


def _train_all(
    place: Path,
    scenario: Scenario,
    data: TrainingData,
    asked: Sequence[Record],
    base: Path,
    choices: Training,
    seeds: int,
) -> tuple[list[list[Prediction]], dict[str, Any]]:
    """Return the predictions of each seed, none where one failed, and what training and answering took."""
    runs, seconds = [], []
    for seed in range(seeds):
        chosen = choices.model_copy(update={"seed": (choices.seed or 0) + seed})
        trained = train_and_ask(
            place / f"seed-{seed}",
            scenario,
            data,
            asked,
            base,
            chosen,
            verb="plan shrink",
            title=f"{base.name}, seed {chosen.seed}",
        )
        if trained.failure:
            return [], {"train_seconds": None, "seconds_per_record": None, "failure": trained.failure}
        runs.append(trained.predictions)
        seconds.append(trained.facts["seconds"])
    timed = [p.latency_seconds for run in runs for p in run if p.latency_seconds is not None]
    each = sum(timed) / len(timed) if timed else None
    return runs, {"train_seconds": statistics.fmean(seconds), "seconds_per_record": each, "failure": None}


def _tasks(
    scenario: Scenario, wanted: Sequence[Task], asked: Sequence[Record], runs: Sequence[Sequence[Prediction]]
) -> list[dict[str, Any]]:
    """Return each task's target over all seeds, and its primary metric."""
    if not runs:
        return []
    return [
        {
            "task": task.name,
            "primary": mean_interval(task, asked, runs),
            "target": target_over_seeds(task, [task_metrics(task, asked, run) for run in runs]),
        }
        for task in wanted
    ]
