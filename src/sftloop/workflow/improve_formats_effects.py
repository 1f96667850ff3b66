"""What each factor does by itself: the mean over all formats that share a level, from the first round.

There every format answered the same records, so levels are compared record by record. Computes figures; asks no
model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sftloop.core.seeds import derive_seed
from sftloop.evaluate.align import cluster_codes
from sftloop.evaluate.bootstrap import bootstrap_interval
from sftloop.evaluate.interval import number
from sftloop.evaluate.proportions import IntArray
from sftloop.evaluate.resample import additive
from sftloop.evaluate.right import right_answers
from sftloop.records import Prediction, Record
from sftloop.scenario import Task
from sftloop.workflow.improve_formats_rounds import level_means
from sftloop.workflow.improve_formats_variants import FormatSpace

_RESAMPLES = 1000


def main_effects(
    space: FormatSpace,
    tasks: Sequence[Task],
    records: Sequence[Record],
    answered: Mapping[str, Sequence[Prediction]],
    scores: Mapping[str, float],
    *,
    seed: int,
) -> list[dict[str, Any]]:
    """Return per factor its levels' mean scores, and how far each is from the present level.

    Args:
        space: factors and formats.
        tasks: those that were asked.
        records: of the first round.
        answered: format → its predictions for them.
        scores: format → its score.
        seed: of the bootstrap over records, or over groups where they share one.

    Returns:
        [{"factor", "levels": [{"level", "mean", "difference", "low", "high", "formats"}]}]; differences are in
        share of right answers, None where a task has no right and wrong.
    """
    levels = {variant.name: variant.levels for variant in space.variants}
    means = level_means(levels, scores)
    right = _right(tasks, records, answered)
    clusters = cluster_codes([record.group for record in records])
    found = []
    for factor, known in space.factors.items():
        rows = []
        for level in (level for level in known if level in means[factor]):
            having = [name for name, own in levels.items() if own[factor] == level]
            base = [name for name, own in levels.items() if own[factor] == known[0]]
            apart = (
                None
                if level == known[0]
                else _difference(right, having, base, clusters, derive_seed(seed, factor, level))
            )
            nothing: dict[str, float | None] = {"difference": None, "low": None, "high": None}
            rows.append(
                {"level": level, "mean": means[factor][level], "formats": len(having)}
                | (nothing if apart is None else apart)
            )
        found.append({"factor": factor, "levels": rows})
    return found


def _right(
    tasks: Sequence[Task], records: Sequence[Record], answered: Mapping[str, Sequence[Prediction]]
) -> dict[str, np.ndarray] | None:
    """Return format → 0 or 1 per record; None where a task has no right and wrong. A failed call counts as 0."""
    found: dict[str, np.ndarray] = {}
    for name, predictions in answered.items():
        rights = [right_answers(task, records, predictions) for task in tasks]
        if any(each is None for each in rights):
            return None
        known = {
            (task.name, key): value
            for task, each in zip(tasks, rights, strict=True)
            for key, value in (each or {}).items()
        }
        found[name] = np.array(
            [known.get((record.task, record.id), False) for record in records], dtype=float
        )
    return found


def _difference(
    right: Mapping[str, np.ndarray] | None,
    having: Sequence[str],
    base: Sequence[str],
    clusters: IntArray | None,
    seed: int,
) -> dict[str, float | None] | None:
    """Return how many more answers are right with one level than with another, with a 95 % interval."""
    if right is None or not having or not base:
        return None
    per_record = np.mean([right[name] for name in having], axis=0) - np.mean(
        [right[name] for name in base], axis=0
    )
    n = len(per_record)
    mean = additive(np.column_stack([per_record, np.ones(n)]), lambda sums: sums[:, 0] / sums[:, 1])
    found = bootstrap_interval(
        mean, n, clusters=clusters, seed=seed, resamples=_RESAMPLES, method="percentile"
    )
    return {"difference": found.value, "low": number(found.low), "high": number(found.high)}
