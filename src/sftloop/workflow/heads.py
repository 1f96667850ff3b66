"""Scoring heads for a training: which tasks get one, what each record wants of it, and which loss teaches it.

Joins scenario, records and model; doesn't know the step.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import UsageError, nearest
from sftloop.records import Record
from sftloop.scenario import Scenario, Task
from sftloop.scenario.training import Head

if TYPE_CHECKING:
    import torch

    from sftloop.train import Example
    from sftloop.train.objective import HeadObjective

_KINDS = ("choice", "multi", "score")


def check_heads(scenario: Scenario, head: Head | None, tasks: set[str]) -> None:
    """Refuse what can't be read off a head, before a model is loaded.

    Raises:
        UsageError: a task of another kind, a score without a range, an activation that doesn't suit it.
    """
    if head is None:
        return
    for name in sorted(tasks):
        task = scenario.tasks[name]
        if task.kind not in _KINDS:
            raise UsageError(
                f"A head can't answer task '{name}' of kind {task.kind}.",
                hint=f"Heads are for {', '.join(_KINDS)}; leave the task out with --task.",
            )
        if task.kind == "score" and task.range is None:
            raise UsageError(
                f"A head can't answer task '{name}': its score has no range to lie in.",
                hint="Add its ends to the task, such as range: [1, 5], or leave it out with --task.",
            )
        if head.activation == "softmax" and task.kind != "choice":
            raise UsageError(
                f"softmax is for one label among several, task '{name}' is of kind {task.kind}.",
                hint="Leave the activation out, or take sigmoid.",
            )


def add_heads(model: torch.nn.Module, scenario: Scenario, head: Head, tasks: set[str]) -> HeadObjective:
    """Give the model a head for each task and return what teaches them.

    Raises:
        UsageError: an unknown loss.
    """
    from sftloop.models import HeadShape, ScoringHead, attach_heads, transformer
    from sftloop.train.head_losses import LossOptions
    from sftloop.train.objective import HeadObjective

    body: Any = transformer(model)
    width, device = body.config.get_text_config().hidden_size, body.device
    shapes = [HeadShape.of(scenario.tasks[name], head.activation) for name in sorted(tasks)]
    attach_heads(model, [ScoringHead(width, shape, head.dropout).to(device) for shape in shapes])
    losses = {name: _loss(head, scenario.tasks[name]) for name in tasks}
    return HeadObjective(losses, LossOptions(smoothing=head.smoothing, gamma=head.gamma))


def head_examples(
    examples: Sequence[Example], records: Sequence[Record], scenario: Scenario
) -> list[Example]:
    """Return the examples with what each task's head should say."""
    by_id = {(record.task, record.id): record for record in records}
    return [
        example.for_head(_wanted(scenario.tasks[example.task], by_id[example.task, example.record_id]))
        for example in examples
    ]


def _wanted(task: Task, record: Record) -> tuple[float, ...]:
    if task.kind == "score":
        assert task.range is not None, "check_heads refuses it"
        low, high = task.range
        return (((record.answer.score or 0.0) - low) / (high - low),)
    own = {record.answer.label} if task.kind == "choice" else set(record.labels())
    return tuple(float(label in own) for label in task.labels)


def _loss(head: Head, task: Task) -> Any:
    from sftloop.train.head_losses import LOSSES

    name = head.loss or ("mse" if task.kind == "score" else "ce")
    if name in LOSSES:
        return LOSSES[name]
    module, colon, function = name.partition(":")
    if not colon:
        raise UsageError(
            f"There is no loss '{name}'. {nearest(name, LOSSES)}", hint="Or name your own: module:function."
        )
    try:
        return getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"The loss '{name}' can't be imported: {error}.") from None
