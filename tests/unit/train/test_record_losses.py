"""Losses per record equal those of each record's own forward pass, whatever is shared, packed or chunked."""

from __future__ import annotations

import math
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tiny_models import ARCHITECTURES, VOCABULARY, tiny_model
from tests.tiny_scenario import tiny_encoder
from tests.unit.models.test_in_full import other_model
from tests.unit.train.test_parity import batch_of_two_tasks
from transformers import PreTrainedModel

from sftloop.models import PackedContext
from sftloop.train import record_losses as measured
from sftloop.train.examples import Example
from sftloop.train.record_losses import answer_header, record_losses, unconditional_losses
from sftloop.train.shared import shared_step


@torch.no_grad()
def by_itself(model: PreTrainedModel, front: tuple[int, ...], target: tuple[int, ...]) -> float:
    logits = model(input_ids=torch.tensor([front + target])).logits[0].double().log_softmax(-1)
    places = range(len(front) - 1, len(front) + len(target) - 1)
    return -sum(float(logits[place, token]) for place, token in zip(places, target, strict=True))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("micro_batch_tokens", [1, 20, None])
def test_equal_the_plain_forward(
    architecture: str, micro_batch_tokens: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured, "_LOGIT_ROWS", 5)
    model, batch = tiny_model(architecture), batch_of_two_tasks()
    losses = record_losses(model, batch, micro_batch_tokens=micro_batch_tokens)
    for example, loss in zip(batch, losses, strict=True):
        expected = by_itself(model, example.prefix + example.prompt, example.target)
        assert loss.nats == pytest.approx(expected, rel=1e-5)
        assert loss.tokens == len(example.target)
        assert loss.mean == pytest.approx(expected / len(example.target), rel=1e-5)


@pytest.mark.parametrize("architecture", ["gpt_neox", "mamba"])
def test_models_that_cannot_share(architecture: str) -> None:
    model, batch = other_model(architecture), batch_of_two_tasks()
    for example, loss in zip(batch, record_losses(model, batch), strict=True):
        expected = by_itself(model, example.prefix + example.prompt, example.target)
        assert loss.nats == pytest.approx(expected, rel=1e-5)


def test_they_add_up_to_the_training_loss() -> None:
    model, batch = tiny_model("qwen2"), batch_of_two_tasks()
    losses = record_losses(model, batch)
    step = shared_step(model, batch, micro_batch_tokens=64, precision=None)
    total = sum(loss.nats for loss in losses) / sum(loss.tokens for loss in losses)
    assert total == pytest.approx(step.loss, rel=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(8)), st.integers(1, 60))
def test_neither_order_nor_memory_changes_a_loss(order: list[int], most: int) -> None:
    model, batch = tiny_model("llama"), batch_of_two_tasks()
    usual = record_losses(model, batch)
    shuffled = record_losses(model, [batch[place] for place in order], micro_batch_tokens=most)
    for place, loss in zip(order, shuffled, strict=True):
        assert loss.nats == pytest.approx(usual[place].nats, rel=1e-5)


def test_each_distinct_prefix_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[int] = []
    usual = PackedContext.from_prefix

    def counted(model: PreTrainedModel, ids: list[int]) -> PackedContext:
        run.append(len(ids))
        return usual(model, ids)

    monkeypatch.setattr(PackedContext, "from_prefix", counted)
    record_losses(tiny_model("llama"), batch_of_two_tasks(), micro_batch_tokens=4)
    assert sorted(run) == [0, 9, 23]


def test_the_model_is_left_as_it_was() -> None:
    model = tiny_model("llama").train()
    record_losses(model, batch_of_two_tasks()[:2])
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_low_precision_is_near() -> None:
    model, batch = tiny_model("llama"), batch_of_two_tasks()
    exact, low = record_losses(model, batch), record_losses(model, batch, precision=torch.bfloat16)
    assert any(a.nats != b.nats for a, b in zip(exact, low, strict=True))
    for a, b in zip(exact, low, strict=True):
        assert b.nats == pytest.approx(a.nats, rel=0.05)


def test_without_the_prompt_the_same_target_is_scored() -> None:
    model, batch, header = tiny_model("gemma2"), batch_of_two_tasks(), [7, 8, 9]
    for example, loss in zip(batch, unconditional_losses(model, batch, header), strict=True):
        assert loss.nats == pytest.approx(by_itself(model, tuple(header), example.target), rel=1e-5)
        assert loss.tokens == len(example.target)


def test_one_token_is_header_enough() -> None:
    model, batch = tiny_model("llama"), batch_of_two_tasks()[:2]
    [first, _] = unconditional_losses(model, batch, [1])
    assert first.nats == pytest.approx(by_itself(model, (1,), batch[0].target), rel=1e-5)


def test_no_target_has_no_mean() -> None:
    draw = random.Random(0)
    example = Example(record_id="r", task="a", prefix=(), prompt=(draw.randrange(3, VOCABULARY),), target=())
    [loss] = record_losses(tiny_model("llama"), [example])
    assert (loss.nats, loss.tokens) == (0.0, 0)
    assert math.isnan(loss.mean)


def test_the_header_of_an_answer_is_what_follows_the_user() -> None:
    encoder = tiny_encoder()
    assert answer_header(encoder) == encoder.tokenizer.convert_tokens_to_ids(["<assistant>"])


def test_a_template_without_a_header_and_one_with_an_opening_token() -> None:
    encoder = tiny_encoder()
    encoder.tokenizer.chat_template = "{% for m in messages %}{{ m.content }} </s> {% endfor %}"
    assert answer_header(encoder) == [encoder.end_of_turn]
    encoder.tokenizer.chat_template = (
        "<s> {% for m in messages %}{{ m.content }} </s> {% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    names = encoder.tokenizer.convert_ids_to_tokens(answer_header(encoder))
    assert names == ["<s>", "<assistant>"]
