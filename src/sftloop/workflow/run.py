"""`sftloop run`: evaluate the untouched model, fine-tune it, evaluate again, compare, report.

Each step leaves its files in the run's directory and is skipped when they are complete.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sftloop.core.files import atomic_write_json, read_json
from sftloop.core.progress import clock, say
from sftloop.core.rundir import RunDirectory
from sftloop.evaluate import check_target, paired_comparison, reached_in_words, target_in_words
from sftloop.evaluate.predict import predict_records, read_predictions
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario
from sftloop.workflow.measure import measure
from sftloop.workflow.time_history import score_run
from sftloop.workflow.train import train_step
from sftloop.workflow.training_case import TrainingData
from sftloop.workflow.whole_run import WholeRun
from sftloop.workflow.wrong_answers import telling_wrong_answers


def run_scenario(
    directory: Path,
    chosen: Mapping[str, Any],
    *,
    model: str | None = None,
    tasks: Sequence[str] | None = None,
    limit: int | None = None,
    out: Path | None = None,
    skip_bad: bool = False,
) -> dict[str, Any]:
    """Go once around the loop and return the content of `summary.json`."""
    began = time.monotonic()
    read = WholeRun.read(directory, chosen, model=model, tasks=tasks, limit=limit, skip_bad=skip_bad)
    scenario, data, test, base = read.scenario, read.data, read.test, read.base
    seed = read.choices.seed or 0
    run = read.open(out, name="run", verb="run", command=sys.argv)
    uninterrupted = not run.manifest["steps"]
    say(
        f"{scenario.name}: {len(data.train)} training, {len(data.validation)} validation, {len(test)} test records"
    )
    from sftloop.report import build_report
    from sftloop.workflow.time_refine import refining

    linear = _linear_step(run, scenario, data, test, seed)
    before = _evaluate_step(run, "before", scenario, test, base, None)
    trained = train_step(run, scenario, data, base, read.choices, refining(run, scenario.name))
    say(f"Weights: {run.path / trained['output']}")
    after = _evaluate_step(run, "after", scenario, test, base, run.path / trained["output"])
    summary = _summary(run, scenario, model or scenario.model, test, (linear, before, after), trained, seed)
    atomic_write_json(run.file("wrong_answers.json"), telling_wrong_answers(scenario, test, before, after))
    atomic_write_json(run.file("summary.json"), summary)
    build_report(run.path)
    run.mark_done("report")
    if uninterrupted:
        score_run(run, scenario.name, time.monotonic() - began)
    return summary


def _linear_step(
    run: RunDirectory, scenario: Scenario, data: TrainingData, test: Sequence[Record], seed: int
) -> list[Prediction]:
    """Train TF-IDF + logistic regression on the same records, for `choice` and `multi` tasks."""
    from sftloop.models import LinearBaseline

    path = run.file("linear/predictions.jsonl")
    if run.step_done("linear"):
        return read_predictions(path) if path.exists() else []
    began = time.monotonic()
    path.unlink(missing_ok=True)
    for name, task in scenario.tasks.items():
        own = [record for record in data.train if record.task == name]
        asked = [record for record in test if record.task == name]
        if task.kind in {"choice", "multi"} and own and asked:
            baseline = LinearBaseline()
            baseline.fit(own, task, scenario.language, seed)
            predict_records(_Fitted(baseline), scenario, asked, path, label=f"Linear baseline, {name}")
    run.mark_done("linear", seconds=round(time.monotonic() - began, 2))
    return read_predictions(path) if path.exists() else []


class _Fitted:
    """A fitted baseline behind the predictor's one method."""

    def __init__(self, baseline: Any) -> None:
        self.baseline = baseline

    def predict(self, scenario: Scenario, task: str, records: Sequence[Record]) -> Any:
        return iter(self.baseline.predict(records))


def _evaluate_step(
    run: RunDirectory,
    name: str,
    scenario: Scenario,
    records: Sequence[Record],
    base: Path,
    trained: Path | None,
) -> list[Prediction]:
    """Evaluate the untouched or the trained model into `run`'s folder `name`."""
    from sftloop.models import LocalModel

    path = run.file(f"{name}/predictions.jsonl")
    if run.step_done(name):
        return read_predictions(path)
    began = time.monotonic()
    full = trained is not None and trained.name == "model"
    predictor = LocalModel.load(trained if full and trained else base, adapter=None if full else trained)
    predictions = predict_records(predictor, scenario, records, path, label=f"Evaluating {name} training")
    run.mark_done(name, seconds=round(time.monotonic() - began, 2))
    return predictions


def _summary(
    run: RunDirectory,
    scenario: Scenario,
    model: str,
    test: Sequence[Record],
    predictions: tuple[list[Prediction], list[Prediction], list[Prediction]],
    trained: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    linear, before, after = predictions
    measured = {
        "before": measure(scenario, test, before, seed=seed),
        "after": measure(scenario, test, after, seed=seed),
        "linear": _linear_metrics(scenario, test, linear, seed),
    }
    for name in ("before", "after", "linear"):
        if measured[name]:
            atomic_write_json(run.file(f"{name}/metrics.json"), {"tasks": measured[name]})
    tasks = {}
    for name, found in measured["after"].items():
        task = scenario.tasks[name]
        own = [record for record in test if record.task == name]
        tasks[name] = {
            "kind": task.kind,
            "instruction": task.instruction,
            "labels": list(task.labels),
            "key": task.key,
            "before": measured["before"][name],
            "after": found,
            "paired": paired_comparison(task, own, before, after, seed=seed),
            "linear": measured["linear"].get(name),
            "target": check_target(task, found),
        }
    seconds = {step: facts["seconds"] for step, facts in run.manifest["steps"].items() if "seconds" in facts}
    return {
        "scenario": scenario.name,
        "language": scenario.language,
        "model": model,
        "method": trained["method"],
        "tasks": tasks,
        "train": trained,
        "seconds": {**seconds, "total": round(sum(seconds.values()), 2)},
        "report": str(run.file("report.html")),
    }


def _linear_metrics(
    scenario: Scenario, test: Sequence[Record], predictions: Sequence[Prediction], seed: int
) -> dict[str, Any]:
    covered = {prediction.task for prediction in predictions}
    return measure(scenario, [record for record in test if record.task in covered], predictions, seed=seed)


def last_lines(summary: dict[str, Any]) -> list[str]:
    """Return the closing lines for the terminal: each task before → after, then where the report is."""
    lines = []
    for name, task in summary["tasks"].items():
        lines.append(f"{name}: {_paired_words(task)}{_target_words(task['target'])}")
    lines.append(
        f"Trained in {clock(summary['train']['seconds'])}, all steps {clock(summary['seconds']['total'])}"
    )
    lines.append(f"Report: {summary['report']}")
    return lines


def _paired_words(task: dict[str, Any]) -> str:
    pair = task["paired"]
    if pair["difference"] is None:
        return "no record could be scored both before and after"
    limits = (
        "(no interval from one record or group)"
        if pair["low"] is None or pair["high"] is None
        else f"[{pair['low']:+.3f}, {pair['high']:+.3f}]"
    )
    words = (
        f"{pair['metric']} {pair['before']:.3f} → {pair['after']:.3f}, "
        f"difference {pair['difference']:+.3f} {limits}, {pair['verdict']}"
    )
    lost = task["key"] and pair["verdict"] == "worse"
    return words + (" (a key task: it must not lose)" if lost else "")


def _target_words(target: dict[str, Any] | None) -> str:
    if target is None:
        return ""
    verdict = "met" if target["met"] else "not met"
    return f"; target {target_in_words(target)}: {reached_in_words(target)}, {verdict}"


def load_summary(path: Path) -> dict[str, Any]:
    """Return a finished run's summary."""
    found: dict[str, Any] = read_json(path / "summary.json", "a run's summary")
    return found
