"""The embedding classifier learns from a model's vectors, and equals scikit-learn called directly."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from tests.tiny_models import tiny_model
from tests.tiny_scenario import tiny_encoder
from tests.unit.models.test_linear_baseline import record, task

from sftloop.core.errors import DataError, UsageError
from sftloop.models import LocalModel, embed_texts
from sftloop.models.embedding_classifier import EmbeddingClassifier

WORDS = {"yes": "w50", "no": "w90"}


@pytest.fixture(scope="module")
def model() -> LocalModel:
    return LocalModel(tiny_model("llama"), tiny_encoder(), "tiny")


def texts(count: int) -> list[tuple[str, str]]:
    labels = ["yes", "no"]
    return [(f"{WORDS[labels[n % 2]]} w{60 + n % 7} w{70 + n % 5}", labels[n % 2]) for n in range(count)]


def test_learns_what_the_vectors_hold(model: LocalModel) -> None:
    classifier = EmbeddingClassifier(model)
    classifier.fit(
        [record(n, text, label) for n, (text, label) in enumerate(texts(40))],
        task("choice", ("yes", "no")),
        0,
    )
    asked = [record(n, text, label) for n, (text, label) in enumerate(texts(80)[41:])]
    found = classifier.predict(asked)
    assert [one.id for one in found] == [one.id for one in asked]
    right = [
        one.answer.label == want.answer.label for one, want in zip(found, asked, strict=True) if one.answer
    ]
    assert np.mean(right) > 0.9
    assert all(
        one.latency_seconds and sum((one.probabilities or {}).values()) == pytest.approx(1) for one in found
    )
    assert classifier.predict([]) == []


def test_equals_scikit_learn(model: LocalModel) -> None:
    """Two records per label are too few to choose a penalty by: the middle one is taken."""
    rows = texts(4)
    classifier = EmbeddingClassifier(model)
    classifier.fit([record(n, *row) for n, row in enumerate(rows)], task("choice", ("no", "yes", "never")), 0)
    [found] = classifier.predict([record(9, "w50 w99")])

    vectors = embed_texts(model.model, model.encoder, [text for text, _ in rows]).astype(float)
    scale = StandardScaler().fit(vectors)
    plain = LogisticRegression(C=0.003, max_iter=1000).fit(
        scale.transform(vectors), [label for _, label in rows]
    )
    asked = embed_texts(model.model, model.encoder, ["w50 w99"]).astype(float)
    wanted = dict(zip(plain.classes_, plain.predict_proba(scale.transform(asked))[0], strict=True))
    assert found.probabilities == pytest.approx(
        {"no": wanted["no"], "yes": wanted["yes"], "never": 0.0}, abs=1e-6
    )


def test_several_labels(model: LocalModel) -> None:
    rows = [("w50 w60", ("a",)), ("w90 w61", ("b",)), ("w50 w90", ("a", "b")), ("w70", ())] * 4
    records = [record(n, text, labels=labels) for n, (text, labels) in enumerate(rows)]
    classifier = EmbeddingClassifier(model)
    classifier.fit(records, task("multi", ("a", "b")), 0)
    found = classifier.predict(records[:4])
    assert [one.answer.labels for one in found if one.answer] == [labels for _, labels in rows[:4]]


def test_what_can_not_be_learned_is_refused(model: LocalModel) -> None:
    with pytest.raises(UsageError, match="of kind generate; an embedding classifier needs labels"):
        EmbeddingClassifier(model).fit([record(1, "w3")], task("generate", ()), 0)
    with pytest.raises(DataError, match="no training records for the embedding classifier"):
        EmbeddingClassifier(model).fit([], task("choice", ("a", "b")), 0)
