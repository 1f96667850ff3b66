"""On the real small model the shared path gives the ordinary path's loss and gradients: LoRA and full, fp32."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model

from sftloop.models import PromptEncoder, TaskTokens, load_causal_lm
from sftloop.records import load_split
from sftloop.scenario import Scenario
from sftloop.train import Example, StepResult, encode_examples, plain_step, shared_step

pytestmark = pytest.mark.real
LIMIT = 1e-5


@pytest.fixture(scope="module")
def batch(smollm2: Path, support: Scenario) -> list[Example]:
    """Four records of two tasks, one with short answers, one with JSON and evidence."""
    encoder = PromptEncoder.from_directory(smollm2)
    records = load_split(support, "train", tasks=["urgency", "leave"], limit=2)
    tokens = {name: TaskTokens.of(support, name, encoder) for name in ("urgency", "leave")}
    examples = encode_examples(records, tokens, context_tokens=encoder.context_tokens)
    assert all(len(example.prefix) > 100 for example in examples)
    return examples


def full(directory: Path) -> torch.nn.Module:
    return load_causal_lm(directory, "cpu", torch.float32)


def lora(directory: Path) -> torch.nn.Module:
    """Adapters as training makes them, but with a second matrix that is not zero, so that the first learns too."""
    config = LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules="all-linear")
    torch.manual_seed(0)
    model = get_peft_model(full(directory), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    return model


def gradients(model: torch.nn.Module, step: Callable[[], StepResult]) -> tuple[float, list[torch.Tensor]]:
    model.zero_grad(set_to_none=True)
    loss = step().loss
    return loss, [p.grad for p in model.parameters() if p.grad is not None]


def relative_difference(got: list[torch.Tensor], expected: list[torch.Tensor]) -> float:
    def norm(tensors: list[torch.Tensor]) -> float:
        return sum(float(tensor.double().pow(2).sum()) for tensor in tensors) ** 0.5

    return norm([a - b for a, b in zip(got, expected, strict=True)]) / norm(expected)


@pytest.mark.parametrize("method", [lora, full])
def test_loss_and_gradients(
    smollm2: Path, batch: list[Example], method: Callable[[Path], torch.nn.Module]
) -> None:
    """The micro-batch holds two records at most, so gradients also add up over several passes."""
    model = method(smollm2).eval()
    expected, ordinary = gradients(model, lambda: plain_step(model, batch, micro_batch=2, precision=None))
    got, shared = gradients(model, lambda: shared_step(model, batch, micro_batch_tokens=130, precision=None))
    assert 0.5 < expected < 10
    assert abs(got - expected) <= LIMIT * expected
    assert len(shared) == len(ordinary) > 0
    assert relative_difference(shared, ordinary) <= LIMIT
