"""Optimizers: the one that changes from Adam to momentum does what each of the two would."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from transformers import TrainerControl, TrainerState, TrainingArguments, get_scheduler

from sftloop.core.errors import UsageError
from sftloop.train.loss_course import SwitchToMomentum
from sftloop.train.optimizers import OPTIMIZERS, AdamThenMomentum, build_optimizer

CPU = torch.device("cpu")
TARGET = torch.linspace(-1, 1, 12).reshape(3, 4)


def weights() -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.zeros(3, 4))


def descend(optimizer: torch.optim.Optimizer, weight: torch.nn.Parameter, steps: int) -> float:
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (torch.linspace(1, 3, 12).reshape(3, 4) * (weight - TARGET) ** 2).sum()
        loss.backward()
        optimizer.step()
    return float(((weight.detach() - TARGET) ** 2).sum())


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "adamw-8bit"])
def test_every_optimizer_learns(name: str) -> None:
    weight = weights()
    start = float((TARGET**2).sum())
    assert descend(build_optimizer(name, [{"params": [weight], "lr": 0.02}], CPU), weight, 60) < 0.2 * start


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "adamw-8bit"])
@pytest.mark.parametrize("schedule", ["cosine", "polynomial", "inverse_sqrt"])
def test_every_optimizer_takes_every_schedule(name: str, schedule: str) -> None:
    optimizer = build_optimizer(name, [{"params": [weights()], "lr": 0.02}], CPU)
    steps = get_scheduler(schedule, optimizer, num_warmup_steps=0, num_training_steps=4)
    rates = []
    for _ in range(3):
        optimizer.step()
        steps.step()
        rates.append(steps.get_last_lr()[0])
    assert 0.02 > rates[0] > rates[1] > rates[2] > 0


def test_an_unknown_one_is_named() -> None:
    with pytest.raises(UsageError, match="no optimizer 'adam'"):
        build_optimizer("adam", [{"params": [weights()], "lr": 1.0}], CPU)
    with pytest.raises(UsageError, match="NVIDIA"):
        build_optimizer("adamw-8bit", [{"params": [weights()], "lr": 1.0}], CPU)


class TestAdamThenMomentum:
    def test_it_is_adamw_at_first(self) -> None:
        ours, theirs = weights(), weights()
        descend(AdamThenMomentum([ours], lr=0.02, weight_decay=0.1), ours, 30)
        descend(torch.optim.AdamW([theirs], lr=0.02, weight_decay=0.1), theirs, 30)
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)

    def test_the_rate_makes_adams_progress_along_the_gradient(self) -> None:
        """With one weight, Adam's step is the gradient times a rate: that is the rate to go on with."""
        weight = torch.nn.Parameter(torch.tensor([3.0]))
        optimizer = AdamThenMomentum([weight], lr=0.1)
        (weight**2).sum().backward()
        gradient = weight.grad.item()
        before = weight.item()
        optimizer.step()
        (rate,) = optimizer.switch()
        assert rate == pytest.approx((before - weight.item()) / gradient, rel=1e-5)

    def test_a_falling_rate_doesn_t_enter_the_estimate(self) -> None:
        """Under a steady gradient of 1 Adam's step is its rate, and so must SGD's be, at every rate."""
        weight = torch.nn.Parameter(torch.tensor([3.0]))
        optimizer = AdamThenMomentum([weight], lr=0.1)
        for step in range(100):
            optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 100)
            weight.grad = torch.ones(1)
            optimizer.step()
        (rate,) = optimizer.switch()
        assert rate == pytest.approx(0.001, rel=1e-4)

    def test_a_parameter_whose_state_is_dropped_starts_anew(self) -> None:
        """Periodic LoRA does so; with the old count its first steps would have another length."""
        weight = weights()
        optimizer = AdamThenMomentum([weight], lr=0.02)
        descend(optimizer, weight, 50)
        optimizer.state.pop(weight)
        before = weight.detach().clone()
        descend(optimizer, weight, 1)
        assert float((weight.detach() - before).abs().max()) == pytest.approx(0.02, rel=1e-3)

    def test_it_is_sgd_with_momentum_afterwards(self) -> None:
        weight = weights()
        optimizer = AdamThenMomentum([weight], lr=0.02)
        descend(optimizer, weight, 10)
        (rate,) = optimizer.switch()
        assert optimizer.switched
        velocity = optimizer.state[weight]["momentum"].clone()
        before = weight.detach().clone()
        descend(optimizer, weight, 1)
        expected = before - rate * 0.1 * (0.9 * velocity + weight.grad)
        torch.testing.assert_close(weight.detach(), expected, rtol=1e-5, atol=1e-6)
        assert descend(optimizer, weight, 200) < 1e-3

    def test_the_schedule_still_rules(self) -> None:
        weight = weights()
        optimizer = AdamThenMomentum([weight], lr=0.02)
        descend(optimizer, weight, 10)
        optimizer.switch()
        optimizer.param_groups[0]["lr"] = 0.0
        before = weight.detach().clone()
        descend(optimizer, weight, 3)
        assert torch.equal(weight, before)

    @pytest.mark.parametrize("switched", [False, True])
    def test_saved_and_loaded_it_goes_on_exactly(self, switched: bool) -> None:
        weight = weights()
        optimizer = AdamThenMomentum([weight], lr=0.02)
        descend(optimizer, weight, 10)
        if switched:
            optimizer.switch()
        again = torch.nn.Parameter(weight.detach().clone())
        loaded = AdamThenMomentum([again], lr=0.02)
        loaded.load_state_dict(deepcopy(optimizer.state_dict()))
        assert loaded.switched is switched
        descend(optimizer, weight, 5)
        descend(loaded, again, 5)
        assert torch.equal(weight, again)


@pytest.mark.parametrize(
    ("at", "losses", "first"),
    [
        (7, [1.0] * 20, 7),
        (0.5, [1.0] * 20, 10),
        ("plateau", [1.0 - 0.05 * i for i in range(10)] + [0.5] * 10, 15),
    ],
)
def test_when_it_switches(at: float | str, losses: list[float], first: int, tmp_path: Path) -> None:
    weight = weights()
    optimizer = AdamThenMomentum([weight], lr=0.02)
    descend(optimizer, weight, 1)
    callback = SwitchToMomentum(at, steps=20)
    state, args = TrainerState(), TrainingArguments(output_dir=str(tmp_path))
    switched = []
    for step, loss in enumerate(losses, start=1):
        state.global_step = step
        callback.on_step_end(args, state, TrainerControl(), optimizer=optimizer)
        state.log_history.append({"loss": loss, "step": step})
        switched.append(optimizer.switched)
    assert switched.index(True) + 1 == first


def test_a_plateau_is_told_from_a_change_of_task() -> None:
    """The loss of each task falls by a tenth per window, while the mix turns to the harder task."""
    callback, state = SwitchToMomentum("plateau", steps=60), TrainerState()
    for tasks, share in (("aaaaab", 1.0), ("abbbbb", 0.9)):
        state.log_history += [{"loss": {"a": 0.5, "b": 2.0}[task] * share, "task": task} for task in tasks]
    assert not callback._is_time(state)
    state.log_history += [{"loss": 1.8, "task": "b"}] * 5 + [{"loss": 0.45, "task": "a"}]
    assert callback._is_time(state)
