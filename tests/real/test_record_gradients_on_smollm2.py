"""On the real small model: gradients per record behind the shared prefix, fp32, against full sequences in fp64.

In fp32 the ordinary backward pass itself is off by 1e-4 on some of these records.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.real.test_parity_on_smollm2 import LIMIT, lora, relative_difference

from sftloop.models import PromptEncoder, TaskTokens
from sftloop.records import load_split
from sftloop.scenario import Scenario
from sftloop.train import encode_examples, plain_step
from sftloop.train.record_gradients import record_gradients

pytestmark = pytest.mark.real


def test_every_record_of_two_tasks(smollm2: Path, support: Scenario) -> None:
    encoder = PromptEncoder.from_directory(smollm2)
    records = load_split(support, "train", tasks=["urgency", "leave"], limit=2)
    tokens = {name: TaskTokens.of(support, name, encoder) for name in ("urgency", "leave")}
    examples = encode_examples(records, tokens, context_tokens=encoder.context_tokens)
    model = lora(smollm2).eval()
    blocks = list(record_gradients(model, examples))
    assert sorted(place for block in blocks for place in block.places) == [0, 1, 2, 3]
    model.double()
    for places, gradients in blocks:
        for row, place in enumerate(places):
            model.zero_grad(set_to_none=True)
            plain_step(model, [examples[place]], micro_batch=1, precision=None)
            found = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
            assert all(not gradients[name].any() for name in gradients.keys() - found.keys())
            got = [gradients[name][row].double() for name in found]
            assert relative_difference(got, list(found.values())) <= LIMIT
