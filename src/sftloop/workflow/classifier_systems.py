"""The two classifiers in every comparison, trained on the scenario's records: was a language model needed?

TF-IDF and embeddings, each with logistic regression, for tasks with labels. Chooses nothing: they are trained when
first asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sftloop.core.errors import DataError
from sftloop.core.files import sha256_json
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario
from sftloop.workflow.local_systems import Base
from sftloop.workflow.system import System

TFIDF = "TF-IDF + logistic regression"
EMBEDDING = "embedding + logistic regression"

Fit = Callable[[str, Sequence[Record]], Any]
"""Task, its training records → a fitted classifier."""


def classifier_systems(
    scenario: Scenario, training: Sequence[Record], base: Base | None, seed: int
) -> list[System]:
    """Return the classifiers; none where no task has both labels and training records.

    Args:
        scenario: whose tasks.
        training: the records to learn from.
        base: whose vectors the second one stands on; None leaves it out.
        seed: of the cross-validation that chooses penalties.
    """
    learned = {record.task for record in training}
    tasks = [
        name for name, task in scenario.tasks.items() if task.kind in {"choice", "multi"} and name in learned
    ]
    if not tasks:
        return []
    records = sha256_json([record.to_json() for record in training])
    found = [_system(TFIDF, scenario, tasks, partial(_by_words, scenario, training, seed), records, {})]
    if base is not None:
        from sftloop.models import fingerprint

        opened = partial(_by_vectors, scenario, training, base.path, seed)
        about = {"model": base.name}
        identity = sha256_json([records, fingerprint(base.path)])
        found.append(_system(EMBEDDING, scenario, tasks, opened, identity, about))
    return found


def _system(
    name: str, scenario: Scenario, tasks: Sequence[str], opened: Any, identity: str, about: dict[str, Any]
) -> System:
    return System(
        name=name,
        kind="classifier",
        scenario=scenario,
        tasks=tuple(tasks),
        runs=(opened,),
        identities=(identity,),
        about=about,
    )


class _OnDemand:
    """A classifier per task, fitted when the task is first asked."""

    def __init__(self, training: Sequence[Record], fit: Fit) -> None:
        self._training, self._fit = training, fit
        self._fitted: dict[str, Any] = {}

    def predict(self, scenario: Scenario, task: str, records: Sequence[Record]) -> Iterator[Prediction]:
        if task not in self._fitted:
            own = [record for record in self._training if record.task == task]
            try:
                self._fitted[task] = self._fit(task, own)
            except DataError as error:
                self._fitted[task] = _Failing(error.message)
        yield from self._fitted[task].predict(records)


class _Failing:
    """Stands for a classifier that could not be trained: no answers, and why."""

    def __init__(self, why: str) -> None:
        self._why = why

    def predict(self, records: Sequence[Record]) -> list[Prediction]:
        return [Prediction(id=record.id, task=record.task, error=self._why) for record in records]


@contextmanager
def _by_words(scenario: Scenario, training: Sequence[Record], seed: int) -> Iterator[_OnDemand]:
    from sftloop.models import LinearBaseline

    def fit(task: str, records: Sequence[Record]) -> LinearBaseline:
        baseline = LinearBaseline()
        baseline.fit(records, scenario.tasks[task], scenario.language, seed)
        return baseline

    yield _OnDemand(training, fit)


@contextmanager
def _by_vectors(scenario: Scenario, training: Sequence[Record], path: Path, seed: int) -> Iterator[_OnDemand]:
    from sftloop.models import LocalModel
    from sftloop.models.embedding_classifier import EmbeddingClassifier

    model = LocalModel.load(path)

    def fit(task: str, records: Sequence[Record]) -> EmbeddingClassifier:
        classifier = EmbeddingClassifier(model)
        classifier.fit(records, scenario.tasks[task], seed)
        return classifier

    yield _OnDemand(training, fit)
