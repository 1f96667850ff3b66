"""Forecasts scored against the clock: what each run really took, and how far off the forecast was.

A finished run gets `forecast.json`; a line joins the history, from which the next forecast learns how far to trust
its own interval. Knows files of forecasts and runs; measures nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sftloop.core.files import atomic_write_json, read_json
from sftloop.core.jsonl import JsonlAppender, read_jsonl
from sftloop.core.progress import clock as words
from sftloop.core.progress import say
from sftloop.core.rundir import RunDirectory
from sftloop.workflow.place import default_directory

FORECAST = "forecast.json"
HISTORY = Path("runs") / "forecasts.jsonl"
_LAST = 50
"""Scored forecasts that count: machines change."""


def earlier_scores(history: Path = HISTORY) -> list[float]:
    """Return the errors of scored forecasts, in the deviations they had stated themselves."""
    if not history.exists() or not history.stat().st_size:
        return []
    return [float(row["off"]) for _, row in read_jsonl(history, what="scored forecasts")][-_LAST:]


def forecast_of(run: RunDirectory, scenario: str) -> Path:
    """Return where the last forecast for a run's inputs and settings lies, wherever it was made."""
    settings = run.manifest["settings"]
    place = default_directory("forecast", scenario, run.manifest["inputs"], settings)
    return place.with_name(f"{place.name}.json")


def score_run(run: RunDirectory, scenario: str, seconds: float) -> dict[str, Any] | None:
    """Score the forecast of a run that has just finished, if there is one.

    Args:
        run: the finished run, done in one go.
        scenario: its name.
        seconds: by the clock.
    """
    place = forecast_of(run, scenario)
    if not place.exists():
        return None
    forecast = read_json(place, "a forecast")
    taken = {name: facts["seconds"] for name, facts in run.manifest["steps"].items() if "seconds" in facts}
    score = scored(forecast, {**taken, "total": seconds})
    atomic_write_json(run.file(FORECAST), {"forecast": forecast, **score})
    history = JsonlAppender(HISTORY)
    history.append({"scenario": scenario, "model": forecast["model"], "method": forecast["method"], **score})
    history.close()
    inside = "inside" if score["inside"] else "outside"
    say(f"Took {words(seconds)}, {score['error']:+.1%} against the forecast, {inside} its interval")
    return score


def scored(forecast: Mapping[str, Any], taken: Mapping[str, float]) -> dict[str, Any]:
    """Return how a forecast did.

    Args:
        forecast: as `plan time` wrote it.
        taken: step of the run → seconds by the clock; `total` among them.
    """
    total, clock = forecast["phases"]["total"], taken["total"]
    phases = {
        name: {"forecast": part["seconds"], "clock": taken[name], "error": taken[name] / part["seconds"] - 1}
        for name, part in forecast["phases"].items()
        if taken.get(name) and part["seconds"]
    }
    return {
        "seconds": round(clock, 3),
        "error": round(clock / total["seconds"] - 1, 5),
        "inside": total["low"] <= clock <= total["high"],
        "off": round(math.log(clock / total["seconds"]) / forecast["deviation"], 4),
        "phases": {
            name: {key: round(value, 4) for key, value in part.items()} for name, part in phases.items()
        },
    }
