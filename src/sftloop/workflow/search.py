"""`sftloop plan search`: within so many minutes better hyper-parameters than the default plan's, or those.

Every training lies in a directory of its own, the trials in SQLite: the same command goes on after a kill,
and with more minutes it searches on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sftloop.core.errors import TrainingError, UsageError
from sftloop.core.files import atomic_write_json, read_json, sha256_json
from sftloop.core.progress import clock, say
from sftloop.core.rundir import RunDirectory
from sftloop.plan.search_space import as_training
from sftloop.plan.trial_time import forecast
from sftloop.records import Prediction
from sftloop.scenario import Scenario, Training
from sftloop.workflow.base_model import base_model
from sftloop.workflow.deadline import OutOfTime, deadline
from sftloop.workflow.follow_up import follow_up
from sftloop.workflow.measure import input_hashes
from sftloop.workflow.place import named_tasks, open_run
from sftloop.workflow.search_clock import SearchClock
from sftloop.workflow.search_loop import Search
from sftloop.workflow.search_trial import Measured, Trial, Values, told_values
from sftloop.workflow.standings import standings
from sftloop.workflow.training_case import TrainingData, read_training_case
from sftloop.workflow.trials import Trained, is_trained, score_of, share_of, train_and_ask

SEARCHED, DEFAULT = "searched", "default"


def search_plan(
    directory: Path,
    chosen: Mapping[str, Any],
    *,
    fixed: frozenset[str] = frozenset(),
    minutes: float,
    seeds: int = 3,
    model: str | None = None,
    tasks: Sequence[str] | None = None,
    out: Path | None = None,
    skip_bad: bool = False,
) -> dict[str, Any]:
    """Search for hyper-parameters and return what `plan search --json` prints.

    Args:
        directory: the scenario's directory.
        chosen: keys of the `training` section, over the scenario's: the default plan.
        fixed: those of them that are not searched.
        minutes: the budget, training and measuring of the finalists included.
        seeds: trainings of each finalist with fresh seeds, as far as the time goes.
        model: instead of the scenario's.
        tasks: only these.
        out: the run's directory.
        skip_bad: set bad rows aside.

    Raises:
        UsageError: the minutes don't suffice for the default plan.
    """
    import sftloop.train  # noqa: F401, its import is no part of the first trial's time
    from sftloop.report.trainings_page import build_trainings_page

    scenario, choices, data = read_training_case(
        directory, chosen, tasks=tasks, limit=None, skip_bad=skip_bad
    )
    seed = choices.seed or 0
    base = base_model(model or scenario.model)
    run = _open(scenario, fixed, choices, base, tasks, out)
    asked = {"minutes": minutes, "asked_seeds": seeds}
    if run.step_done("search") and asked.items() <= run.manifest["steps"]["search"].items():
        finished: dict[str, Any] = read_json(run.file("trainings.json"), "the search's result")
        return finished
    trainer = _Trainer(run, scenario, data, base, choices)
    search = Search(
        trainer,
        method=choices.method,
        records=len(data.train),
        fixed=fixed,
        clock=SearchClock(run.file("clock.json"), 60 * minutes),
        storage=run.file("trials.sqlite"),
        seed=seed,
        finals=2 * seeds,
    )
    try:
        search.run()
    except OutOfTime:
        raise _too_short(minutes, search) from None
    found = _finals(search, trainer, seeds)
    result = {
        "kind": "search",
        "scenario": scenario.name,
        "language": scenario.language,
        "model": model or scenario.model,
        "method": choices.method,
        "records": len(data.train),
        "minutes": minutes,
        "shares": list(search.shares),
        "trials": [
            {"number": number, "stage": trial.stage, "values": dict(trial.values), "rungs": trial.rungs}
            | {"score": trial.score}
            for number, trial in enumerate(search.trials)
        ],
        "defaults": search.settings,
        **found,
        "seconds": round(search.clock.spent(), 2),
        "plan": str(run.file("plan.json")),
        "command": follow_up("run", directory, run.file("plan.json"), tasks, None, skip_bad),
        "page": str(run.file("plan.html")),
    }
    plan = {name: result[name] for name in ("scenario", "model", "training")}
    atomic_write_json(run.file("plan.json"), plan | {"inputs": run.manifest["inputs"]})
    atomic_write_json(run.file("trainings.json"), result)
    build_trainings_page(run.path)
    run.mark_done("search", seconds=result["seconds"], **asked)
    return result


class _Trainer:
    """Trains one set of values on one share of the data, each in its own directory."""

    def __init__(
        self, run: RunDirectory, scenario: Scenario, data: TrainingData, base: Path, choices: Training
    ) -> None:
        self.run, self.scenario, self.data, self.base, self.choices = run, scenario, data, base, choices
        self.settings: dict[str, Any] = {}

    def __call__(self, values: Values, share: float, seconds: float) -> Measured:
        """Train with the usual seed and measure on the validation records; a diverged training scores 0."""
        trained = self.trained(values, share, seconds, self.choices.seed or 0)
        settings = trained.facts.get("settings", {})
        settings = {**settings, **settings.get("method", {})}
        if trained.failure:
            if not values:
                raise TrainingError(
                    f"The default plan can't be trained: {trained.failure}",
                    hint="Give other settings on the command line; they are kept and the rest is searched.",
                )
            return Measured(score=0.0, seconds=trained.seconds, settings={})
        self.settings = self.settings or settings
        return Measured(score=self.score(trained.predictions), seconds=trained.seconds, settings=settings)

    def trained(self, values: Values, share: float, seconds: float, seed: int) -> Trained:
        """Train, or return what was trained before."""
        place, choices = self._place(values, share, seed)
        data = TrainingData(share_of(self.data.train, share, self.choices.seed or 0), self.data.validation)
        return train_and_ask(
            place,
            self.scenario,
            data,
            self.data.validation,
            self.base,
            choices,
            verb="plan search",
            title=f"Training with {told_values(values)} on {share:.0%} of the data, seed {seed}",
            watch=[deadline(seconds)],
        )

    def has_trained(self, values: Values, share: float, seed: int) -> bool:
        """Whether a training lies there finished, so that it takes no time."""
        return is_trained(self._place(values, share, seed)[0])

    def _place(self, values: Values, share: float, seed: int) -> tuple[Path, Training]:
        choices = self.training(values).model_copy(update={"seed": seed})
        key = sha256_json({"choices": choices.model_dump(), "share": share})[:10]
        return self.run.file(f"trials/{key}"), choices

    def training(self, values: Values) -> Training:
        """Return the default plan with these values over it."""
        return self.choices.model_copy(update=as_training(values, self.settings))

    def score(self, predictions: Sequence[Prediction]) -> float:
        """Return what trials are chosen by."""
        return score_of(self.scenario, self.data.validation, predictions)


def _open(
    scenario: Scenario,
    fixed: frozenset[str],
    choices: Training,
    base: Path,
    tasks: Sequence[str] | None,
    out: Path | None,
) -> RunDirectory:
    """Start or take up the run; more minutes or seeds are the same run."""
    settings = {
        "tasks": named_tasks(tasks),
        "fixed": sorted(fixed),
        **choices.model_dump(),
    }
    inputs = input_hashes(scenario, ["train", "validation"], base, None)
    return open_run("plan search", scenario, inputs, settings, out)


def _finals(search: Search, trainer: _Trainer, seeds: int) -> dict[str, Any]:
    """Train the best trial and the default plan with fresh seeds, and choose between them.

    A trial that is not ahead of the default plan is not trained again.
    The scores that the best trial was chosen by are the luckiest of many; fresh seeds don't share that luck.
    """
    tried = [
        trial
        for trial in search.trials[1:]
        if trial.score is not None and not _first_seed(search, trainer, trial.values).failure
    ]
    if not tried:
        return {
            "chosen": DEFAULT,
            "verdict": "nothing_else",
            "tasks": [],
            "finals": {"fresh": 0, "scores": {}, "ahead": False},
            "changes": {},
            "training": _written(trainer.training({})),
        }
    best = max(tried, key=lambda trial: trial.score or 0.0)
    ahead = search.best() is best
    answered = _fresh(search, trainer, best, seeds if ahead else 0)
    fresh = len(answered[SEARCHED])
    if not fresh:
        answered = _again(search, trainer, best)
    scores = {name: [trainer.score(each) for each in runs] for name, runs in answered.items()}
    sizes = dict.fromkeys(answered, search.records)
    tasks = standings(trainer.scenario, trainer.data.validation, answered, sizes)
    better = _mean(scores[SEARCHED]) > _mean(scores[DEFAULT]) and not _key_lost(trainer.scenario, tasks)
    values = best.values if better else {}
    return {
        "chosen": SEARCHED if better else DEFAULT,
        "verdict": _verdict(tasks),
        "tasks": tasks,
        "finals": {"fresh": fresh, "scores": scores, "ahead": ahead},
        "changes": _changes(search, best.values),
        "training": _written(trainer.training(values)),
    }


def _fresh(search: Search, trainer: _Trainer, best: Trial, seeds: int) -> dict[str, list[list[Prediction]]]:
    """Return the finalists' predictions for as many fresh seeds as fit; both sides have equally many."""
    answered: dict[str, list[list[Prediction]]] = {SEARCHED: [], DEFAULT: []}
    sides = {SEARCHED: best.values, DEFAULT: {}}
    first = (trainer.choices.seed or 0) + 1
    for seed in range(first, first + seeds):
        open_ones = [
            search.timing(values, 1.0)
            for values in sides.values()
            if not trainer.has_trained(values, 1.0, seed)
        ]
        if not search.clock.fits(open_ones, 0.0):
            break
        try:
            both = {
                name: trainer.trained(values, 1.0, search.clock.left(), seed)
                for name, values in sides.items()
            }
        except OutOfTime:
            break
        finally:
            search.clock.keep()
        if any(trained.failure for trained in both.values()):
            continue
        for name, trained in both.items():
            answered[name].append(trained.predictions)
        say(f"Finalists with seed {seed} after {clock(search.clock.spent())}")
    return answered


def _again(search: Search, trainer: _Trainer, best: Trial) -> dict[str, list[list[Prediction]]]:
    """Return the predictions that both were tried with: they lie on disk."""
    return {
        name: [_first_seed(search, trainer, values).predictions]
        for name, values in {SEARCHED: best.values, DEFAULT: {}}.items()
    }


def _first_seed(search: Search, trainer: _Trainer, values: Values) -> Trained:
    """Return the training on all of the data that a trial was tried with: it lies on disk."""
    return trainer.trained(values, 1.0, search.clock.budget, trainer.choices.seed or 0)


def _key_lost(scenario: Scenario, tasks: Sequence[Mapping[str, Any]]) -> bool:
    return any(
        scenario.tasks[task["task"]].key and one["verdict"] == "worse"
        for task in tasks
        for one in task["verdicts"]
    )


def _verdict(tasks: Sequence[Mapping[str, Any]]) -> str:
    """Say over all tasks how the best trial stands to the default plan."""
    said = {one["verdict"] for task in tasks for one in task["verdicts"]} - {"inconclusive"}
    return "mixed" if len(said) == 2 else next(iter(said), "inconclusive")


def _changes(search: Search, values: Values) -> dict[str, dict[str, Any]]:
    """Return what the best trial does otherwise than the default plan."""
    now, before = as_training(values, search.settings), search.settings
    return {
        key: {"default": before.get(key), "searched": value}
        for key, value in now.items()
        if key != "switch_at" and value != before.get(key)
    }


def _written(training: Training) -> dict[str, Any]:
    """Return the plan as `train` and `run` take it; the seed is theirs to choose."""
    return training.model_dump(exclude_none=True, exclude={"seed"})


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _too_short(minutes: float, search: Search) -> UsageError:
    spent = clock(search.clock.spent())
    done = sum(rung["seconds"] for trial in search.trials for rung in trial.rungs)
    foreseen = forecast(search.clock.timings, search.timing({}, 1.0)) if search.settings else None
    needed = max(2.5 * (done + foreseen.seconds) / 60, 1.2 * minutes) if foreseen else 4 * minutes
    return UsageError(
        f"{minutes:g} minutes are too short: after {spent} the default plan itself is not trained.",
        hint=f"Give at least --minutes {needed:.2g}; what is done is kept. Or take a smaller model.",
    )
