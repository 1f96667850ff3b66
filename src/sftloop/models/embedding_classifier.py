"""A base model's hidden states and logistic regression: would a classifier on top of an encoder do?

Stands for the BERT-style classifiers that a language model is measured against, without fetching another model:
the vectors are the untouched base's (see `embed.py`), only the last layer is learned. Sees the input texts only,
as the linear baseline does.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sftloop.models.embed import embed_texts
from sftloop.models.label_regression import LabelRegression, check_trainable
from sftloop.records.prediction import Prediction
from sftloop.records.schema import Record
from sftloop.scenario.schema import Task

if TYPE_CHECKING:
    from sftloop.models.local import LocalModel

_INVERSE_PENALTIES = (0.0003, 0.003, 0.03)
"""Small, because every dimension is scaled to variance 1 and there are hundreds of them."""


class EmbeddingClassifier:
    """A linear classifier on a language model's vectors, for `choice` and `multi`; see `LabelRegression`.

    Every dimension is centred and scaled by what the training records show: a model's vectors share a large
    common part, and a few dimensions are many times as wide as the others.

    Args:
        model: whose vectors are taken.
    """

    def __init__(self, model: LocalModel) -> None:
        self._model = model
        self._scale: Any = None
        self._labels = LabelRegression(_INVERSE_PENALTIES)

    def fit(self, records: Sequence[Record], task: Task, seed: int) -> None:
        """Learn a task from records.

        Raises:
            UsageError: the task is of another kind than `choice` and `multi`.
            DataError: no records.
        """
        from sklearn.preprocessing import StandardScaler

        check_trainable(records, task, "an embedding classifier")
        self._scale = StandardScaler()
        self._labels.fit(self._scale.fit_transform(self._vectors(records)), records, task, seed)

    def predict(self, records: Sequence[Record]) -> list[Prediction]:
        """Return one prediction per record, in the records' order, with a probability for every label."""
        if not records:
            return []
        began = time.perf_counter()
        found = self._labels.predict(self._scale.transform(self._vectors(records)), records)
        seconds = (time.perf_counter() - began) / len(records)
        return [replace(prediction, latency_seconds=seconds) for prediction in found]

    def _vectors(self, records: Sequence[Record]) -> Any:
        texts = [record.text() for record in records]
        return embed_texts(self._model.model, self._model.encoder, texts).astype("float64")
