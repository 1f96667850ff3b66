"""Which labels a system claims more falsely than another did: precision per label, compared on the same records.

For tasks that choose one label or several. Doesn't correct for the number of labels: who guards against harm wants
to see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sftloop.core.seeds import derive_seed
from sftloop.evaluate.align import Scored, align_pairs
from sftloop.evaluate.interval import number
from sftloop.evaluate.paired_bootstrap import paired_bootstrap
from sftloop.evaluate.resample import RESAMPLES, Statistic, additive
from sftloop.evaluate.verdict import verdict
from sftloop.records.prediction import Prediction
from sftloop.records.schema import Record
from sftloop.scenario.schema import Task

_BoolArray = npt.NDArray[np.bool_]


def precision_changes(
    task: Task,
    records: Sequence[Record],
    before: Sequence[Prediction],
    after: Sequence[Prediction],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> list[dict[str, Any]]:
    """Compare each label's precision by a paired bootstrap.

    Labels that either side never gives, and those that both give to the same records, are left out.

    Args:
        task: a `choice` or `multi`; others have no labels and give an empty list.
        records: what both systems answered.
        before: the first system's predictions.
        after: the second system's predictions.
        seed: seed of the bootstrap.
        resamples: bootstrap draws.

    Returns:
        Per label {"label", "before", "after", "difference", "low", "high", "p", "verdict"}; a negative
        difference is a fall.

    Raises:
        DataError: a record has no prediction on one side, or two.
    """
    pairs = align_pairs(task, records, before, after)
    rows = []
    for label in task.labels if len(pairs.before) else ():
        expected = np.array([label in record.labels() for record in pairs.before.records])
        first, second = _given(pairs.before, label), _given(pairs.after, label)
        if not (first.any() and second.any()) or bool((first == second).all()):
            continue
        found = paired_bootstrap(
            _precision(first, expected),
            _precision(second, expected),
            len(expected),
            clusters=pairs.before.clusters,
            seed=derive_seed(seed, task.name, label, "precision"),
            resamples=resamples,
            differs=first != second,
        )
        ends = {"low": number(found.low), "high": number(found.high)}
        values = {key: number(getattr(found, key)) for key in ("before", "after", "difference")}
        said = verdict(found.low, found.high, found.p)
        rows.append({"label": label} | values | ends | {"p": found.p, "verdict": said})
    return rows


def _given(scored: Scored, label: str) -> _BoolArray:
    answers = (one.answer for one in scored.predictions)
    return np.array([answer is not None and _holds(answer.label, answer.labels, label) for answer in answers])


def _holds(one: str | None, several: Sequence[str] | None, label: str) -> bool:
    return one == label or label in (several or ())


def _precision(given: _BoolArray, expected: _BoolArray) -> Statistic:
    columns = np.column_stack([given & expected, given]).astype(float)

    def share(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums[:, 0] / sums[:, 1], dtype=float)

    return additive(columns, share)
