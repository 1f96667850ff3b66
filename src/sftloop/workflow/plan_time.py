"""`plan time`: how long `run` will take on this machine, from a pilot on a hundredth and on a tenth of the data.

Chains pilots, fit and forecast; knows the parts of a run and how often each happens, no formula of the fit.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.files import atomic_write_json, read_json
from sftloop.core.progress import clock as words
from sftloop.core.progress import say
from sftloop.core.rundir import RunDirectory
from sftloop.plan.fit import BATCH_SIZE
from sftloop.plan.time_forecast import Forecast, deviation, with_interval
from sftloop.workflow.time_history import FORECAST, earlier_scores, forecast_of
from sftloop.workflow.whole_run import WholeRun

if TYPE_CHECKING:
    from sftloop.workflow.time_measured import Pilot
    from sftloop.workflow.time_pilot import Bench, Clock
    from sftloop.workflow.time_total import Outlook

SHARES = {"1/100": 0.01, "1/10": 0.1}
_FEWEST_STEPS, _FEWEST_ANSWERS = 4, 8
_CROWDED = 0.3
_WIDE = 0.15
"""Half an interval's width, as a share, from which a forecast is called rough."""


def plan_time(
    directory: Path,
    chosen: Mapping[str, Any],
    *,
    model: str | None = None,
    tasks: Sequence[str] | None = None,
    limit: int | None = None,
    out: Path | None = None,
    skip_bad: bool = False,
    largest: str = "1/10",
    minutes: float = 10.0,
    clock: Clock = time.perf_counter,
) -> dict[str, Any]:
    """Forecast `run` with the same arguments and return what `plan time --json` prints.

    Args:
        directory: the scenario's.
        chosen: training settings over the scenario's.
        model: instead of the scenario's.
        tasks: only these.
        limit: at most so many records per task.
        out: the run directory of the forecast.
        skip_bad: set bad rows aside.
        largest: the last pilot, a key of `SHARES`.
        minutes: a pilot that would take longer is made smaller.
        clock: what is measured; by default the time of day.
    """
    began, crowd = clock(), _crowd()
    read = WholeRun.read(directory, chosen, model=model, tasks=tasks, limit=limit, skip_bad=skip_bad)
    run = read.open(out, name="forecast", verb="plan time", command=sys.argv)
    if run.step_done(largest):
        say(f"Forecast before, in {run.path}; another directory (--out) measures anew.")
        result: dict[str, Any] = read_json(run.file(FORECAST), "a forecast")
    else:
        result = _measured(run, read, model, largest, minutes, clock=clock, began=began, crowd=crowd)
    if clock is time.perf_counter:
        atomic_write_json(forecast_of(run, read.scenario.name), result)
    return {**result, "run": str(run.path)}


def _measured(
    run: RunDirectory,
    read: WholeRun,
    model: str | None,
    largest: str,
    minutes: float,
    *,
    clock: Clock,
    began: float,
    crowd: float,
) -> dict[str, Any]:
    """Pilot what was read, and forecast from that."""
    from sftloop.workflow.time_pilot import Bench

    bench = Bench(
        scenario=read.scenario,
        train=read.data.train,
        validation=read.data.validation,
        test=read.test,
        base=read.base,
        choices=read.choices,
        clock=clock,
        start=clock() - began,
        crowd=crowd if clock is time.perf_counter else 0.0,
    )
    facts = {
        "scenario": read.scenario.name,
        "model": model or read.scenario.model,
        "method": read.choices.method,
    }
    return _piloted(run, bench, facts, largest, minutes)


def _piloted(
    run: RunDirectory, bench: Bench, facts: dict[str, Any], largest: str, minutes: float
) -> dict[str, Any]:
    """Run the pilots that are wanted and not yet done, each followed by a forecast from all so far."""
    from sftloop.workflow.time_measured import Pilot
    from sftloop.workflow.time_pilot import pilot
    from sftloop.workflow.time_total import Outlook

    pilots: list[Pilot] = []
    notes: list[str] = []
    rows: list[dict[str, Any]] = []
    result: dict[str, Any] = {}
    for name, share in SHARES.items():
        file = run.file(f"pilot-{name.replace('/', '-of-')}.json")
        steps, answers = _size(bench, share, Outlook(pilots) if pilots else None, minutes, notes)
        if file.exists():
            pilots.append(Pilot.from_json(read_json(file, "a pilot")))
        else:
            say(f"Pilot on {name} of the data: {steps} steps after a first, {answers} answers per task")
            pilots.append(pilot(bench, steps=steps, answers=answers))
            atomic_write_json(file, pilots[-1].to_json())
        outlook = Outlook(pilots)
        rows.append(_row(name, pilots[-1], outlook))
        result = {**facts, "pilots": rows, **_forecast(outlook), "notes": [*notes, *_remarks(bench, outlook)]}
        atomic_write_json(run.file(FORECAST), result)
        run.mark_done(name)
        say(f"From {name}: {_words(result['forecast']['total'])}")
        if name == largest:
            break
    return result


def _size(
    bench: Bench, share: float, outlook: Outlook | None, minutes: float, notes: list[str]
) -> tuple[int, int]:
    """Return a pilot's steps and its answers per task: the share of the data, within bounds."""
    batch = bench.choices.batch_size or BATCH_SIZE
    wanted = share * len(bench.train) / batch
    steps = max(_FEWEST_STEPS, math.ceil(wanted))
    if wanted < _FEWEST_STEPS / 2:
        less = f"{share:.0%} of {len(bench.train)} training records is {wanted:.1f} steps"
        notes.append(f"{less}: {steps} were timed instead.")
    tasks = len({record.task for record in bench.test})
    answers = max(_FEWEST_ANSWERS, math.ceil(share * len(bench.test) / tasks))
    if outlook is None:
        return steps, answers
    whole, seconds = steps, outlook.pilot_seconds(steps, answers)
    if seconds > 60 * minutes:
        fit = 60 * minutes / seconds
        steps = max(_FEWEST_STEPS, int(steps * fit))
        answers = max(_FEWEST_ANSWERS, int(answers * fit))
        notes.append(f"Cut to {steps} of {whole} steps, to keep within {minutes:g} minutes (--minutes).")
    return steps, answers


def _row(name: str, pilot: Pilot, outlook: Outlook) -> dict[str, Any]:
    return {
        "share": name,
        "records": pilot.records,
        "answers": pilot.answers,
        "steps": len(pilot.train.seconds),
        "seconds": round(pilot.took, 2),
        "spread": round(outlook.training.spread, 4),
        "drift": round(outlook.training.drift, 4),
        "total": _json(with_interval(outlook.parts()["total"], earlier_scores())),
    }


def _forecast(outlook: Outlook) -> dict[str, Any]:
    """Return the fitted model and the forecast of every part, as plain data."""
    earlier = earlier_scores()
    parts = outlook.parts()
    phases = outlook.phases()
    return {
        "model_of_time": outlook.coefficients(),
        "forecast": {name: _json(with_interval(part, earlier)) for name, part in parts.items()},
        "phases": {name: _json(with_interval(part, earlier)) for name, part in phases.items()},
        "deviation": round(deviation(parts["total"]), 5),
        "learned_from": len(earlier),
        "per_record_inference_seconds": round(outlook.per_answer(), 5),
        "step_seconds": [round(each, 4) for each in outlook.step_seconds().tolist()],
    }


def _crowd() -> float:
    """Return how many other processes per core want to run, where the system tells."""
    return os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, "getloadavg") else 0.0


def _remarks(bench: Bench, outlook: Outlook) -> list[str]:
    forecast = with_interval(outlook.parts()["total"], earlier_scores())
    notes = [
        "The interval should cover nine of ten runs on this machine, as busy as it was during the pilot."
    ]
    if forecast.high > (1 + _WIDE) * forecast.seconds:
        differed = f"{outlook.training.spread:.0%}"
        notes.append(f"Rough: equal steps differed by {differed}; a quieter machine or a larger pilot helps.")
    if bench.crowd > _CROWDED:
        notes.append(
            f"Other programs want {bench.crowd:.1f} times the machine's cores; the interval allows for it."
        )
    if bench.choices.patience is not None:
        notes.append("Forecast to the last epoch; early stopping may end it sooner.")
    return notes


def last_lines(result: Mapping[str, Any]) -> list[str]:
    """Return the closing lines for the terminal."""
    names = {"train": "Training steps", "evaluate": "Evaluation", "load_save": "Loading and saving"}
    lines = [f"{text}: {_words(result['forecast'][name])}" for name, text in names.items()]
    lines.append(f"Total: {_words(result['forecast']['total'])}")
    lines.append(f"One answer of the trained model: {1000 * result['per_record_inference_seconds']:.0f} ms")
    lines += [f"Note: {note}" for note in result["notes"]]
    return lines


def _words(part: Mapping[str, float]) -> str:
    return f"{words(part['seconds'])} [{words(part['low'])} – {words(part['high'])}]"


def _json(forecast: Forecast) -> dict[str, float]:
    return {name: round(value, 3) for name, value in forecast._asdict().items()}
