"""The shared path computes what the ordinary forward computes: loss and gradients, every architecture."""

from __future__ import annotations

import random

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tests.tiny_models import ARCHITECTURES, VOCABULARY, tiny_model

from sftloop.models import packed
from sftloop.train.examples import Example
from sftloop.train.plain import plain_step
from sftloop.train.recompute import Recompute
from sftloop.train.shared import micro_batches, shared_step


def batch_of_two_tasks(seed: int = 0) -> list[Example]:
    draw = random.Random(seed)

    def tokens(count: int) -> tuple[int, ...]:
        return tuple(draw.randrange(3, VOCABULARY) for _ in range(count))

    prefixes = {"a": tokens(23), "b": tokens(9), "odd": ()}
    return [
        Example(
            record_id=f"r{index}",
            task=task,
            prefix=prefixes[task],
            prompt=tokens(draw.randint(1, 12)),
            target=tokens(draw.randint(2, 6)),
        )
        for index, task in enumerate(["a", "b", "a", "odd", "a", "b", "a", "b"])
    ]


def gradients(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).norm() / b.norm())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("micro_batch_tokens", [1, 20, 10_000])
def test_loss_and_gradients_equal_the_ordinary_forward(architecture: str, micro_batch_tokens: int) -> None:
    batch = batch_of_two_tasks()
    plain, shared = tiny_model(architecture), tiny_model(architecture)
    expected = plain_step(plain, batch, micro_batch=3, precision=None)
    got = shared_step(shared, batch, micro_batch_tokens=micro_batch_tokens, precision=None)
    assert got.loss == pytest.approx(expected.loss, rel=1e-5)
    assert relative(gradients(shared), gradients(plain)) <= 1e-5


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "qwen3", "gpt2", "smollm3"])
def test_a_long_record_needs_no_mask(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone in its pass it is attended to causally, behind a prefix and without one."""
    monkeypatch.setattr(packed, "_LONG", 1)
    monkeypatch.setattr(packed.Rows, "of", lambda *_, **__: pytest.fail("a mask was made"))
    batch = batch_of_two_tasks()
    plain, shared = tiny_model(architecture), tiny_model(architecture)
    expected = plain_step(plain, batch, micro_batch=3, precision=None)
    got = shared_step(shared, batch, micro_batch_tokens=1, precision=None)
    assert got.loss == pytest.approx(expected.loss, rel=1e-5)
    assert relative(gradients(shared), gradients(plain)) <= 1e-5


def test_the_ordinary_step_computes_logits_of_targets_only() -> None:
    tokens = tuple(range(3, 103))
    batch = [
        Example(record_id=str(size), task="a", prefix=(), prompt=tokens[:size], target=(5, 2))
        for size in (10, 100)
    ]
    model, made = tiny_model("llama"), []
    model.lm_head.register_forward_hook(lambda _, __, output: made.append(output.shape[1]))
    plain_step(model, batch, micro_batch=2, precision=None)
    assert made == [4], "two places for each record, not all between the first and the last"


def test_every_prefix_is_run_once_per_step() -> None:
    result = shared_step(tiny_model("llama"), batch_of_two_tasks(), micro_batch_tokens=16, precision=None)
    assert result.prefix_tokens == 23 + 9


def test_first_target_token_keeps_its_loss() -> None:
    """Dropping the loss of the first target (predicted at the last prompt token) would go unnoticed above."""
    batch = batch_of_two_tasks()
    changed = list(batch)
    first = batch[0]
    changed[0] = Example(
        record_id=first.record_id,
        task=first.task,
        prefix=first.prefix,
        prompt=first.prompt,
        target=((first.target[0] + 1) % VOCABULARY, *first.target[1:]),
    )
    model = tiny_model("llama")
    losses = [shared_step(model, b, micro_batch_tokens=64, precision=None).loss for b in (batch, changed)]
    assert abs(losses[0] - losses[1]) > 1e-3


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("path", ["shared", "ordinary"])
def test_recomputed_activations_change_nothing(architecture: str, path: str) -> None:
    """Activation checkpointing composes with the shared prefix and with the ordinary path."""
    batch = batch_of_two_tasks()
    kept, forgotten = tiny_model(architecture), tiny_model(architecture)
    Recompute(forgotten, always=True)
    results = []
    for model in (kept, forgotten):
        if path == "shared":
            results.append(shared_step(model, batch, micro_batch_tokens=20, precision=None))
        else:
            results.append(plain_step(model, batch, micro_batch=3, precision=None))
    assert results[0].loss == pytest.approx(results[1].loss, rel=1e-6)
    assert relative(gradients(forgotten), gradients(kept)) <= 1e-6


def test_activations_are_really_forgotten() -> None:
    """With checkpointing, backward runs the layers' forward a second time."""
    model, calls = tiny_model("llama"), []
    for layer in model.model.layers:
        layer.mlp.register_forward_pre_hook(lambda *_: calls.append(1))
    Recompute(model, always=True)
    shared_step(model, batch_of_two_tasks()[:1], micro_batch_tokens=64, precision=None)
    assert len(calls) == 2 * 3 * 2, "prefix and suffix, three layers, forward and again"


def test_a_prefix_forgets_where_that_is_worthwhile() -> None:
    """Longer than a micro-batch and no longer than its suffixes, or than four micro-batches: its layers run once
    more. Otherwise not."""
    group = [example for example in batch_of_two_tasks() if example.task == "a"]
    prefix, suffixes = len(group[0].prefix), sum(len(example.suffix) for example in group)
    assert 20 < prefix <= suffixes and len(group[0].suffix) < prefix
    quarter = -(-prefix // 4)
    for examples, tokens, again in (
        (group, 20, 1),
        (group, prefix, 0),
        (group[:1], quarter, 0),
        (group[:1], quarter - 1, 1),
    ):
        model, calls = tiny_model("llama"), []
        model.model.layers[0].mlp.register_forward_pre_hook(lambda *_, calls=calls: calls.append(1))
        recompute = Recompute(model, always=False)
        shared_step(model, examples, micro_batch_tokens=tokens, precision=None, recompute=recompute)
        assert len(calls) == 1 + len(list(micro_batches(examples, tokens))) + again


def test_dropout_is_drawn_the_same_when_computed_again() -> None:
    got = []
    for always in (False, True):
        adapter = LoraConfig(r=4, lora_dropout=0.3, target_modules="all-linear", init_lora_weights=False)
        torch.manual_seed(1)
        model = get_peft_model(tiny_model("llama"), adapter).train()
        Recompute(model, always=always)
        torch.manual_seed(2)
        shared_step(model, batch_of_two_tasks(), micro_batch_tokens=20, precision=None)
        got.append(gradients(model))
    assert relative(got[1], got[0]) <= 1e-6
