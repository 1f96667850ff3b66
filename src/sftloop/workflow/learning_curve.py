"""`sftloop plan learning-curve`: methods trained on more and more of the data, and which wins now and with more.

Every training lies in a directory of its own: the same command goes on after a kill.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from sftloop.core.errors import TrainingError, UsageError, nearest
from sftloop.core.files import atomic_write_json
from sftloop.core.progress import clock, say
from sftloop.core.rundir import RunDirectory
from sftloop.records import Prediction, Record, load_split
from sftloop.scenario import Scenario, Training, choose_training, load_scenario
from sftloop.scenario.training import METHOD_OPTIONS
from sftloop.workflow.base_model import base_model
from sftloop.workflow.heads import check_heads
from sftloop.workflow.measure import input_hashes
from sftloop.workflow.place import named_tasks, open_run
from sftloop.workflow.training_case import TrainingData, load_training_data
from sftloop.workflow.trials import share_of, train_and_ask

SHARES = (Fraction(1, 8), Fraction(1, 4), Fraction(1, 2), Fraction(1))
METHODS = ("lora", "full", "ptuning")
_LEAST_RECORDS = 32
"""An eighth of fewer is no training set."""

_Found = dict[str, dict[Fraction, list[list[Prediction]]]]


def learning_curve(
    directory: Path,
    chosen: Mapping[str, Any],
    *,
    methods: Sequence[str] = METHODS,
    seeds: int = 3,
    split: str = "validation",
    model: str | None = None,
    tasks: Sequence[str] | None = None,
    out: Path | None = None,
    skip_bad: bool = False,
) -> dict[str, Any]:
    """Train methods on 1/8, 1/4, 1/2 and all of the data, and return what `plan learning-curve --json` prints.

    Args:
        directory: the scenario's directory.
        chosen: keys of the `training` section, over the scenario's. A rate and a method's options are for the
            method that they stand with; other methods keep their defaults.
        methods: at least two.
        seeds: trainings of each method on each share; each draws its share anew.
        split: what the trained are measured on.
        model: instead of the scenario's.
        tasks: only these.
        out: the run's directory.
        skip_bad: set bad rows aside.

    Raises:
        UsageError: an unknown method, fewer than two, or too few records.
        TrainingError: a method failed on all of the data with every seed.
    """
    from sftloop.report.trainings_page import build_trainings_page
    from sftloop.workflow.curves import curves_of_task

    began = time.monotonic()
    scenario = load_scenario(directory)
    given = choose_training(scenario.training, chosen)
    choices = {method: choose_training(given, {"method": method}) for method in _checked(methods)}
    seed = given.seed or 0
    data = load_training_data(scenario, tasks=tasks, limit=None, seed=seed, skip_bad=skip_bad)
    asked = load_split(scenario, split, tasks=tasks, skip_bad=skip_bad)
    if len(data.train) < _LEAST_RECORDS:
        raise UsageError(
            f"A learning curve needs at least {_LEAST_RECORDS} training records, there are {len(data.train)}.",
            hint="Add records, or compare methods with `sftloop train`.",
        )
    shown = [
        name
        for name in scenario.tasks
        if any(record.task == name for record in asked) and any(record.task == name for record in data.train)
    ]
    if not shown:
        raise UsageError(
            f"No task has records both in train and in {split}.",
            hint="Add records of the same task to both, or name another split with --split.",
        )
    for each in choices.values():
        check_heads(scenario, each.head, {record.task for record in data.train})
    base = base_model(model or scenario.model)
    run = _open(scenario, choices, base, tasks, seeds, split, out)
    found, failed = _train_all(run, scenario, data, asked, base, choices, seeds)
    result = {
        "kind": "learning_curve",
        "scenario": scenario.name,
        "language": scenario.language,
        "model": model or scenario.model,
        "methods": list(choices),
        "records": len(data.train),
        "seeds": seeds,
        "split": split,
        "tasks": [curves_of_task(scenario, name, asked, _by_size(found, data.train, name)) for name in shown],
        "failed": failed,
        "seconds": round(time.monotonic() - began, 2),
        "page": str(run.file("plan.html")),
    }
    atomic_write_json(run.file("trainings.json"), result)
    build_trainings_page(run.path)
    run.mark_done("learning-curve", seconds=result["seconds"])
    return result


def _checked(methods: Sequence[str]) -> list[str]:
    named = list(dict.fromkeys(methods))
    for method in named:
        if method not in METHOD_OPTIONS:
            raise UsageError(f"There is no method '{method}'.", hint=nearest(method, METHOD_OPTIONS))
    if len(named) < 2:
        raise UsageError("A learning curve compares methods.", hint="Give two or three: --methods lora,full.")
    return named


def _open(
    scenario: Scenario,
    choices: Mapping[str, Training],
    base: Path,
    tasks: Sequence[str] | None,
    seeds: int,
    split: str,
    out: Path | None,
) -> RunDirectory:
    settings = {
        "tasks": named_tasks(tasks),
        "seeds": seeds,
        "split": split,
        "methods": {method: each.model_dump() for method, each in choices.items()},
    }
    inputs = input_hashes(scenario, sorted({"train", "validation", split}), base, None)
    return open_run("plan learning-curve", scenario, inputs, settings, out)


def _train_all(
    run: RunDirectory,
    scenario: Scenario,
    data: TrainingData,
    asked: Sequence[Record],
    base: Path,
    choices: Mapping[str, Training],
    seeds: int,
) -> tuple[_Found, list[dict[str, Any]]]:
    """Return the predictions by method, share and seed, and the trainings that failed."""
    found: _Found = {method: defaultdict(list) for method in choices}
    failed = []
    began, total = time.monotonic(), seeds * len(SHARES) * len(choices)
    jobs = [(seed, share, method) for seed in range(seeds) for share in SHARES for method in choices]
    for number, (seed, share, method) in enumerate(jobs, start=1):
        place = run.file(f"trials/{method}-{share.numerator}of{share.denominator}-{seed}")
        own = TrainingData(share_of(data.train, float(share), seed), data.validation)
        settings = choices[method].model_copy(update={"seed": (choices[method].seed or 0) + seed})
        which = f"{method}, {share if share < 1 else 'all'} of the data, seed {settings.seed}"
        trained = train_and_ask(
            place,
            scenario,
            own,
            asked,
            base,
            settings,
            verb="plan learning-curve",
            title=f"Training {number} of {total}: {which}",
        )
        if trained.failure:
            failed.append({"method": method, "share": float(share), "seed": seed, "why": trained.failure})
        else:
            found[method][share].append(trained.predictions)
        say(f"Training {number} of {total} is done after {clock(time.monotonic() - began)}")
    for method, by_share in found.items():
        if not by_share[SHARES[-1]]:
            why = next(each["why"] for each in failed if each["method"] == method and each["share"] == 1.0)
            raise TrainingError(
                f"Every training with {method} on all of the data failed: {why}",
                hint="Leave the method out, or lower its rate.",
            )
    return found, failed


def _by_size(
    found: _Found, records: Sequence[Record], task: str
) -> dict[str, dict[int, list[list[Prediction]]]]:
    """Return the runs by how many records of this task they were trained on."""
    sizes = {
        share: sum(record.task == task for record in share_of(records, float(share), 0)) for share in SHARES
    }
    merged: dict[str, dict[int, list[list[Prediction]]]] = {method: {} for method in found}
    for method, by_share in found.items():
        for share, runs in by_share.items():
            if runs:
                merged[method].setdefault(sizes[share], []).extend(runs)
    return merged
