"""In every format a model is scored on the tokens that it is trained to write, and behind what it wrote."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from tests.character_case import character_tokenizer
from tests.tiny_models import tiny_model

from sftloop.models import LocalModel, PromptEncoder, TaskTokens
from sftloop.records import Record
from sftloop.scenario import Answer, Format, Scenario

LABELS = {"red": "Red.", "rest": "No.", "blue": "Sky."}
FORMATS = [
    Format(answer=answer, labels=labels, reason=reason)
    for answer, labels, reason in product(
        ("plain", "json"), ("names", "letters"), ("after", "before", "none")
    )
]


def scenario(form: Format, *, beside: bool) -> Scenario:
    task = {"kind": "choice", "input": ["text"], "instruction": "Which?", "labels": LABELS}
    task["max_answer_tokens"] = 24
    asked = {"reason": True, "evidence": True} if beside else {}
    tasks = {"kind": {**task, "answer": asked}}
    return Scenario.model_validate({"name": "n", "model": "m", "tasks": tasks}).with_format(form)


def record(label: str) -> Record:
    answer = Answer(label=label, reason="It is so.", evidence=('"a, b"',))
    return Record(id=label, task="kind", input={"text": "a, b"}, answer=answer)


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside"])
@pytest.mark.parametrize("form", FORMATS, ids=lambda form: f"{form.answer}-{form.labels}-{form.reason}")
def test_the_labels_tokens_are_those_of_the_target(form: Format, beside: bool) -> None:
    tokens = TaskTokens.of(scenario(form, beside=beside), "kind", PromptEncoder(character_tokenizer()))
    assert tokens.tree is not None
    for label, path in zip(tokens.tree.labels, tokens.tree.paths, strict=True):
        target = tokens.target(record(label))
        ids = [tokens.tree.tokens[node] for node in path]
        if tokens.task.reasons_first:
            written = tokens.encoder.decode(target)
            assert target[len(tokens.head(written)) :][: len(ids)] == ids
        else:
            assert target[: len(ids)] == ids


@pytest.mark.parametrize("answer", ["plain", "json"])
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
@torch.no_grad()
def test_labels_are_scored_behind_the_reason_that_was_written(answer: str, architecture: str) -> None:
    model = tiny_model(architecture)
    local = LocalModel(model, PromptEncoder(character_tokenizer()), "tiny", write_choices=False)
    asked = scenario(Format(answer=answer, reason="before"), beside=True)
    records = [record(label) for label in LABELS]
    records = [
        Record(id=r.id, task=r.task, input={"text": f"lamp {i} " * (i + 1)}, answer=r.answer)
        for i, r in enumerate(records)
    ]
    tokens = TaskTokens.of(asked, "kind", local.encoder)
    for prediction in local.predict(asked, "kind", records):
        own = next(r for r in records if r.id == prediction.id)
        behind = [*tokens.prompt(own), *tokens.head(prediction.text or "")]
        totals = []
        for path in tokens.tree.paths:
            ids = [tokens.tree.tokens[node] for node in path]
            logits = model(input_ids=torch.tensor([behind + ids])).logits[0].log_softmax(-1)
            totals.append(sum(logits[len(behind) - 1 + place, token] for place, token in enumerate(ids)))
        expected = torch.softmax(torch.stack(totals), 0)
        got = torch.tensor([prediction.probabilities[label] for label in LABELS])
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
        assert prediction.answer.label == max(prediction.probabilities, key=prediction.probabilities.get)
