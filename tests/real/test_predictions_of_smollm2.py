"""On the real small model: labels as if scored one by one, predictions the same in any batch and order."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from sftloop.models import LocalModel
from sftloop.records import Prediction, Record, load_split
from sftloop.scenario import Scenario, render_prompt

pytestmark = pytest.mark.real


def by_themselves(directory: Path, scenario: Scenario, records: list[Record]) -> list[dict[str, float]]:
    """Score every label with transformers alone, one after the other behind the whole prompt."""
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    return [_scored(model, tokenizer, scenario, record) for record in records]


def _scored(model: Any, tokenizer: Any, scenario: Scenario, record: Record) -> dict[str, float]:
    task = scenario.tasks[record.task]
    chat = render_prompt(scenario, task, record.input).messages
    prompt = tokenizer.apply_chat_template(
        chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )["input_ids"]
    start = model(prompt, use_cache=True)
    scores = []
    for label in task.labels:
        ids = tokenizer(label + "<|im_end|>", add_special_tokens=False, return_tensors="pt")["input_ids"]
        logits = model(ids, past_key_values=deepcopy(start.past_key_values)).logits[0]
        steps = torch.cat([start.logits[0, -1:], logits[:-1]]).double().log_softmax(-1)
        scores.append(steps.gather(1, ids[0][:, None]).sum())
    return dict(zip(task.labels, torch.stack(scores).softmax(0).tolist(), strict=True))


@torch.no_grad()
def test_label_tree_equals_label_by_label(local: LocalModel, smollm2: Path, support: Scenario) -> None:
    records = load_split(support, "test", tasks=["intent"])[:3]
    local.write_choices = False
    found = {p.id: p.probabilities for p in local.predict(support, "intent", records)}
    assert len(found) == 3
    for record, expected in zip(records, by_themselves(smollm2, support, records), strict=True):
        assert found[record.id] == pytest.approx(expected, rel=1e-3, abs=1e-6)
        assert max(expected, key=expected.__getitem__) == max(found[record.id], key=found[record.id].get)


def assert_same(got: Prediction, expected: Prediction) -> None:
    assert (got.id, got.text, got.format_valid) == (expected.id, expected.text, expected.format_valid)
    assert got.answer == expected.answer
    assert got.probabilities == pytest.approx(expected.probabilities, abs=1e-4)
    assert (got.tokens, got.prompt_tokens) == (expected.tokens, expected.prompt_tokens)


@pytest.mark.parametrize("task", ["urgency", "leave"])
def test_predictions_do_not_depend_on_batch_size_and_order(
    local: LocalModel, support: Scenario, task: str
) -> None:
    """All at once, one by one from the end, and in pairs; the model also writes its answers."""
    local.write_choices = True
    records = load_split(support, "test", tasks=[task])[:4]
    together = {p.id: p for p in local.predict(support, task, records)}
    alone = [p for record in reversed(records) for p in local.predict(support, task, [record])]
    pairs = [p for part in (records[1::2], records[::2]) for p in local.predict(support, task, part)]
    assert len(together) == len(alone) == len(pairs) == 4
    for prediction in (*alone, *pairs):
        assert_same(prediction, together[prediction.id])
