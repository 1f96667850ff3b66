"""Trainings of several methods on more and more records: a curve per method, and who is ahead on how many.

Knows predictions of finished trainings; doesn't train.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sftloop.core.seeds import derive_seed
from sftloop.evaluate import mean_interval, primary_metric
from sftloop.evaluate.align import align
from sftloop.evaluate.holm import holm
from sftloop.evaluate.kinds import KINDS
from sftloop.evaluate.measures import FALLING, one_metric
from sftloop.evaluate.resample import RESAMPLES, distribution
from sftloop.evaluate.verdict import verdict
from sftloop.plan.power_law import LEAST_SIZES, fit_power_law, predicted, seed_noise
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario
from sftloop.scenario.schema import Task
from sftloop.workflow.standings import standings

FloatArray = npt.NDArray[np.float64]
Runs = Mapping[str, Mapping[int, Sequence[Sequence[Prediction]]]]
"""Method → records of this task trained on → the predictions of each seed."""

HORIZONS = (1, 2, 10)
"""In times the records there are."""
_DRAWN = 24
"""Points of a drawn curve."""


def curves_of_task(scenario: Scenario, name: str, asked: Sequence[Record], runs: Runs) -> dict[str, Any]:
    """Return one task's curves and winners.

    Returns:
        {"task", "metric", "methods": [{"method", "points": [{"n", "values", "mean", "low", "high"}], "law",
        "foretold": [{"times", "n", "value", "low", "high"}], "curve": [{"n", "value", "low", "high"}]}],
        "winners": [{"times", "n", "best", "wins", "verdicts"}]}. A method with fewer than three sizes has no
        law and foretells nothing.
    """
    task = scenario.tasks[name]
    own = [record for record in asked if record.task == name]
    foretold: dict[str, FloatArray] = {}
    methods = [_method(task, own, method, by_size, foretold) for method, by_size in runs.items() if by_size]
    largest = max(max(by_size) for by_size in runs.values() if by_size)
    winners = [_winner_now(scenario, own, runs, largest)]
    winners += [
        _winner_later(methods, foretold, place, times * largest, primary_metric(task))
        for place, times in enumerate(HORIZONS)
        if times > 1 and foretold
    ]
    return {"task": name, "metric": primary_metric(task), "methods": methods, "winners": winners}


def _method(
    task: Task,
    own: Sequence[Record],
    method: str,
    by_size: Mapping[int, Sequence[Sequence[Prediction]]],
    foretold: dict[str, FloatArray],
) -> dict[str, Any]:
    """Return one method's curve, and add its draws at the horizons to `foretold`."""
    points = []
    for n, found in sorted(by_size.items()):
        beside = [runs for size, runs in by_size.items() if size != n]
        measured = mean_interval(task, own, found, beside=beside)
        points.append({"n": n, **{key: measured[key] for key in ("values", "mean", "low", "high")}})
    curve: dict[str, Any] = {"method": method, "points": points, "law": None, "foretold": [], "curve": []}
    if len(points) < LEAST_SIZES:
        return curve
    metric = primary_metric(task)
    sizes = [float(point["n"]) for point in points]
    losses = [_turned(point["mean"], metric) for point in points]
    draws_RS = _draws(task, own, method, by_size)
    errors = [float(error) for error in draws_RS.std(axis=0)]
    law = fit_power_law(sizes, losses, errors)
    ahead = [times * max(sizes) for times in HORIZONS]
    drawn = list(np.geomspace(min(sizes), max(ahead), _DRAWN))
    seed = derive_seed("curve", task.name, method)
    later_RA = _turned(_clipped(predicted(sizes, draws_RS, errors, ahead + drawn, seed), metric), metric)
    rows = [
        {"n": round(n, 1), "value": _turned(law.at(n), metric), "low": float(low), "high": float(high)}
        for n, low, high in zip(ahead + drawn, *np.quantile(later_RA, (0.025, 0.975), axis=0), strict=True)
    ]
    foretold[method] = later_RA[:, : len(ahead)]
    curve["law"] = {"limit": law.limit, "gap": law.gap, "exponent": law.exponent, "largest": law.largest}
    curve["foretold"] = [
        {"times": times, **row} for times, row in zip(HORIZONS, rows[: len(ahead)], strict=True)
    ]
    curve["curve"] = rows[len(ahead) :]
    return curve


def _turned(value: Any, metric: str) -> Any:
    """Return a metric as a loss, or a loss as the metric: shares are turned round, errors stay."""
    return value if metric in FALLING else 1 - value


def _draws(
    task: Task, own: Sequence[Record], method: str, by_size: Mapping[int, Sequence[Sequence[Prediction]]]
) -> FloatArray:
    """Return draws of the mean loss at each size, over records and seeds, [R, S].

    All methods and sizes see the same draws of records.
    """
    metric = primary_metric(task)
    aligned = [[align(task, own, run) for run in runs] for _, runs in sorted(by_size.items())]
    statistics = [
        [one_metric(KINDS[task.kind].measure(task, one), metric) for one in runs] for runs in aligned
    ]
    first = aligned[0][0]

    def means(weights: FloatArray) -> FloatArray:
        return np.stack([np.mean([one(weights) for one in runs], axis=0) for runs in statistics], axis=1)

    n = len(first)
    seed = derive_seed("curve records", task.name)
    draws_RS = distribution(means, n, clusters=first.clusters, seed=seed, resamples=RESAMPLES)
    observed_S = means(np.ones((1, n)))[0]
    draws_RS = np.where(np.isnan(draws_RS), observed_S, draws_RS)
    values = [[float(one(np.ones((1, n)))[0]) for one in runs] for runs in statistics]
    noise_RS = seed_noise(values, RESAMPLES, derive_seed("curve seeds", task.name, method))
    noise_RS += _least_noise(draws_RS + noise_RS, n, seed)
    return _clipped(_turned(draws_RS + noise_RS, metric), metric)


def _least_noise(draws_RS: FloatArray, n: int, seed: int) -> FloatArray:
    """Return noise for sizes whose draws are all alike: one record more could have been answered otherwise."""
    alike_S = draws_RS.std(axis=0) < 1e-9
    noise_RS = np.random.default_rng(seed).standard_normal(draws_RS.shape) / (n + 2)
    return np.asarray(noise_RS * alike_S)


def _clipped(losses: FloatArray, metric: str) -> FloatArray:
    """Return losses that are possible; those of shares end at 1."""
    return np.asarray(np.clip(losses, 0.0, None if metric in FALLING else 1.0))


def _winner_now(scenario: Scenario, own: Sequence[Record], runs: Runs, largest: int) -> dict[str, Any]:
    """Compare the methods as they were trained on all records."""
    whole = {method: by_size[largest] for method, by_size in runs.items() if largest in by_size}
    task = scenario.tasks[own[0].task]
    sign = -1 if primary_metric(task) in FALLING else 1
    best = max(whole, key=lambda method: sign * mean_interval(task, own, whole[method])["mean"])
    ordered = {best: whole[best], **whole}
    [found] = standings(scenario, own, ordered, dict.fromkeys(whole, largest))
    return _winner(1, largest, best, found["verdicts"])


def _winner_later(
    methods: Sequence[Mapping[str, Any]],
    foretold: Mapping[str, FloatArray],
    place: int,
    n: int,
    metric: str,
) -> dict[str, Any]:
    """Compare what the curves foretell; p-values are Holm's."""
    sign = -1 if metric in FALLING else 1
    values = {m["method"]: m["foretold"][place]["value"] for m in methods if m["method"] in foretold}
    best = max(values, key=lambda method: sign * values[method])
    ahead = {
        other: sign * (foretold[best][:, place] - foretold[other][:, place])
        for other in values
        if other != best
    }
    adjusted = holm([_p(draws) for draws in ahead.values()])
    verdicts = []
    for (other, draws), p in zip(ahead.items(), adjusted, strict=True):
        low, high = (float(limit) for limit in np.quantile(draws, (0.025, 0.975)))
        difference = sign * (values[best] - values[other])
        verdicts.append(
            {"against": other, "difference": difference, "low": low, "high": high, "p": p}
            | {"verdict": verdict(low, high, p)}
        )
    return _winner(HORIZONS[place], n, best, verdicts)


def _p(draws: FloatArray) -> float:
    """Return the two-sided p-value of no difference from its draws."""
    tail = min(np.count_nonzero(draws <= 0), np.count_nonzero(draws >= 0))
    return min(1.0, 2 * (tail + 1) / (len(draws) + 1))


def _winner(times: int, n: int, best: str, verdicts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    wins = bool(verdicts) and all(one["verdict"] == "better" for one in verdicts)
    return {"times": times, "n": n, "best": best, "wins": wins, "verdicts": list(verdicts)}
