"""Validation in training: the score of `trials`, also where answers failed."""

from __future__ import annotations

import pytest
from tests.tiny_models import tiny_model
from tests.tiny_scenario import scenario, tiny_encoder

from sftloop.evaluate import predict
from sftloop.records import Prediction, Record
from sftloop.scenario import Answer, Scenario
from sftloop.workflow.train import validator
from sftloop.workflow.trials import score_of

RECORDS = [
    Record(id="short", task="kind", input={"text": "w50"}, answer=Answer(label="w30")),
    Record(id="long", task="both", input={"text": "w50 " * 600}, answer=Answer(labels=("w40",))),
]


def test_a_task_whose_every_answer_failed_counts_as_0() -> None:
    """The second record is longer than the model's context of 512 tokens."""
    encoder = tiny_encoder()
    encoder.context_tokens = 512
    found = validator(scenario(), RECORDS, encoder)(tiny_model("llama"))
    assert found.keys() == {"score", "kind"}
    assert found["score"] == pytest.approx(found["kind"] / 2)


def test_a_task_called_score_leaves_the_name_to_what_chooses_the_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = {"kind": "score", "input": ["text"], "instruction": "w13", "range": [1, 5]}
    case = Scenario.model_validate({"name": "case", "model": "model", "tasks": {"score": task}})
    records = [Record(id=str(n), task="score", input={"text": "w50"}, answer=Answer(score=n)) for n in (2, 3)]
    off = [Prediction(id=r.id, task="score", answer=Answer(score=r.answer.score + 2)) for r in records]
    monkeypatch.setattr(predict, "predict_records", lambda *_, **__: off)
    found = validator(case, records, tiny_encoder())(tiny_model("llama"))
    assert found["score"] == score_of(case, records, off) < 1


def test_it_is_the_score_of_trials() -> None:
    predictions = [
        Prediction(id="short", task="kind", answer=Answer(label="w30")),
        Prediction(id="long", task="both", error="too long"),
    ]
    assert score_of(scenario(), RECORDS, predictions) == pytest.approx(0.5)
