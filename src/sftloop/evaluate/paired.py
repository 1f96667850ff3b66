"""Before against after on the same records: difference, interval, test and verdict.

Positive differences are improvements, whatever the metric. Doesn't read files; several comparisons at once
need a correction that is the caller's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sftloop.core.errors import UsageError, nearest
from sftloop.core.seeds import derive_seed
from sftloop.evaluate.align import Pairs, align_pairs, answers_differ
from sftloop.evaluate.interval import number, small_n_note
from sftloop.evaluate.kinds import KINDS
from sftloop.evaluate.measures import FALLING, BoolArray, Measures, one_metric
from sftloop.evaluate.paired_bootstrap import PairedResult, paired_bootstrap
from sftloop.evaluate.proportions import mcnemar_exact, paired_difference
from sftloop.evaluate.resample import RESAMPLES
from sftloop.evaluate.verdict import verdict
from sftloop.records.prediction import Prediction
from sftloop.records.schema import Record
from sftloop.scenario.schema import Task


def paired_comparison(
    task: Task,
    records: Sequence[Record],
    before: Sequence[Prediction],
    after: Sequence[Prediction],
    *,
    metric: str | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Compare two systems' predictions for one task.

    A share of records (accuracy, exact match) is compared by McNemar's test with Tango's interval, any other
    metric by a paired bootstrap; where records share a `group`, both by a bootstrap over groups. Records on
    which either call failed are left out.

    Args:
        task: the task; records and predictions of other tasks are skipped.
        records: the records both systems answered.
        before: the first system's predictions.
        after: the second system's predictions.
        metric: one of the kind's metrics; None for the primary one.
        seed: seed of the bootstrap.
        resamples: bootstrap draws.

    Returns:
        {"metric", "before", "after", "difference", "low", "high", "p", "test", "interval", "n", "verdict",
        "errors": {"before", "after", "excluded"}} with the values of both sides on the compared records;
        McNemar adds "wins", "losses" and "p_exact", few records or a falling metric a "note".

    Raises:
        DataError: a record has no prediction on one side, or two.
        UsageError: the kind has no such metric.
    """
    kind = KINDS[task.kind]
    name = metric or kind.PRIMARY
    if name not in kind.METRICS:
        raise UsageError(f"A {task.kind} task has no metric '{name}'.", hint=nearest(name, kind.METRICS))
    pairs = align_pairs(task, records, before, after)
    if not len(pairs.before):
        found = _nothing()
    else:
        sides = kind.measure(task, pairs.before), kind.measure(task, pairs.after)
        if name in sides[0].shares and pairs.before.clusters is None:
            found = _mcnemar(sides[0].shares[name], sides[1].shares[name])
        else:
            draws_seed = derive_seed(seed, task.name, "paired bootstrap")
            found = _bootstrap(name, *sides, pairs, draws_seed, resamples)
    errors = {"before": pairs.errors_before, "after": pairs.errors_after, "excluded": pairs.excluded}
    decided = verdict(_nan(found["low"]), _nan(found["high"]), found["p"])
    found |= {"n": len(pairs.before), "verdict": decided, "errors": errors}
    return {"metric": name} | found | _note(name, pairs)


def _mcnemar(before: BoolArray, after: BoolArray) -> dict[str, Any]:
    wins, losses = int(np.count_nonzero(after & ~before)), int(np.count_nonzero(before & ~after))
    difference, test = paired_difference(wins, losses, len(before)), mcnemar_exact(wins, losses)
    return {
        "before": float(before.mean()),
        "after": float(after.mean()),
        "difference": difference.value,
        "low": difference.low,
        "high": difference.high,
        "p": test.p,
        "test": "mcnemar exact (mid-p)",
        "interval": difference.method,
        "p_exact": test.p_exact,
        "wins": wins,
        "losses": losses,
    }


def _bootstrap(
    name: str, before: Measures, after: Measures, pairs: Pairs, seed: int, resamples: int
) -> dict[str, Any]:
    clusters = pairs.before.clusters
    result = paired_bootstrap(
        one_metric(before, name),
        one_metric(after, name),
        len(pairs.before),
        clusters=clusters,
        seed=seed,
        resamples=resamples,
        differs=answers_differ(pairs.before, pairs.after),
    )
    oriented = _turned(result) if name in FALLING else result
    return {
        "before": number(result.before),
        "after": number(result.after),
        "difference": number(oriented.difference),
        "low": number(oriented.low),
        "high": number(oriented.high),
        "p": oriented.p,
        "test": "paired bootstrap" if clusters is None else "clustered bootstrap",
        "interval": "bootstrap percentile" + ("" if clusters is None else ", clustered by group"),
    }


def _turned(result: PairedResult) -> PairedResult:
    return result._replace(difference=-result.difference, low=-result.high, high=-result.low)


def _nothing() -> dict[str, Any]:
    undefined = dict.fromkeys(("before", "after", "difference", "low", "high"))
    return undefined | {"p": 1.0, "test": "none", "interval": "nothing compared"}


def _nan(value: float | None) -> float:
    return math.nan if value is None else value


def _note(name: str, pairs: Pairs) -> dict[str, Any]:
    notes = [small_n_note(len(pairs.before), "compared records")]
    if pairs.before.clusters is not None:
        notes.append(small_n_note(int(pairs.before.clusters.max()) + 1, "groups of records"))
    if name in FALLING:
        notes.append(f"{name} falls as answers improve: the difference is before - after.")
    said = [note for note in notes if note]
    return {"note": " ".join(said)} if said else {}
