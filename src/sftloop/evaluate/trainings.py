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
from sftloop.evaluate.align import Scored, align, answers_differ
from sftloop.evaluate.interval import number, small_n_note
from sftloop.evaluate.kinds import KINDS
from sftloop.evaluate.measures import FALLING, Measures, one_metric, units_for
from sftloop.evaluate.paired import paired_comparison
from sftloop.evaluate.paired_bootstrap import least_p
from sftloop.evaluate.proportions import wilson_bounds
from sftloop.evaluate.resample import RESAMPLES, Statistic, distribution, units_of
from sftloop.evaluate.verdict import verdict
from sftloop.records.prediction import Prediction
from sftloop.records.schema import Record
from sftloop.scenario.schema import Task

_LEVEL = 0.95
_NO_VARIANCE = 1e-24
"""A variance below is rounding: all records say the same."""
Runs = Sequence[Sequence[Prediction]]
"""The predictions of each seed."""


class _Limits(NamedTuple):
    """An interval and the p-value of zero."""

    low: float
    high: float
    p: float


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

    Few records prove nothing here either: p is never below the least that an exchange test on the records can give
    on which any two runs differ, and where that bars a decision the interval is stretched to 0, as in
    `paired_bootstrap`. Where all records say the same, a metric in [0, 1] still gets the interval that Tango's
    score would have.

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
    measures = [[KINDS[task.kind].measure(task, one) for one in side] for side in sides]
    statistics = [[one_metric(one, name) for one in side] for side in measures]
    values = [
        [_value(statistic, len(side[0])) for statistic in own]
        for own, side in zip(statistics, sides, strict=True)
    ]
    scored, every = sides[0][0], [run for side in sides for run in side]
    sign = -1.0 if name in FALLING else 1.0
    difference = float(sign * (np.mean(values[1]) - np.mean(values[0])))
    spread = _records_spread(statistics, scored, derive_seed(seed, task.name, "trainings"), resamples)
    limits = _student(difference, [spread, *map(_seeds_spread, values)])
    if _is_share(measures[0][0], name):
        unseen = _unseen([one for side in measures for one in side], name, scored, spread)
        limits = _within(limits, difference, (1 + abs(difference)) * unseen, -1.0)
    low, high, p = _guarded(limits, every)
    found = {
        "metric": name,
        "first": values[0],
        "second": values[1],
        "difference": number(difference),
        "low": number(low),
        "high": number(high),
        "p": p,
        "test": "Student's t over records and seeds",
        "n": len(scored),
        "verdict": verdict(low, high, p),
    }
    return found | _notes(scored, min(map(len, values)))


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
        parts. With one seed they cover the records only. Where all records say the same, a metric in [0, 1] gets
        at least Wilson's limit for the records that bear on it.
    """
    name = _metric(task, metric)
    aligned = [align(task, records, run) for run in runs]
    measures = [KINDS[task.kind].measure(task, one) for one in aligned]
    statistics = [one_metric(one, name) for one in measures]
    values = [_value(statistic, len(aligned[0])) for statistic in statistics]
    draws_seed = derive_seed(seed, task.name, "mean of trainings")
    spread = _records_spread([statistics], aligned[0], draws_seed, resamples)
    mean = float(np.mean(values))
    others = [_values(task, records, each, name) for each in beside]
    limits = _student(mean, [spread, _seeds_spread(values, others)])
    if _is_share(measures[0], name):
        limits = _within(limits, mean, _unseen(measures, name, aligned[0], spread), 0.0)
    return {
        "metric": name,
        "values": values,
        "mean": mean,
        "low": number(limits.low),
        "high": number(limits.high),
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


def _student(value: float, parts: Sequence[_Spread]) -> _Limits:
    """Return the limits of a value whose squared error is the sum of `parts`."""
    from scipy.special import stdtr, stdtrit

    variance = sum(part.variance for part in parts)
    if math.isnan(variance) or math.isnan(value):
        return _Limits(math.nan, math.nan, 1.0)
    if variance <= _NO_VARIANCE:
        return _Limits(value, value, 1.0 if value == 0 else 0.0)
    freedom = variance**2 / sum(part.variance**2 / part.freedom for part in parts)
    error = math.sqrt(variance)
    reach = error * float(stdtrit(freedom, (1 + _LEVEL) / 2))
    return _Limits(value - reach, value + reach, 2 * float(stdtr(freedom, -abs(value) / error)))


def _is_share(measures: Measures, name: str) -> bool:
    return name in measures.shares or measures.bounded


def _unseen(measures: Sequence[Measures], name: str, scored: Scored, spread: _Spread) -> float:
    """Return what share of records may be unlike all that were seen, where these say the same; else 0.

    That is the width of Wilson's interval for a share of 1.
    """
    if not spread.variance <= _NO_VARIANCE:
        return 0.0
    units = min(units_for(one, name, scored) for one in measures)
    return 1.0 - float(wilson_bounds(units, units, level=_LEVEL).low)


def _within(limits: _Limits, value: float, reach: float, lowest: float) -> _Limits:
    """Return limits at least `reach` from the value, within what the metric can be: `lowest` to 1."""
    if math.isnan(limits.low):
        return limits
    low, high = min(limits.low, value - reach), max(limits.high, value + reach)
    return _Limits(max(low, lowest), min(high, 1.0), limits.p)


def _guarded(limits: _Limits, every: Sequence[Scored]) -> _Limits:
    """Return the limits and p as few records allow them that any two runs answered differently."""
    differs = np.any([answers_differ(every[0], other) for other in every[1:]], axis=0)
    least = least_p(differs, every[0].clusters)
    low, high = limits.low, limits.high
    if least > 1 - _LEVEL and not math.isnan(low):
        low, high = min(low, 0.0), max(high, 0.0)
    return _Limits(low, high, max(limits.p, least))


def _notes(scored: Scored, seeds: int) -> dict[str, Any]:
    notes = [small_n_note(len(scored), "compared records")]
    if scored.clusters is not None:
        notes.append(small_n_note(units_of(len(scored), scored.clusters), "groups of records"))
    if seeds == 1:
        notes.append("One side has one seed: its chance in training is not covered.")
    said = [note for note in notes if note]
    return {"note": " ".join(said)} if said else {}
