"""Several systems on one task: every pair compared on the same records, corrected for their number.

The system that happens to come out on top is chosen by looking, so comparing the others with it alone and
correcting for that many tests would raise too many false alarms. Every pair is tested, and Holm's correction
runs over all of them: then the choice is free. Intervals are each pair's own, not widened. Doesn't know what the
systems are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from sftloop.evaluate.failed_calls import answered_by_all
from sftloop.evaluate.holm import ALPHA, corrected_verdict, holm
from sftloop.evaluate.kinds import primary_metric
from sftloop.evaluate.minimum_detectable import reach
from sftloop.evaluate.paired import paired_comparison
from sftloop.evaluate.resample import RESAMPLES
from sftloop.evaluate.trainings import Runs, compare_trainings
from sftloop.records.schema import Record
from sftloop.scenario.schema import Task

_DRAWS_PER_PAIR = 400
"""The least p-value is then a tenth of what Holm asks of the strictest pair, but for Student's t."""
_KEPT = ("metric", "difference", "low", "high", "p", "test", "n", "note")


def all_pairs(
    task: Task, records: Sequence[Record], ranked: Mapping[str, Runs], *, seed: int = 0
) -> list[dict[str, Any]]:
    """Compare every two systems by the task's primary metric.

    Args:
        task: the task; records of other tasks are skipped.
        records: what all systems were asked.
        ranked: name → predictions of each seed (one list where there are no seeds), the best system first.
        seed: of the bootstrap.

    Returns:
        Per pair {"a", "b", "task", "metric", "difference", "low", "high", "p", "test", "n", "p_adjusted",
        "verdict", "against_best", "detectable", "needed", "more_records"}: `a` ranks below `b`, a positive
        difference speaks for `a`, and the verdict is on `a`. `detectable` and `needed` are as in `Reach`, at the
        strictest level that Holm may ask of the pair, and None where seeds add their own spread, which more
        records don't narrow.
        A comparison's "note" comes along where it has one.
        `more_records` is set where the verdict is inconclusive. The pairs with the best system come first.

    Raises:
        DataError: a record has no prediction, or two.
    """
    own = [record for record in records if record.task == task.name]
    names = list(ranked)
    pairs = [(below, above) for above, below in combinations(names, 2)]
    found = [_compare(task, own, ranked[above], ranked[below], seed, len(pairs)) for below, above in pairs]
    adjusted = holm([one["p"] for one in found])
    strictest = ALPHA / max(len(pairs), 1)
    return [
        _pair(task, below, above, above == names[0], one, p, strictest)
        for (below, above), one, p in zip(pairs, found, adjusted, strict=True)
    ]


def _compare(
    task: Task, records: Sequence[Record], first: Runs, second: Runs, seed: int, pairs: int
) -> dict[str, Any]:
    """Compare on the records that no call failed on, so that all runs of both sides stand on the same ones.

    A bootstrap of R draws gives no p-value below 2 / (R + 1); the correction for many pairs needs smaller ones, so
    what is decided before the correction is drawn again with as many more.
    """
    common = answered_by_all(task.name, records, (*first, *second))
    if not common:
        nothing = dict.fromkeys(("difference", "low", "high"))
        metric = primary_metric(task)
        return nothing | {"metric": metric, "p": 1.0, "test": "none", "n": 0, "verdict": "inconclusive"}
    if len(first) == len(second) == 1:
        found = paired_comparison(task, common, first[0], second[0], seed=seed)
        if "bootstrap" in found["test"] and found["p"] < ALPHA <= found["p"] * pairs:
            draws = max(RESAMPLES, _DRAWS_PER_PAIR * pairs)
            found = paired_comparison(task, common, first[0], second[0], seed=seed, resamples=draws)
        return found
    return compare_trainings(task, common, first, second, seed=seed) | {"seeds": True}


def _pair(
    task: Task,
    below: str,
    above: str,
    against_best: bool,
    found: Mapping[str, Any],
    p: float,
    alpha: float,
) -> dict[str, Any]:
    verdict = corrected_verdict(found, p)
    able = None if found.get("seeds") else reach(found, alpha=alpha)
    needed = able.needed if able else None
    unsettled = verdict == "inconclusive" and needed is not None
    return {
        "a": below,
        "b": above,
        "task": task.name,
        **{key: found[key] for key in _KEPT if key in found},
        "p_adjusted": p,
        "verdict": verdict,
        "against_best": against_best,
        "detectable": able.detectable if able else None,
        "needed": needed,
        "more_records": max(1, needed - found["n"]) if unsettled and needed is not None else None,
    }
