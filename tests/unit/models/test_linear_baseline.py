"""The linear baseline equals scikit-learn called directly, and copes with labels it never saw."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from sftloop.core.errors import DataError, UsageError
from sftloop.models.linear import LinearBaseline
from sftloop.records.schema import Record
from sftloop.scenario.answer import Answer
from sftloop.scenario.parts import InputField, Label
from sftloop.scenario.schema import Task

EN = [
    ("where is my parcel", "delivery"),
    ("the parcel is late again", "delivery"),
    ("parcel lost", "delivery"),
    ("I want my money back", "refund"),
    ("refund me please", "refund"),
    ("give me the money", "refund"),
    ("hello there", "other"),
]


def task(kind: str, labels: tuple[str, ...]) -> Task:
    return Task(
        name="t",
        kind=kind,
        input=[InputField(name="text")],
        instruction="?",
        labels={label: Label(means="m") for label in labels},
    )


def record(number: int, text: str, label: str = "x", labels: tuple[str, ...] | None = None) -> Record:
    answer = Answer(labels=labels) if labels is not None else Answer(label=label)
    return Record(id=str(number), task="t", input={"text": text}, answer=answer)


def choice_records() -> list[Record]:
    return [record(number, text, label) for number, (text, label) in enumerate(EN)]


def fitted(records: list[Record], of: Task, language: str = "en") -> LinearBaseline:
    baseline = LinearBaseline()
    baseline.fit(records, of, language, seed=0)
    return baseline


def test_choice_equals_scikit_learn() -> None:
    of = task("choice", ("refund", "delivery", "other", "never_seen"))
    asked = [record(9, "my parcel"), record(8, "money, please!"), record(7, "什么")]
    predictions = fitted(choice_records(), of).predict(asked)

    vectors = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+")
    texts = vectors.fit_transform([text for text, _ in EN])
    model = LogisticRegression(C=10, max_iter=1000).fit(texts, [label for _, label in EN])
    wanted = model.predict_proba(vectors.transform([str(each.input["text"]) for each in asked]))
    for prediction, row in zip(predictions, wanted, strict=True):
        table = prediction.probabilities
        assert table is not None
        assert list(table) == list(of.labels)
        assert table["never_seen"] == 0.0
        np.testing.assert_allclose([table[label] for label in model.classes_], row, atol=1e-6)
        assert sum(table.values()) == pytest.approx(1)
        assert prediction.answer == Answer(label=max(table, key=table.__getitem__))
    assert [each.id for each in predictions] == ["9", "8", "7"]
    assert predictions[0].answer == Answer(label="delivery")
    assert predictions[1].answer == Answer(label="refund")


def test_multi_scores_each_label_by_itself() -> None:
    texts = [("good price", ("price",)), ("nice people", ("people",)), ("meh", ()), ("so so", ())]
    both = [*texts, ("price and people", ("price", "people"))]
    records = [record(number, text, labels=labels) for number, (text, labels) in enumerate(both)]
    of = task("multi", ("people", "price", "never"))
    found = fitted(records, of).predict([record(7, "price people", labels=()), record(8, "xyz", labels=())])
    assert found[0].answer == Answer(labels=("people", "price"))
    assert found[1].answer == Answer(labels=())
    assert found[0].probabilities is not None
    assert found[0].probabilities["never"] == 0.0
    assert sum(found[0].probabilities.values()) > 1


def test_rare_labels_are_given_where_that_helps() -> None:
    """Eight topics, one per text: no probability reaches one half, and still the answers aren't empty."""
    words = [f"topic{number}" for number in range(8)]
    fill = ["some", "words", "in", "every", "text", "here"]
    records = [
        record(number, " ".join([*fill, word, f"x{number}"]), labels=(word,))
        for number, word in enumerate(words * 5)
    ]
    found = fitted(records, task("multi", tuple(words))).predict(records[:8])
    assert [each.answer.labels for each in found] == [(word,) for word in words]


def test_chinese_is_cut_into_characters() -> None:
    texts = [("孩子今天上学了", "有"), ("接孩子放学", "有"), ("加班到深夜", "无"), ("今天又加班", "无")]
    records = [record(number, text, label) for number, (text, label) in enumerate(texts)]
    found = fitted(records, task("choice", ("有", "无")), "zh").predict([record(9, "我家孩子发烧")])
    assert found[0].probabilities is not None
    assert found[0].probabilities["有"] > 0.6


@pytest.mark.parametrize("label", ["yes", "no"])
def test_one_label_only(label: str) -> None:
    records = [record(1, "a b", label), record(2, "c d", label)]
    found = fitted(records, task("choice", ("yes", "no"))).predict([record(3, "e")])
    assert found[0].answer == Answer(label=label)
    assert found[0].probabilities is not None
    assert found[0].probabilities[label] == 1.0


def test_every_record_has_the_label() -> None:
    records = [record(1, "a b", labels=("people",)), record(2, "c d", labels=("people",))]
    found = fitted(records, task("multi", ("people", "price"))).predict([record(3, "e", labels=())])
    assert found[0].answer == Answer(labels=("people",))


def test_twice_the_same() -> None:
    of = task("choice", ("refund", "delivery", "other"))
    one, two = (fitted(choice_records(), of).predict([record(1, "parcel money")]) for _ in range(2))
    assert one[0].probabilities == two[0].probabilities


def test_nothing_asked_nothing_answered() -> None:
    assert fitted(choice_records(), task("choice", ("refund", "delivery", "other"))).predict([]) == []


def test_what_can_not_be_learned_is_refused() -> None:
    with pytest.raises(UsageError, match="of kind generate; a linear baseline needs labels"):
        LinearBaseline().fit(choice_records(), task("generate", ()), "en", 0)
    with pytest.raises(DataError, match="no training records"):
        LinearBaseline().fit([], task("choice", ("a", "b")), "en", 0)
    with pytest.raises(DataError, match="hold no words"):
        LinearBaseline().fit([record(1, "?!", "a")], task("choice", ("a", "b")), "en", 0)
