"""The chunked cross entropy is the ordinary one: loss, gradients, and what it refuses."""

from __future__ import annotations

import pytest
import torch
from tests.tiny_models import tiny_model
from torch.nn.functional import cross_entropy

from sftloop.train.chunked_loss import output_layer, summed_cross_entropy


def case(rows: int, bias: bool) -> tuple[torch.Tensor, torch.nn.Linear, torch.Tensor]:
    torch.manual_seed(rows)
    hidden = torch.randn(rows, 24, requires_grad=True)
    return hidden, torch.nn.Linear(24, 50, bias=bias), torch.randint(50, (rows,))


@pytest.mark.parametrize("rows", [1, 7, 8, 20])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("learns", [False, True])
def test_same_as_the_whole(rows: int, bias: bool, learns: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sftloop.train.chunked_loss._ROWS", 8)
    hidden, layer, wanted = case(rows, bias)
    layer.requires_grad_(learns)
    inputs = [hidden, *(layer.parameters() if learns else ())]
    expected = cross_entropy(layer(hidden), wanted, reduction="sum") / 3
    got = summed_cross_entropy(hidden, layer, wanted) / 3
    torch.testing.assert_close(got, expected)
    pairs = zip(torch.autograd.grad(got, inputs), torch.autograd.grad(expected, inputs), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other)


def test_products_run_in_autocast_s_dtype_and_gradients_in_their_own() -> None:
    hidden, layer, wanted = case(20, True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = summed_cross_entropy(hidden, layer, wanted)
    expected = cross_entropy(layer(hidden), wanted, reduction="sum")
    assert got.dtype == torch.float32
    assert 0 < abs(got.item() - expected.item()) < 0.02 * expected.item()
    for gradient in torch.autograd.grad(got, [hidden, *layer.parameters()]):
        assert gradient.dtype == torch.float32


def test_a_whole_vocabulary_of_logits_is_never_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sftloop.train.chunked_loss._ROWS", 8)
    hidden, layer, wanted = case(20, False)
    kept: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        summed_cross_entropy(hidden, layer.requires_grad_(False), wanted)
    assert sum(kept) <= hidden.numel()


def test_capped_logits_are_left_to_the_model() -> None:
    assert output_layer(tiny_model("gemma2")) is None
    assert output_layer(tiny_model("llama")) is not None
