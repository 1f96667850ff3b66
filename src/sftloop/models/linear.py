"""TF-IDF and logistic regression: what a reader compares a language model with, to see whether it was needed.

Learns from the input texts only; doesn't see instructions or definitions, so it shows what the records alone
teach.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sftloop.core.errors import DataError
from sftloop.models.label_regression import LabelRegression, check_trainable
from sftloop.records.prediction import Prediction
from sftloop.records.schema import Record
from sftloop.scenario.schema import Task

_INVERSE_PENALTIES = (1.0, 10.0, 100.0)


def tf_idf(language: str) -> Any:
    """Return an unfitted vectorizer of texts in `zh` or `en`.

    Word 1- and 2-grams for English, character 1- to 3-grams for Chinese, whose words are not separated.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    if language == "zh":
        return TfidfVectorizer(analyzer="char", ngram_range=(1, 3))
    return TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")


class LinearBaseline:
    """A linear classifier on words (`tf_idf`), for `choice` and `multi`; see `LabelRegression`."""

    def __init__(self) -> None:
        self._vectors: Any = None
        self._labels = LabelRegression(_INVERSE_PENALTIES)

    def fit(self, records: Sequence[Record], task: Task, language: str, seed: int) -> None:
        """Learn a task from records.

        Args:
            records: training records of this task.
            task: of kind `choice` or `multi`.
            language: `zh` or `en`: how text is cut.
            seed: for the solver; the default solver has no chance in it.

        Raises:
            UsageError: the task is of another kind.
            DataError: no records, or not a letter in any of them.
        """
        check_trainable(records, task, "a linear baseline")
        self._vectors = tf_idf(language)
        try:
            matrix = self._vectors.fit_transform([record.text() for record in records])
        except ValueError as error:
            raise DataError(f"The training records of task '{task.name}' hold no words.") from error
        self._labels.fit(matrix, records, task, seed)

    def predict(self, records: Sequence[Record]) -> list[Prediction]:
        """Return one prediction per record, in the records' order, with a probability for every label."""
        if not records:
            return []
        began = time.perf_counter()
        matrix = self._vectors.transform([record.text() for record in records])
        found = self._labels.predict(matrix, records)
        seconds = (time.perf_counter() - began) / len(records)
        return [replace(prediction, latency_seconds=seconds) for prediction in found]
