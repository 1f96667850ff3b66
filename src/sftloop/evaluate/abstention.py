"""Abstention counted apart: how often "can't tell" is said, and whether rightly.

Doesn't know labels beyond whether they abstain. An unparsable answer is no abstention.
"""

from __future__ import annotations

from typing import Any

from sftloop.evaluate.measures import BoolArray
from sftloop.evaluate.proportions import IntArray, proportion_interval
from sftloop.scenario.schema import Task


def abstain_labels(task: Task) -> list[str]:
    """Return the task's labels that say the input doesn't decide the question."""
    return [name for name, label in task.labels.items() if label.abstain]


def abstention(
    *, expected: BoolArray, given: BoolArray, correct: BoolArray, clusters: IntArray | None
) -> dict[str, Any]:
    """Return the abstention figures, each a share with Wilson limits; None where there is nothing to share.

    Args:
        expected: whether abstaining is the right answer, [n].
        given: whether the model abstained, [n].
        correct: whether the model's answer is right, [n].
        clusters: the records' groups, or None.

    Returns:
        `rate` of abstaining and `expected_rate`; `accuracy_answered`, the accuracy where the model did not
        abstain; `precision`, how many of its abstentions are right; `recall`, how many of the records to
        abstain on it abstained on. 1 - recall is the share of undecidable inputs it decided nevertheless.
    """

    def share(hits: BoolArray, among: BoolArray | None = None) -> dict[str, Any]:
        if among is None:
            return proportion_interval(hits, clusters).to_json()
        return proportion_interval(hits[among], None if clusters is None else clusters[among]).to_json()

    return {
        "rate": share(given),
        "expected_rate": share(expected),
        "accuracy_answered": share(correct, ~given),
        "precision": share(expected, given),
        "recall": share(given, expected),
    }
