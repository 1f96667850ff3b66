"""A short training of an adapter, stopped on its way: what gradients and losses are measured along.

Deterministic for a seed. Knows examples and an adapter; doesn't know what is measured at the stops, and saves
nothing: a training whose result is to be used is `train`'s.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch

from sftloop.models import choose_device, why_not_shareable
from sftloop.train import Example, Method, StepResult, Trainable, plain_step, shared_step
from sftloop.train.optimizers import build_optimizer
from sftloop.train.schedule import plan_steps
from sftloop.train.shared import usual_micro_batch_tokens

_RISING = 0.03
"""Share of the steps over which the rate rises; it falls linearly from there, as in LESS."""
_MAX_GRADIENT_NORM = 1.0


class Stop(NamedTuple):
    """A point on the way; the model is in the state that belongs to it."""

    step: int
    """Optimizer steps made."""
    rate: float
    """Mean learning rate since the last stop."""
    loss: float
    """Mean loss over the steps since the last stop; nan before the first."""
    optimizer: torch.optim.Optimizer


def steps_for(
    examples: Sequence[Example], *, batch_size: int, seed: int, epochs: int | None = None, steps: int = 0
) -> list[list[int]]:
    """Return the places of the examples of every step: so many epochs, or so many steps."""
    whole = epochs or math.ceil(steps * batch_size / len(examples)) + 1
    plan = plan_steps(
        [example.task for example in examples],
        [example.label for example in examples],
        epochs=whole,
        batch_size=batch_size,
        seed=seed,
    )
    return plan if epochs else plan[:steps]


def walk(
    trainable: Trainable,
    method: Method,
    examples: Sequence[Example],
    plan: Sequence[Sequence[int]],
    stops: Sequence[int],
    *,
    learning_rate: float,
) -> Iterator[Stop]:
    """Train along a plan with AdamW and stop on the way.

    Args:
        trainable: the model; changed in place.
        method: how it was set up.
        examples: what is learned.
        plan: the places of each step's examples.
        stops: after so many steps; 0 is before the first.
        learning_rate: at its highest.
    """
    model = trainable.model
    optimizer = build_optimizer("adamw", method.parameter_groups(model, learning_rate), model.device)
    for group in optimizer.param_groups:
        group.update(weight_decay=0.0, highest=group["lr"])
    rates: list[float] = []
    losses: list[float] = []
    for step in range(len(plan) + 1):
        if step in stops:
            yield Stop(step, _mean(rates), _mean(losses), optimizer)
            rates, losses = [], []
        if step == len(plan):
            return
        model.train()
        share = _rate_share(step, len(plan))
        for group in optimizer.param_groups:
            group["lr"] = share * group["highest"]
        losses.append(_step(trainable, method, [examples[place] for place in plan[step]]).loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), _MAX_GRADIENT_NORM)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        rates.append(share * learning_rate)


def _step(trainable: Trainable, method: Method, batch: Sequence[Example]) -> StepResult:
    model, precision = trainable.model, trainable.precision
    if why_not_shareable(model.config, training=True) or method.why_not_shared():
        return plain_step(model, batch, micro_batch=4, precision=precision)
    tokens = usual_micro_batch_tokens(choose_device(), precision)
    return shared_step(model, batch, micro_batch_tokens=tokens, precision=precision)


def _rate_share(step: int, steps: int) -> float:
    """Share of the highest rate in a step: linear up, then linear down to zero behind the last step."""
    rising = math.ceil(_RISING * steps)
    if step < rising:
        return (step + 1) / rising
    return (steps - step) / max(1, steps - rising)


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else math.nan
