"""Fused layers give what the ordinary ones give, and stay out of the way where they would not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tests.tiny_models import ARCHITECTURES, tiny_model
from tests.unit.train.test_parity import batch_of_two_tasks, gradients, relative

from sftloop.train.fused import fuse
from sftloop.train.shared import shared_step


def adapted(architecture: str, **options: Any) -> PeftModel:
    torch.manual_seed(1)
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, **options)
    return get_peft_model(tiny_model(architecture), config).train()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("trained", ["adapter", "everything"])
def test_same_loss_and_gradients(architecture: str, trained: str) -> None:
    batch = batch_of_two_tasks()
    build = adapted if trained == "adapter" else tiny_model
    usual, fused = build(architecture), build(architecture)
    fuse(fused)
    expected = shared_step(usual, batch, micro_batch_tokens=20, precision=None)
    got = shared_step(fused, batch, micro_batch_tokens=20, precision=None)
    assert got.loss == pytest.approx(expected.loss, rel=1e-6)
    assert relative(gradients(fused), gradients(usual)) <= 1e-5


def test_how_many_layers_are_known() -> None:
    """Three layers: seven adapters, two norms and a gated product each, and the norm at the end."""
    assert fuse(adapted("llama")) == 3 * (7 + 2 + 1) + 1
    assert fuse(tiny_model("llama")) == 3 * (2 + 1) + 1


@pytest.mark.parametrize("options", [{"lora_dropout": 0.1}, {"use_dora": True}], ids=["dropout", "dora"])
def test_other_adapters_keep_their_own_forward(options: dict[str, Any]) -> None:
    assert fuse(adapted("llama", **options)) == 3 * (2 + 1) + 1


def test_a_switched_off_adapter_stays_off() -> None:
    model, plain, ids = adapted("llama").eval(), tiny_model("llama").eval(), torch.tensor([[5, 6, 7]])
    fuse(model)
    with torch.no_grad():
        on = model(ids).logits
        with model.disable_adapter():
            off = model(ids).logits
        torch.testing.assert_close(off, plain(ids).logits)
    assert relative(on, off) > 1e-3


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma", "phi3"])
@pytest.mark.parametrize("weights", [torch.float32, torch.bfloat16])
def test_bf16_products_agree_but_for_rounding(architecture: str, weights: torch.dtype) -> None:
    """With the frozen weights in fp32 as with weights in bf16; adapters and their gradients stay in fp32."""
    batch = batch_of_two_tasks()
    exact, usual, fused = (adapted(architecture) for _ in range(3))
    shared_step(exact, batch, micro_batch_tokens=20, precision=None)
    fuse(fused)
    for model in (usual, fused):
        for parameter in model.parameters():
            if not parameter.requires_grad:
                parameter.data = parameter.data.to(weights)
        shared_step(model, batch, micro_batch_tokens=20, precision=torch.bfloat16)
        assert all(p.grad is None or p.grad.dtype == torch.float32 for p in model.parameters())
    errors = [relative(gradients(model), gradients(exact)) for model in (usual, fused)]
    assert errors[1] <= max(1.5 * errors[0], 1e-2)


def test_layers_with_one_input_are_known_by_it() -> None:
    """Asked about another input than the first layer was, the others don't hand out what was computed for it."""
    usual, fused = adapted("llama"), adapted("llama")
    fuse(fused)
    (attention, other) = (model.get_base_model().model.layers[0].self_attn for model in (fused, usual))
    one, two = torch.randn(1, 5, 32), torch.randn(1, 5, 32)
    attention.q_proj(one)
    torch.testing.assert_close(attention.k_proj(two), other.k_proj(two))
    torch.testing.assert_close(attention.v_proj(one), other.v_proj(one))
    torch.testing.assert_close(attention.v_proj(one), other.v_proj(one))


def test_less_is_kept_for_the_way_back() -> None:
    kept = []
    for model in (adapted("llama"), adapted("llama")):
        if kept:
            fuse(model)
        mlp = model.get_base_model().model.layers[0].mlp
        weights = {p.data_ptr() for p in model.parameters()}
        sizes: dict[int, int] = {}

        def keep(tensor: torch.Tensor, sizes: dict[int, int] = sizes) -> torch.Tensor:
            sizes[tensor.data_ptr()] = max(tensor.numel(), sizes.get(tensor.data_ptr(), 0))
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            mlp(torch.randn(1, 40, 32).requires_grad_()).sum().backward()
        kept.append(sum(size for place, size in sizes.items() if place not in weights))
    assert kept[1] <= 0.8 * kept[0]
