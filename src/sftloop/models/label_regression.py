"""Logistic regression over a task's labels, whatever the texts were turned into.

Features in, a probability for every label out; doesn't know how a text became a row of numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sftloop.core.errors import DataError, UsageError
from sftloop.records.prediction import Prediction
from sftloop.records.schema import Record
from sftloop.scenario.answer import Answer
from sftloop.scenario.schema import Task

_FOLDS = 3
_CHOSEN_BY = {"choice": "accuracy", "multi": "neg_log_loss"}
"""What the penalty is chosen by; accuracy tells nothing where most records lack the label."""
_THRESHOLDS = tuple(step / 40 for step in range(2, 31))
_MAX_ITERATIONS = 1000


class LabelRegression:
    """A linear classifier for `choice` (softmax over labels) and `multi` (one classifier per label).

    Probabilities cover all labels of the task; a label without training records gets 0.

    Args:
        inverse_penalties: scikit-learn's `C`, chosen by cross-validation over the training records; the middle
            one when they are too few to tell.
    """

    def __init__(self, inverse_penalties: Sequence[float]) -> None:
        self._penalties = tuple(inverse_penalties)
        self._task: Task | None = None
        self._models: dict[str, Any] = {}
        """`choice`: one model under ""; `multi`: one per label that occurs with and without."""
        self._constant: dict[str, float] = {}
        """Labels that need no model: their share among the training records, 0 or 1."""
        self._threshold = 0.5
        """`multi`: the probability from which a label is given."""

    def fit(self, features: Any, records: Sequence[Record], task: Task, seed: int) -> None:
        """Learn a task from one row of features per record.

        On one thread: the solver's many small steps wait for each other longer than they compute.
        """
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            self._fit(features, records, task, seed)

    def _fit(self, features: Any, records: Sequence[Record], task: Task, seed: int) -> None:
        self._task, self._models, self._constant = task, {}, {}
        targets = _targets(records, task)
        if task.kind == "multi":
            self._threshold = self._best_threshold(features, targets, seed)
        for name, values in targets.items():
            kinds = sorted(set(values))
            if len(kinds) > 1:
                self._models[name] = self._regression(values, seed, task.kind).fit(features, values)
            elif task.kind == "choice":
                self._constant[kinds[0]] = 1.0
            else:
                self._constant[name] = float(kinds[0] == "yes")

    def predict(self, features: Any, records: Sequence[Record]) -> list[Prediction]:
        """Return one untimed prediction per record, in the records' order, with a probability for every label.

        For `choice` the probabilities sum to 1 and the most probable label is the answer; for `multi` each is
        a label's own, and the labels from a threshold on are the answer; cross-validation chose it by micro F1.
        """
        assert self._task is not None, "fit first"
        return [
            Prediction(
                id=record.id,
                task=record.task,
                answer=_answer(table, self._task, self._threshold),
                probabilities=table,
            )
            for record, table in zip(records, self._tables(features, len(records)), strict=True)
        ]

    def _tables(self, features: Any, rows: int) -> list[dict[str, float]]:
        assert self._task is not None
        tables = [{label: self._constant.get(label, 0.0) for label in self._task.labels} for _ in range(rows)]
        for name, model in self._models.items():
            classes = [str(each) for each in model.classes_]
            for table, row in zip(tables, model.predict_proba(features), strict=True):
                for each, value in zip(classes, row, strict=True):
                    if not name:
                        table[each] = float(value)
                    elif each == "yes":
                        table[name] = float(value)
        return tables

    def _regression(self, values: Sequence[str], seed: int, kind: str) -> Any:
        """Return an unfitted classifier whose penalty the training records themselves decide, if they suffice."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV, StratifiedKFold

        plain = LogisticRegression(
            C=self._penalties[len(self._penalties) // 2], max_iter=_MAX_ITERATIONS, random_state=seed
        )
        if min(Counter(values).values()) < _FOLDS:
            return plain
        folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
        return GridSearchCV(plain, {"C": list(self._penalties)}, cv=folds, scoring=_CHOSEN_BY[kind])

    def _best_threshold(self, features: Any, targets: Mapping[str, Sequence[str]], seed: int) -> float:
        """Return the threshold with the best micro F1 over out-of-fold probabilities, 0.5 if there are too few."""
        import numpy as np
        from sklearn.metrics import f1_score
        from sklearn.model_selection import StratifiedKFold, cross_val_predict

        truths, chances = [], []
        for values in targets.values():
            counts = Counter(values)
            if len(counts) < 2 or min(counts.values()) < _FOLDS:
                continue
            folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
            found = cross_val_predict(
                self._regression(values, seed, "multi"), features, values, cv=folds, method="predict_proba"
            )
            chances.append(found[:, 1])
            truths.append(np.array(values) == "yes")
        if not truths:
            return 0.5
        truth, chance = np.concatenate(truths), np.concatenate(chances)
        scores = {cut: f1_score(truth, chance >= cut, zero_division=0) for cut in _THRESHOLDS}
        return max(scores, key=lambda cut: (scores[cut], -abs(cut - 0.5)))


def check_trainable(records: Sequence[Record], task: Task, what: str) -> None:
    """Refuse a task without labels, or without records to learn them from.

    Args:
        records: the training records.
        task: what is to be learned.
        what: the classifier's name in the message.

    Raises:
        UsageError: the task is of another kind than `choice` and `multi`.
        DataError: no records.
    """
    if task.kind not in {"choice", "multi"}:
        raise UsageError(f"Task '{task.name}' is of kind {task.kind}; {what} needs labels.")
    if not records:
        raise DataError(f"Task '{task.name}' has no training records for the {what.split(' ', 1)[1]}.")


def _targets(records: Sequence[Record], task: Task) -> dict[str, list[str]]:
    """Return what each model learns: `choice` the label (under ""), `multi` yes or no for each label."""
    if task.kind == "choice":
        return {"": [record.answer.label or "" for record in records]}
    return {
        label: ["yes" if label in record.labels() else "no" for record in records] for label in task.labels
    }


def _answer(table: dict[str, float], task: Task, threshold: float) -> Answer:
    if task.kind == "choice":
        return Answer(label=max(table, key=table.__getitem__))
    return Answer(labels=tuple(label for label, value in table.items() if value >= threshold))
