"""Every method: the shared path equals the ordinary one, and what is saved is what was trained."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
import torch
from peft import PeftModel
from tests.tiny_models import ARCHITECTURES, VOCABULARY, tiny_model
from tests.unit.train.test_parity import batch_of_two_tasks, gradients, relative

from sftloop.core.errors import UsageError
from sftloop.scenario.training import METHOD_OPTIONS, Training
from sftloop.train.methods import (
    METHODS,
    FullMethod,
    LoraMethod,
    LoraPlusMethod,
    Method,
    PeriodicLoraMethod,
    PissaMethod,
    PrefixTuningMethod,
    PromptTuningMethod,
    PTuningMethod,
)
from sftloop.train.methods.folding import lora_layers
from sftloop.train.plain import plain_step
from sftloop.train.shared import shared_step

LORA: list[Method] = [
    LoraMethod(rank=4, alpha=8),
    LoraMethod(rank=4, alpha=8, rslora=True),
    LoraMethod(rank=4, alpha=8, dora=True),
    LoraPlusMethod(rank=4, alpha=8),
    PissaMethod(rank=4, alpha=8),
    PeriodicLoraMethod(rank=4, alpha=8),
]
VIRTUAL: list[Method] = [
    PromptTuningMethod(virtual_tokens=5),
    PTuningMethod(virtual_tokens=5),
    PrefixTuningMethod(virtual_tokens=5),
]


def named(method: Method) -> str:
    options = [name for name in ("rslora", "dora") if getattr(method, name, False)]
    return "-".join([method.name, *options])


def set_up(method: Method, architecture: str) -> torch.nn.Module:
    """The method on a tiny model, with adapters that are not zero, so that every matrix has a gradient."""
    torch.manual_seed(3)
    model = method.set_up(tiny_model(architecture))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


def learn(model: torch.nn.Module, steps: int = 3) -> torch.optim.Optimizer:
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    for _ in range(steps):
        shared_step(model, batch_of_two_tasks(), micro_batch_tokens=20, precision=None)
        optimizer.step()
        optimizer.zero_grad()
    return optimizer


def logits(model: torch.nn.Module) -> torch.Tensor:
    ids = torch.arange(3, 43)[None] % VOCABULARY
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, -40:]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("method", [*LORA, *VIRTUAL], ids=named)
def test_shared_equals_ordinary(method: Method, architecture: str) -> None:
    batch = batch_of_two_tasks()
    plain, shared = set_up(method, architecture), set_up(method, architecture)
    expected = plain_step(plain, batch, micro_batch=3, precision=None)
    got = shared_step(shared, batch, micro_batch_tokens=20, precision=None)
    assert got.loss == pytest.approx(expected.loss, rel=1e-5)
    assert gradients(plain).norm() > 0
    assert relative(gradients(shared), gradients(plain)) <= 1e-5


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "qwen3"])
@pytest.mark.parametrize("method", [*LORA, *VIRTUAL], ids=named)
def test_saved_is_what_was_trained(method: Method, architecture: str, tmp_path: Path) -> None:
    model = set_up(method, architecture)
    optimizer = learn(model)
    if isinstance(method, PeriodicLoraMethod):
        method.start_anew(model, optimizer, seed=1)
        learn(model)
        method.start_anew(model, optimizer, seed=2)
        learn(model)
    method.save(model.eval(), tmp_path)
    loaded = PeftModel.from_pretrained(tiny_model(architecture), tmp_path).eval()
    assert (logits(tiny_model(architecture)) - logits(model)).abs().max() > 1e-2
    torch.testing.assert_close(logits(loaded), logits(model), rtol=1e-4, atol=1e-4)


def test_the_scenario_knows_every_method_and_its_options() -> None:
    for name, kind in METHODS.items():
        options = {part.name for part in fields(kind)}
        assert set(METHOD_OPTIONS[name]) <= options
        assert options - set(METHOD_OPTIONS[name]) <= {"dora"}
    assert list(METHODS) == list(METHOD_OPTIONS) == list(get_args(Training.model_fields["method"].annotation))


@pytest.mark.parametrize("method", [*LORA, *VIRTUAL, FullMethod()], ids=named)
def test_a_checkpoint_goes_on_exactly(method: Method, tmp_path: Path) -> None:
    model, again = set_up(method, "llama"), set_up(method, "llama")
    learn(model)
    method.save_state(model, tmp_path)
    method.load_state(again, tmp_path)
    assert torch.equal(logits(again), logits(model))


def test_full_fine_tuning_trains_every_weight() -> None:
    model = FullMethod().set_up(tiny_model("llama"))
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_pissa_starts_at_the_base_model() -> None:
    torch.manual_seed(3)
    model = PissaMethod(rank=4, alpha=8).set_up(tiny_model("llama")).eval()
    torch.testing.assert_close(logits(model), logits(tiny_model("llama")), rtol=1e-4, atol=1e-4)


def test_lora_plus_gives_the_second_matrix_a_higher_rate() -> None:
    method = LoraPlusMethod(rank=4, ratio=8.0)
    model = set_up(method, "llama")
    slow, fast = method.parameter_groups(model, 1e-3)
    assert (slow["lr"], fast["lr"]) == (1e-3, 8e-3)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert all("lora_A" in names[id(p)] for p in slow["params"])
    assert all("lora_B" in names[id(p)] for p in fast["params"])
    assert len(slow["params"]) == len(fast["params"]) == len(list(lora_layers(model)))


class TestPeriodicLora:
    method = PeriodicLoraMethod(rank=4, alpha=8)

    def test_a_new_period_changes_nothing_at_first(self) -> None:
        model = set_up(self.method, "llama")
        optimizer = learn(model)
        before = logits(model)
        self.method.start_anew(model, optimizer, seed=1)
        torch.testing.assert_close(logits(model), before, rtol=1e-4, atol=1e-4)
        assert all(not layer.lora_B["default"].weight.any() for _, layer in lora_layers(model))
        assert not optimizer.state, "the optimizer forgets the old adapter"

    def test_a_checkpoint_brings_the_periods_back(self, tmp_path: Path) -> None:
        model = set_up(self.method, "gpt2")
        optimizer = learn(model)
        for seed in (1, 2):
            self.method.start_anew(model, optimizer, seed=seed)
            learn(model)
        self.method.save_state(model, tmp_path)
        again = set_up(self.method, "gpt2")
        self.method.load_state(again, tmp_path)
        assert torch.equal(logits(again), logits(model))

    @pytest.mark.parametrize(
        ("period", "steps", "ends"),
        [(1.0, 12, [4, 8]), (0.5, 12, [2, 4, 6, 8, 10]), (2.0, 12, [8]), (0.01, 3, [1, 2]), (5.0, 12, [])],
    )
    def test_when_a_period_ends(self, period: float, steps: int, ends: list[int]) -> None:
        method = PeriodicLoraMethod(period=period)
        found = [step for step in range(1, steps + 1) if method.ends_period(step, steps, 4)]
        assert found == ends


def test_rslora_starts_at_the_rate_that_makes_loras_step_at_the_usual_rank() -> None:
    plain, stable = LoraMethod(), LoraMethod(rslora=True)
    scales = plain.alpha / plain.rank, stable.alpha / stable.rank**0.5
    for parameters in (135_000_000, 7_000_000_000):
        steps = [method.default_learning_rate(parameters) for method in (plain, stable)]
        assert steps[0] * scales[0] == pytest.approx(steps[1] * scales[1])


@pytest.mark.parametrize("targets", ["no_such_layer", ".*self_attn.*", "(", "lm"])
def test_targets_that_fit_nothing_are_refused_with_the_value(targets: str) -> None:
    with pytest.raises(UsageError, match=re.escape(targets)) as caught:
        LoraMethod(targets=targets).set_up(tiny_model("llama"))
    assert "all-linear" in str(caught.value.hint)


def test_targets_may_be_the_upper_layers() -> None:
    model = LoraMethod(targets=r".*layers\.1\..*_proj").set_up(tiny_model("llama"))
    trained = {name.split("layers.")[1][0] for name, p in model.named_parameters() if p.requires_grad}
    assert trained == {"1"}


def test_pissa_with_more_ranks_than_a_layer_has_sides_can_be_loaded(tmp_path: Path) -> None:
    """The tiny model's keys have 16 outputs."""
    method = PissaMethod(rank=24, alpha=24)
    model = method.set_up(tiny_model("llama"))
    learn(model)
    method.save(model.eval(), tmp_path)
    loaded = PeftModel.from_pretrained(tiny_model("llama"), tmp_path).eval()
    torch.testing.assert_close(logits(loaded), logits(model), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", [PissaMethod, PeriodicLoraMethod])
def test_an_output_matrix_that_is_the_embedding_too_is_not_folded(kind: type[LoraMethod]) -> None:
    tied = tiny_model("gemma")
    assert tied.lm_head.weight is tied.get_input_embeddings().weight
    with pytest.raises(UsageError, match="lm_head' is the model's input embedding too"):
        kind(rank=4, targets=".*(q_proj|lm_head)").set_up(tied)
    kind(rank=4, targets=".*q_proj").set_up(tiny_model("gemma"))
