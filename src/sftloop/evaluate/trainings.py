"""Two ways to train, each with several seeds, compared on the same records.

A difference between trainings has two sources of chance: the records they were measured on, and the seeds. An
interval over records alone calls a lucky seed an improvement; one over seeds alone forgets that the test set is
small. Here both count. Positive differences are improvements, whatever the metric.

Shapes: `n` records, `k` seeds of one way to train, `b` resamples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sftloop.core.errors import UsageError, nearest
from sftloop.core.seeds import derive_seed
from sftloop.evaluate.align import Scored, align
from sftloop.evaluate.interval import number, small_n_note
from sftloop.evaluate.kinds import KINDS
from sftloop.evaluate.measures import FALLING, one_metric
from sftloop.evaluate.paired import paired_comparison
from sftloop.evaluate.resample import RESAMPLES, Statistic, distribution, units_of
from sftloop.evaluate.statistics import verdict
from sftloop.records.prediction import Prediction
from sftloop.records.schema import Record
from sftloop.scenario.schema import Task

_LEVEL = 0.95
Runs = Sequence[Sequence[Prediction]]
"""The predictions of each seed."""


class _Spread(NamedTuple):
    """A variance and the degrees of freedom that it was estimated with."""

    variance: float
    freedom: float


def compare_trainings(
    task: Task,
    records: Sequence[Record],
    first: Runs,
    second: Runs,
    *,
    metric: str | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Compare the mean metric of two ways to train: second − first.

    The squared standard error is the sum of three parts: that of the difference over records (a bootstrap of the
    seeds' mean, over groups where records share one), and the seeds' variance of either side divided by their
    number. The interval and the p-value are Student's with Satterthwaite's degrees of freedom. Sources: crossed
    random effects of items and runs, Baayen, Davidson and Bates 2008, doi:10.1016/j.jml.2007.12.005; why seeds
    must count, Bouthillier et al. 2021, arXiv:2103.03098.

    Args:
        task: the task; records and predictions of other tasks are skipped.
        records: the records that every training answered.
        first: one list of predictions per seed.
        second: the same for the other way; the number of seeds may differ.
        metric: one of the kind's metrics; None for the primary one.
        seed: seed of the bootstrap.
        resamples: bootstrap draws.

    Returns:
        {"metric", "first", "second" (a value per seed), "difference", "low", "high", "p", "test", "n", "verdict"}
        and a "note" where there is one. With one seed on each side this is `paired_comparison`, with a note that
        chance in training is not covered.

    Raises:
        DataError: a record has no prediction in one of the runs, or two.
        UsageError: the kind has no such metric, or a side has no run.
    """
    if not first or not second:
        raise UsageError("A comparison of trainings needs at least one run on each side.")
    name = _metric(task, metric)
    if len(first) == len(second) == 1:
        return _one_seed_each(task, records, first[0], second[0], name, seed, resamples)
    sides = [[align(task, records, run) for run in runs] for runs in (first, second)]
    statistics = [[one_metric(KINDS[task.kind].measure(task, one), name) for one in side] for side in sides]
    values = [
        [_value(statistic, len(side[0])) for statistic in own]
        for own, side in zip(statistics, sides, strict=True)
    ]
    sign = -1.0 if name in FALLING else 1.0
    difference = sign * (np.mean(values[1]) - np.mean(values[0]))
    spread = _records_spread(statistics, sides[0][0], derive_seed(seed, task.name, "trainings"), resamples)
    low, high, p = _student(float(difference), [spread, *map(_seeds_spread, values)])
    found = {
        "metric": name,
        "first": values[0],
        "second": values[1],
        "difference": number(float(difference)),
        "low": number(low),
        "high": number(high),
        "p": p,
        "test": "Student's t over records and seeds",
        "n": len(sides[0][0]),
        "verdict": verdict(low, high, p),
    }
    return found | _notes(len(sides[0][0]), min(map(len, values)))


def mean_interval(
    task: Task,
    records: Sequence[Record],
    runs: Runs,
    *,
    metric: str | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    beside: Sequence[Runs] = (),
) -> dict[str, Any]:
    """Return the mean metric over seeds with an interval for records and seeds together.

    Args:
        task: the task; records and predictions of other tasks are skipped.
        records: the records that every training answered.
        runs: one list of predictions per seed.
        metric: one of the kind's metrics; None for the primary one.
        seed: seed of the bootstrap.
        resamples: bootstrap draws.
        beside: other trainings with the same spread over seeds, such as those of the same method on other sizes.
            The variance between seeds is then pooled, which two or three seeds of one alone say little about.

    Returns:
        {"metric", "values" (per seed), "mean", "low", "high", "n"}; the limits come from `compare_trainings`'
        parts. With one seed they cover the records only.
    """
    name = _metric(task, metric)
    aligned = [align(task, records, run) for run in runs]
    statistics = [one_metric(KINDS[task.kind].measure(task, one), name) for one in aligned]
    values = [_value(statistic, len(aligned[0])) for statistic in statistics]
    draws_seed = derive_seed(seed, task.name, "mean of trainings")
    spread = _records_spread([statistics], aligned[0], draws_seed, resamples)
    mean = float(np.mean(values))
    others = [_values(task, records, each, name) for each in beside]
    low, high, _ = _student(mean, [spread, _seeds_spread(values, others)])
    if name not in FALLING and 0 <= min(values) and max(values) <= 1:
        low, high = max(low, 0.0), min(high, 1.0)
    return {
        "metric": name,
        "values": values,
        "mean": mean,
        "low": number(low),
        "high": number(high),
        "n": len(aligned[0]),
    }


def _metric(task: Task, metric: str | None) -> str:
    kind = KINDS[task.kind]
    name = metric or kind.PRIMARY
    if name not in kind.METRICS:
        raise UsageError(f"A {task.kind} task has no metric '{name}'.", hint=nearest(name, kind.METRICS))
    return name


def _one_seed_each(
    task: Task,
    records: Sequence[Record],
    first: Sequence[Prediction],
    second: Sequence[Prediction],
    metric: str,
    seed: int,
    resamples: int,
) -> dict[str, Any]:
    found = paired_comparison(task, records, first, second, metric=metric, seed=seed, resamples=resamples)
    kept = {
        name: found[name] for name in ("metric", "difference", "low", "high", "p", "test", "n", "verdict")
    }
    sides = {"first": [found["before"]], "second": [found["after"]]}
    note = " ".join(filter(None, [found.get("note"), "One seed each: chance in training is not covered."]))
    return kept | sides | {"note": note}


def _value(statistic: Statistic, n: int) -> float:
    return float(statistic(np.ones((1, n)))[0])


def _records_spread(sides: list[list[Statistic]], scored: Scored, seed: int, resamples: int) -> _Spread:
    """Return the bootstrap variance of the difference of the seeds' means (of the mean, for one side)."""
    n, clusters = len(scored), scored.clusters

    def statistic(weights: Any) -> Any:
        means = [np.mean([one(weights) for one in side], axis=0) for side in sides]
        return means[-1] - means[0] if len(means) > 1 else means[0]

    units = units_of(n, clusters)
    if units < 2:
        return _Spread(math.nan, 1.0)
    draws = distribution(statistic, n, clusters=clusters, seed=seed, resamples=resamples)
    return _Spread(float(np.nanvar(draws, ddof=1)) * units / (units - 1), units - 1.0)


def _values(task: Task, records: Sequence[Record], runs: Runs, metric: str) -> list[float]:
    aligned = [align(task, records, run) for run in runs]
    kind = KINDS[task.kind]
    return [_value(one_metric(kind.measure(task, one), metric), len(one)) for one in aligned]


def _seeds_spread(values: Sequence[float], others: Sequence[Sequence[float]] = ()) -> _Spread:
    """Return the squared standard error of the seeds' mean, with the variance pooled over `others` too."""
    several = [own for own in (values, *others) if len(own) > 1]
    if not several:
        return _Spread(0.0, math.inf)
    freedom = sum(len(own) - 1 for own in several)
    variance = sum((len(own) - 1) * float(np.var(own, ddof=1)) for own in several) / freedom
    return _Spread(variance / len(values), float(freedom))


def _student(value: float, parts: Sequence[_Spread]) -> tuple[float, float, float]:
    """Return the limits, and the p-value of zero, of a value whose squared error is the sum of `parts`."""
    from scipy.special import stdtr, stdtrit

    variance = sum(part.variance for part in parts)
    if math.isnan(variance) or math.isnan(value):
        return math.nan, math.nan, 1.0
    if variance == 0:
        return value, value, 1.0 if value == 0 else 0.0
    freedom = variance**2 / sum(part.variance**2 / part.freedom for part in parts)
    error = math.sqrt(variance)
    reach = error * float(stdtrit(freedom, (1 + _LEVEL) / 2))
    return value - reach, value + reach, 2 * float(stdtr(freedom, -abs(value) / error))


def _notes(n: int, seeds: int) -> dict[str, Any]:
    notes = [small_n_note(n, "compared records")]
    if seeds == 1:
        notes.append("One side has one seed: its chance in training is not covered.")
    said = [note for note in notes if note]
    return {"note": " ".join(said)} if said else {}
