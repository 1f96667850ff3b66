"""Whether a model reads the definitions at all: asked again with the labels' definitions exchanged.

A model whose answers stay the same then goes by names and habit, and no wording of a definition will mend it.
Calls no model itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sftloop.evaluate.align import cluster_codes
from sftloop.evaluate.proportions import proportion_interval
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario, Task

_UNREAD = 0.9
"""Share of answers that stay from which on a model is said not to read its definitions."""


def exchanged(scenario: Scenario, name: str) -> Scenario | None:
    """Return the scenario with every label of a task defined as the next one is; None where that says nothing new.

    Names, order and which label abstains stay.
    """
    task = scenario.tasks[name]
    labels = list(task.labels)
    parts = [_said(task, label) for label in labels]
    moved = [*parts[1:], *parts[:1]]
    if moved == parts:
        return None
    own = {
        label: task.labels[label].model_copy(update=part) for label, part in zip(labels, moved, strict=True)
    }
    changed = task.model_copy(update={"labels": own})
    return scenario.model_copy(update={"tasks": {**scenario.tasks, name: changed}})


def unchanged(
    records: Sequence[Record], before: Sequence[Prediction], after: Sequence[Prediction]
) -> dict[str, Any] | None:
    """Return the share of records with the same answer both times, and whether the definitions were read.

    Args:
        records: those asked; where they share a group, the interval is one over groups.
        before: the answers to the scenario's own prompt.
        after: the answers with the definitions exchanged.

    Returns:
        {"n", "same", "low", "high", "reads"}; None where nothing was answered.
    """
    later = {one.id: _given(one) for one in after if one.error is None}
    first = {one.id: _given(one) for one in before if one.error is None}
    both = [record for record in records if record.id in first and record.id in later]
    if not both:
        return None
    same = np.array([first[record.id] == later[record.id] for record in both], dtype=bool)
    found = proportion_interval(same, cluster_codes([record.group for record in both]))
    share = {"n": found.n, "same": found.value, "low": found.low, "high": found.high}
    return share | {"reads": found.value < _UNREAD}


def _said(task: Task, label: str) -> dict[str, Any]:
    one = task.labels[label]
    return {"means": one.means, "not_": one.not_, "examples": one.examples}


def _given(one: Prediction) -> tuple[str, ...]:
    answer = one.answer
    if answer is None:
        return ()
    return (answer.label,) if answer.label is not None else tuple(sorted(answer.labels or ()))
