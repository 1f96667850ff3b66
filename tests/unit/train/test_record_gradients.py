"""Gradients per record equal those of one record's ordinary backward pass, on every architecture."""

from __future__ import annotations

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tests.tiny_models import ARCHITECTURES, tiny_model
from tests.unit.train.test_parity import batch_of_two_tasks

from sftloop.core.errors import UsageError
from sftloop.train import record_gradients as module
from sftloop.train.examples import Example
from sftloop.train.fused import fuse
from sftloop.train.plain import plain_step
from sftloop.train.prefix_gradients import _directions
from sftloop.train.record_gradients import record_gradients
from sftloop.train.shared import TOKENS


def adapted(architecture: str = "llama", **options: object) -> torch.nn.Module:
    """A tiny model with adapters whose second matrix isn't zero, so that both have gradients."""
    torch.manual_seed(1)
    config = LoraConfig(r=3, target_modules="all-linear", init_lora_weights=False, **options)
    return get_peft_model(tiny_model(architecture), config)


def flat(gradients: dict[str, torch.Tensor]) -> torch.Tensor:
    """(R, parameters)"""
    return torch.cat([each.flatten(1) for each in gradients.values()], 1)


def per_record(model: torch.nn.Module, examples: list[Example], **options: object) -> torch.Tensor:
    """What the module under test finds, in the given order."""
    blocks = list(record_gradients(model, examples, **options))
    places = [place for block in blocks for place in block.places]
    assert sorted(places) == list(range(len(examples)))
    rows = torch.cat([flat(block.gradients) for block in blocks])
    return rows[torch.tensor(places).argsort()]


def ordinary(model: torch.nn.Module, examples: list[Example]) -> torch.Tensor:
    """One full sequence, one backward pass, per record."""
    rows = []
    for example in examples:
        model.zero_grad(set_to_none=True)
        plain_step(model, [example], micro_batch=1, precision=None)
        rows.append(flat({n: p.grad[None] for n, p in model.named_parameters() if p.requires_grad}))
    model.zero_grad(set_to_none=True)
    return torch.cat(rows)


def relative(got: torch.Tensor, expected: torch.Tensor) -> float:
    """The worst record's."""
    return float(((got - expected).norm(dim=1) / expected.norm(dim=1)).max())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("micro_batch_tokens", [1, 10_000])
def test_equal_to_one_record_at_a_time(architecture: str, micro_batch_tokens: int) -> None:
    model, batch = adapted(architecture), batch_of_two_tasks()
    expected = ordinary(model, batch)
    got = per_record(model, batch, micro_batch_tokens=micro_batch_tokens)
    assert relative(got, expected) <= 1e-5
    assert all(p.grad is None for p in model.parameters())


def test_fused_layers_and_training_mode_are_left_as_they_were() -> None:
    """Layers compute as usual meanwhile."""
    model, batch = adapted(), batch_of_two_tasks()
    expected = ordinary(model, batch)
    fuse(model)
    model.train()
    forwards = [m.__dict__.get("forward") for m in model.modules()]
    assert relative(per_record(model, batch), expected) <= 1e-5
    assert [m.__dict__.get("forward") for m in model.modules()] == forwards
    assert model.training


@pytest.mark.parametrize("records", [1, 3])
def test_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch, records: int) -> None:
    model, batch = adapted(), batch_of_two_tasks()
    expected = ordinary(model, batch)
    monkeypatch.setattr(module, "_records_per_block", lambda *_: records)
    assert relative(per_record(model, batch), expected) <= 1e-5


def test_a_model_that_cannot_share_runs_record_by_record(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = adapted(), batch_of_two_tasks()
    expected = ordinary(model, batch)
    monkeypatch.setattr(module, "why_not_shareable", lambda *_, **__: "a test")
    assert relative(per_record(model, batch), expected) <= 1e-6


def many(records: int = 24) -> list[Example]:
    """Behind one prefix."""
    first = batch_of_two_tasks()[0]
    others = [each for seed in range(1, records // 3 + 1) for each in batch_of_two_tasks(seed)[:3]]
    return [
        Example(record_id=str(number), task="a", prefix=first.prefix, prompt=each.prompt, target=each.target)
        for number, each in enumerate(others)
    ]


def test_share_through_the_prefix() -> None:
    """The more goes back through the prefix, the nearer to the exact gradient."""
    model, batch = adapted(), many()
    exact = per_record(model, batch)
    errors = [
        float((per_record(model, batch, through_prefix=share) - exact).norm(dim=1).mean())
        for share in (0.0, 0.5, 0.9, 0.999999)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 2 * errors[2]
    assert errors[3] < 0.02 * errors[0]


def test_no_share_takes_the_prefix_as_fixed() -> None:
    """What is left out is exactly what the ordinary backward pass sends through the prefix's tokens."""
    model, batch = adapted(), many(3)
    stopped = per_record(model, batch, through_prefix=0)
    expected = []
    for example in batch:
        with torch.no_grad():
            context = module.PackedContext.from_prefix(model, list(example.prefix))
        model.zero_grad(set_to_none=True)
        loss = TOKENS.behind(context, [example]) / len(example.target)
        loss.backward()
        expected.append(flat({n: p.grad[None] for n, p in model.named_parameters() if p.requires_grad}))
    assert relative(stopped, torch.cat(expected)) <= 1e-5


def test_directions_hold_their_share() -> None:
    """Gradients on two lines: two directions rebuild them, one holds the three of four records on the first."""
    line = torch.randn(2, 1, 5, 7, generator=torch.Generator().manual_seed(0))
    rows = [torch.stack([line[0], 3 * line[0], -line[0], line[1]])]
    for share, count in ((0.7, 1), (0.99, 2)):
        directions, mix = _directions(rows, share)
        assert mix.shape == (4, count)
        rebuilt = (mix @ directions[0].flatten(1)).view_as(rows[0])
        error = (rebuilt - rows[0]).flatten(1).norm(dim=1) / rows[0].flatten(1).norm(dim=1)
        assert error[: 4 if count == 2 else 3].max() < (1e-4 if count == 2 else 0.3)


@pytest.mark.parametrize("options", [{"use_dora": True}, {"bias": "lora_only", "lora_bias": True}])
def test_other_trained_parameters_are_refused(options: dict[str, object]) -> None:
    model = adapted(**options)
    with pytest.raises(UsageError, match="is trained too"):
        list(record_gradients(model, batch_of_two_tasks()))
