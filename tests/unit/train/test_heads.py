"""Scoring heads: losses as the field defines them, the shared path equal to the ordinary one, saved and loaded."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.tiny_models import ARCHITECTURES, tiny_model
from tests.unit.train.test_parity import batch_of_two_tasks, gradients, relative
from torch.nn import functional

from sftloop.core.errors import ModelError
from sftloop.models.heads import HeadShape, ScoringHead, attach_heads, load_heads, read_head, save_heads
from sftloop.scenario import Answer
from sftloop.train.examples import Example
from sftloop.train.head_losses import LOSSES, LossOptions, register
from sftloop.train.methods import FullMethod, LoraMethod, Method, PromptTuningMethod
from sftloop.train.objective import HeadObjective
from sftloop.train.plain import plain_step
from sftloop.train.shared import shared_step

PLAIN = LossOptions()
CHOICE = HeadShape(task="a", kind="choice", labels=("x", "y", "z"), low=0.0, high=1.0, activation="softmax")
MULTI = replace(CHOICE, task="b", kind="multi", activation="sigmoid")
SCORE = HeadShape(task="odd", kind="score", labels=(), low=1.0, high=5.0, activation="tanh")


def head(shape: HeadShape, hidden: int = 8) -> ScoringHead:
    torch.manual_seed(1)
    return ScoringHead(hidden, shape)


def batch() -> list[Example]:
    draw = random.Random(1)
    wanted = {"a": lambda: random_one_hot(draw), "b": lambda: (1.0, 0.0, 1.0), "odd": lambda: (0.25,)}
    return [example.for_head(wanted[example.task]()) for example in batch_of_two_tasks()]


def random_one_hot(draw: random.Random) -> tuple[float, ...]:
    place = draw.randrange(3)
    return tuple(float(index == place) for index in range(3))


def with_heads(method: Method, architecture: str) -> torch.nn.Module:
    torch.manual_seed(3)
    model = method.set_up(tiny_model(architecture))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    attach_heads(model, [head(shape, hidden=32) for shape in (CHOICE, MULTI, SCORE)])
    return model.eval()


OBJECTIVE = HeadObjective({"a": LOSSES["ce"], "b": LOSSES["focal"], "odd": LOSSES["mse"]}, PLAIN)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("method", [FullMethod(), LoraMethod(rank=4)], ids=["full", "lora"])
def test_shared_equals_ordinary(method: Method, architecture: str) -> None:
    plain, shared = with_heads(method, architecture), with_heads(method, architecture)
    expected = plain_step(plain, batch(), micro_batch=3, precision=None, objective=OBJECTIVE)
    got = shared_step(shared, batch(), micro_batch_tokens=20, precision=None, objective=OBJECTIVE)
    assert got.loss == pytest.approx(expected.loss, rel=1e-5)
    assert relative(gradients(shared), gradients(plain)) <= 1e-5


def test_a_head_learns_over_virtual_tokens() -> None:
    model = with_heads(PromptTuningMethod(virtual_tokens=4), "llama")
    shared_step(model, batch(), micro_batch_tokens=20, precision=None, objective=OBJECTIVE)
    learned = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert any("prompt_encoder" in name for name in learned)
    assert sum("sftloop_heads" in name for name in learned) == 6


def test_cross_entropy_is_torchs() -> None:
    outputs, wanted = torch.randn(5, 3), functional.one_hot(torch.tensor([0, 2, 1, 1, 0]), 3).float()
    got = LOSSES["ce"](head(CHOICE), outputs, wanted, LossOptions(smoothing=0.1))
    expected = functional.cross_entropy(outputs, wanted.argmax(1), reduction="none", label_smoothing=0.1)
    torch.testing.assert_close(got, expected)
    each = LOSSES["ce"](head(MULTI), outputs, wanted, PLAIN)
    expected = functional.binary_cross_entropy_with_logits(outputs, wanted, reduction="none").mean(1)
    torch.testing.assert_close(each, expected)


@pytest.mark.parametrize("shape", [CHOICE, MULTI], ids=["choice", "multi"])
def test_focal_loss_discounts_what_is_easy(shape: HeadShape) -> None:
    outputs, wanted = torch.tensor([[4.0, -4.0, -4.0], [0.2, 0.0, 0.0]]), torch.eye(3)[[0, 0]]
    plain = LOSSES["focal"](head(shape), outputs, wanted, LossOptions(gamma=0.0))
    torch.testing.assert_close(plain, LOSSES["ce"](head(shape), outputs, wanted, PLAIN), rtol=1e-4, atol=1e-5)
    easy, hard = LOSSES["focal"](head(shape), outputs, wanted, LossOptions(gamma=2.0)) / plain
    assert easy < 0.3 * hard


@pytest.mark.parametrize("shape", [CHOICE, MULTI], ids=["choice", "multi"])
def test_a_focal_loss_has_a_gradient_where_all_is_right(shape: HeadShape) -> None:
    """Powers below 1 have none at 0."""
    outputs = torch.tensor([[20.0, -20.0, -20.0]], requires_grad=True)
    LOSSES["focal"](head(shape), outputs, torch.eye(3)[:1], LossOptions(gamma=0.5)).sum().backward()
    assert outputs.grad is not None and torch.isfinite(outputs.grad).all()


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("loss", ["ce", "focal", "mse"])
def test_a_score_is_learned(activation: str, loss: str) -> None:
    shape = replace(SCORE, activation=activation)
    own = head(shape, hidden=4)
    features, wanted = torch.eye(4), torch.tensor([[0.1], [0.4], [0.6], [0.9]])
    optimizer = torch.optim.Adam(own.parameters(), lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        LOSSES[loss](own, own(features), wanted, PLAIN).mean().backward()
        optimizer.step()
    limit = 0.4 if loss == "focal" else 0.2
    assert (own.activate(own(features)) - (1 + 4 * wanted)).abs().max() < limit


def test_heads_and_losses_stay_in_fp32_under_autocast() -> None:
    """On a GPU binary cross entropy raises under autocast, and scores would come in steps of 1/64."""

    def loss(
        own: ScoringHead, outputs: torch.Tensor, wanted: torch.Tensor, options: LossOptions
    ) -> torch.Tensor:
        assert not torch.is_autocast_enabled("cpu")
        assert outputs.dtype == torch.float32
        return LOSSES["ce"](own, outputs, wanted, options)

    model = with_heads(FullMethod(), "llama")
    objective = HeadObjective(dict.fromkeys(("a", "b", "odd"), loss), PLAIN)
    for step, size in ((shared_step, {"micro_batch_tokens": 20}), (plain_step, {"micro_batch": 3})):
        step(model, batch(), precision=torch.bfloat16, objective=objective, **size)
    own, features = head(SCORE), torch.randn(5, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = own(features)
    assert torch.equal(outputs, own(features))


def test_a_project_can_register_a_loss() -> None:
    @register("mine")
    def mine(
        head: ScoringHead, outputs: torch.Tensor, wanted: torch.Tensor, options: LossOptions
    ) -> torch.Tensor:
        return (outputs - wanted).abs().sum(-1)

    try:
        assert LOSSES["mine"](head(CHOICE), torch.ones(2, 3), torch.zeros(2, 3), PLAIN).tolist() == [3.0, 3.0]
    finally:
        del LOSSES["mine"]


def test_what_a_head_answers() -> None:
    assert read_head(CHOICE, [0.2, 0.5, 0.3])[0] == Answer(label="y")
    answer, table = read_head(replace(CHOICE, activation="sigmoid"), [0.9, 0.3, 0.6])
    assert answer == Answer(label="x")
    assert table is not None and sum(table.values()) == pytest.approx(1)
    assert read_head(MULTI, [0.9, 0.3, 0.6])[0] == Answer(labels=("x", "z"))
    assert read_head(SCORE, [4.25]) == (Answer(score=4.25), None)


def test_a_new_head_is_xavier() -> None:
    torch.manual_seed(0)
    weight = ScoringHead(1000, CHOICE).linear.weight
    bound = (6 / 1003) ** 0.5
    assert weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)


def test_the_usual_features_have_mean_0_and_norm_1() -> None:
    own, features = head(CHOICE, hidden=64), torch.randn(5, 64) + 40 * torch.eye(64)[7]
    other = head(CHOICE, hidden=64)
    own.standardise(features)
    other.standardise(7 * features + 3)
    torch.testing.assert_close(own(features), other(7 * features + 3), rtol=1e-4, atol=1e-5)
    read = (features - own.mean) / own.scale
    assert read.mean(0).abs().max() < 1e-5
    assert read.square().sum(1).mean() == pytest.approx(1, rel=1e-5)


def test_the_features_of_one_record_can_be_read() -> None:
    own, features = head(SCORE, hidden=64), torch.randn(1, 64)
    own.standardise(features)
    assert own(features).isfinite().all()
    assert own(features + 0.01).abs().max() < 20


def test_saved_and_loaded(tmp_path: Path) -> None:
    heads = {shape.task: head(shape) for shape in (CHOICE, MULTI, SCORE)}
    heads["b"].standardise(torch.randn(9, 8) + 3)
    save_heads(heads, tmp_path)
    loaded = load_heads(tmp_path, 8)
    features = torch.randn(2, 8)
    for name, own in heads.items():
        assert loaded[name].shape == own.shape
        assert torch.equal(own.activate(own(features)), loaded[name].activate(loaded[name](features)))
    with pytest.raises(ModelError, match="don't load"):
        load_heads(tmp_path, 16)
    (tmp_path / "heads.safetensors").write_bytes(b"torn")
    with pytest.raises(ModelError, match="don't load"):
        load_heads(tmp_path, 8)


def test_no_heads_no_files(tmp_path: Path) -> None:
    save_heads({}, tmp_path)
    assert not list(tmp_path.iterdir())
    assert load_heads(tmp_path, 8) == {}
