"""Heads are taught on the untouched model first: they learn, nothing else moves, and it happens once."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.unit.models.test_in_full import other_model
from tests.unit.train.test_heads import CHOICE, MULTI, OBJECTIVE, SCORE, head, with_heads

from sftloop.models import attach_heads, heads_of
from sftloop.train import head_start
from sftloop.train.examples import Example
from sftloop.train.head_start import start_heads
from sftloop.train.methods import FullMethod
from sftloop.train.plain import plain_step

WANTED = {
    "a": ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "b": ((1.0, 0.0, 1.0), (0.0, 1.0, 0.0)),
    "odd": ((0.1,), (0.8,)),
}


def batch() -> list[Example]:
    """Records whose last word says what a head should say."""
    draw = random.Random(1)
    return [
        Example(
            record_id=f"{task}-{number}",
            task=task,
            prefix=(3, 1, 4, 1, 5),
            prompt=(*draw.choices(range(10, 20), k=3), 20 + number % 2),
            target=(),
            wanted=WANTED[task][number % 2],
        )
        for number in range(20)
        for task in WANTED
    ]


def start(model: Any, examples: list[Example], saved: Path, *, seed: int = 1) -> None:
    start_heads(
        model, examples, OBJECTIVE, precision=None, micro_batch_tokens=20, seed=seed, saved=saved / "heads"
    )


def state(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def loss(model: Any, examples: list[Example]) -> float:
    found = plain_step(model.eval(), examples, micro_batch=3, precision=None, objective=OBJECTIVE).loss
    model.zero_grad()
    return found


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@pytest.mark.parametrize("shares", [True, False], ids=["shared", "in full"])
def test_heads_learn_and_nothing_else_moves(shares: bool, tmp_path: Path) -> None:
    model: Any = with_heads(FullMethod(), "llama") if shares else other_model("gpt_neox")
    if not shares:
        width = model.config.hidden_size
        attach_heads(model, [head(shape, hidden=width) for shape in (CHOICE, MULTI, SCORE)])
    examples = batch()
    before, fresh, drawn = state(model), loss(model, examples), torch.get_rng_state()
    start(model, examples, tmp_path)
    after = state(model)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {name for name in before if "sftloop_heads" in name}
    assert loss(model, examples) < 0.3 * fresh
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_head_learns_no_more_than_holds_for_other_records(tmp_path: Path) -> None:
    """What is wanted has nothing to do with the records: fitting them would only be remembering."""
    draw = random.Random(2)
    examples = [example.for_head(draw.choice(WANTED[example.task])) for example in batch()]
    model: Any = with_heads(FullMethod(), "llama")
    start(model, examples, tmp_path)
    assert 0.5 < loss(model, examples) / loss(model, batch()) < 2
    assert max(own.linear.weight.norm().item() for own in heads_of(model).values()) < 4


def test_one_record_teaches_nothing(tmp_path: Path) -> None:
    model: Any = with_heads(FullMethod(), "llama")
    before = heads_of(model)["a"].linear.weight.clone()
    start(model, batch()[:1], tmp_path)
    assert torch.equal(heads_of(model)["a"].linear.weight, before)
    assert loss(model, batch()[:1]) == pytest.approx(math.log(3), abs=0.01), "its features are all mean"


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_start, "_STEPS", 30)


@pytest.mark.usefixtures("few_steps")
def test_an_interrupted_training_takes_the_heads_up(tmp_path: Path) -> None:
    first, again = with_heads(FullMethod(), "llama"), with_heads(FullMethod(), "llama")
    start(first, batch(), tmp_path)
    drawn = torch.get_rng_state()
    start(again, batch()[:3], tmp_path, seed=2)
    assert equal(state(first), state(again))
    assert torch.equal(torch.get_rng_state(), drawn), "dropout goes on as if they had been taught"


@pytest.mark.usefixtures("few_steps")
def test_what_an_earlier_process_left_half_written_is_taught_again(tmp_path: Path) -> None:
    first, again = with_heads(FullMethod(), "llama"), with_heads(FullMethod(), "llama")
    start(first, batch(), tmp_path)
    (tmp_path / "heads" / "heads.json").unlink()
    (tmp_path / "heads" / "heads.safetensors").write_bytes(b"torn")
    start(again, batch(), tmp_path)
    assert equal(state(first), state(again))


@pytest.mark.usefixtures("few_steps")
def test_of_many_records_as_many_as_are_needed_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(head_start, "MOST_RECORDS", 2)
    model = with_heads(FullMethod(), "llama")
    start(model, batch(), tmp_path)
    sizes = [min(2, sum(example.task == task for example in batch())) for task in heads_of(model)]
    assert f"{sum(sizes)} records" in capsys.readouterr().err
