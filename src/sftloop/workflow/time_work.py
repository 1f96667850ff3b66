"""What a training's steps and an evaluation's batches do, in passes, tokens and token pairs.

Knows how the trainer and the predictor group records; doesn't know seconds.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sftloop.core.seeds import derive_seed
from sftloop.models.local import LocalModel
from sftloop.models.task_tokens import TaskTokens
from sftloop.plan.time_model import Work
from sftloop.train.schedule import plan_steps
from sftloop.train.shared import micro_batches

if TYPE_CHECKING:
    from sftloop.records import Record
    from sftloop.scenario import Scenario
    from sftloop.train import Example, TrainSettings

_CHUNK = 256
"""Records that an evaluation hands over at a time."""
_PASS_TOKENS = 16.0
"""A pass's own cost, in tokens: launching a few hundred operations."""
_STEP_TOKENS = 16.0
"""A step's own cost beside the optimizer's: batching, clipping, logs."""
_BYTES_PER_PARAMETER, _OPERATIONS_PER_BYTE = 32, 10
"""An optimizer's step reads and writes four fp32 numbers per trained parameter; in the time of a byte a processor
does so many operations."""


class Shape(NamedTuple):
    """What operation counts need to know of a model."""

    parameters: int
    """Those that every token runs through."""
    trained: int
    layers: int
    width: int
    """Of all query heads."""

    @classmethod
    def of(cls, model: Any, *, parameters: int, trained: int) -> Shape:
        """Read a transformers model's."""
        config = model.config.get_text_config()
        vocabulary = config.vocab_size * config.hidden_size
        heads = config.num_attention_heads
        width = heads * (getattr(config, "head_dim", None) or config.hidden_size // heads)
        through = max(parameters - vocabulary, parameters // 4)
        return cls(through, trained, config.num_hidden_layers, width)


def relative_costs(shape: Shape, *, training: bool) -> Work:
    """Return what a unit of each kind costs beside a token, by operation counts.

    A token costs two operations per parameter, a pair of tokens four per layer and query width; the way back
    costs as much again where weights are frozen, twice as much where they are trained.

    Args:
        shape: the model's.
        training: with the way back and the optimizer's step.
    """
    ways = 2.0 + (shape.trained > shape.parameters / 2) if training else 1.0
    per_token = 2.0 * shape.parameters * ways
    pair = 4.0 * shape.layers * shape.width * (3.0 if training else 1.0) / per_token
    step = _STEP_TOKENS
    if training:
        step += shape.trained * _BYTES_PER_PARAMETER * _OPERATIONS_PER_BYTE / per_token
    return Work(steps=step, passes=_PASS_TOKENS, prefix_tokens=1.0, tokens=1.0, pairs=pair)


def planned_steps(examples: Sequence[Example], settings: TrainSettings) -> list[list[Example]]:
    """Return the examples of every optimizer step, as the trainer plans them."""
    plan = plan_steps(
        [example.task for example in examples],
        [example.label for example in examples],
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        seed=settings.seed,
        weights=settings.task_weights,
    )
    return [[examples[index] for index in step] for step in plan]


def training_work(batch: Sequence[Example], settings: TrainSettings, *, shared: int) -> Work:
    """Return what one optimizer step does.

    Args:
        batch: its examples.
        settings: how the trainer cuts it.
        shared: suffix tokens per pass where the prefix is shared; 0: every record runs in full.
    """
    if not shared:
        lengths = [example.length - 1 for example in batch]
        passes = -(-len(batch) // settings.micro_batch)
        return Work(1, passes, 0, sum(lengths), sum(map(_triangle, lengths)))
    groups: dict[tuple[int, ...], list[Example]] = {}
    for example in batch:
        groups.setdefault(example.prefix, []).append(example)
    work = Work(steps=1)
    for prefix, group in groups.items():
        passes = (1 if prefix else 0) + sum(1 for _ in micro_batches(group, shared))
        lengths = [len(example.suffix) for example in group]
        pairs = sum(length * len(prefix) + _triangle(length) for length in lengths)
        work = work.plus(Work(0, passes, len(prefix), sum(lengths), pairs + _triangle(len(prefix))))
    return work


def spread_out(steps: Sequence[Sequence[Example]], count: int) -> list[Example]:
    """Return the examples of `count` steps, from the lightest to the heaviest at even distances; few repeat."""
    order = sorted(steps, key=lambda step: sum(example.length for example in step))
    return [example for place in range(count) for example in order[int((place + 0.5) * len(order) / count)]]


class Asked(NamedTuple):
    """One call of the predictor."""

    task: str
    records: list[Record]


def calls(records: Sequence[Record]) -> list[Asked]:
    """Return the calls that an evaluation of these records makes."""
    by_task: dict[str, list[Record]] = {}
    for record in records:
        by_task.setdefault(record.task, []).append(record)
    return [
        Asked(task, own[start : start + _CHUNK])
        for task, own in by_task.items()
        for start in range(0, len(own), _CHUNK)
    ]


class BatchedModel(LocalModel):
    """A local model that also tells how it would batch."""

    def work(self, scenario: Scenario, asked: Asked, written: Mapping[str, int]) -> Work:
        """Return what one call does.

        Args:
            scenario: gives the prompts' wording.
            asked: the call.
            written: record id → tokens of its answer.
        """
        tokens = self._task(scenario, asked.task)
        fitting, odd, _ = self._sort(tokens, asked.records)
        if self._why_in_full:
            batches = [(0, [item]) for item in (*fitting, *odd)]
        else:
            batches = [(len(tokens.prefix), batch) for batch in self._batches(fitting, tokens)]
            batches += [(0, batch) for batch in self._batches(odd, tokens)]
        shared = 0 if self._why_in_full else len(tokens.prefix)
        nodes, known = _tree(tokens, heads=asked.task in self._heads)
        work = Work(1, 1 if shared else 0, shared, 0, _triangle(shared))
        for prefix, batch in batches:
            lead = len(tokens.prefix) if self._why_in_full else 0
            lengths = [lead + len(item.suffix) for item in batch]
            answers = [written.get(item.record.id, 0) for item in batch]
            more = [max(0, answer - known) for answer in answers] if self._writes(tokens) else [0]
            behind = nodes * len(batch) + sum(more)
            pairs = sum(length * prefix + _triangle(length) for length in lengths)
            pairs += behind * (prefix + sum(lengths) / len(lengths))
            work = work.plus(Work(0, 1 + bool(nodes) + max(more), 0, sum(lengths) + behind, pairs))
        return work

    def right_lengths(self, scenario: Scenario, records: Sequence[Record]) -> dict[str, int]:
        """Return record id → tokens of the right answer."""
        tasks = {name: self._task(scenario, name) for name in {record.task for record in records}}
        return {record.id: len(tasks[record.task].target(record)) for record in records}

    def _task(self, scenario: Scenario, name: str) -> TaskTokens:
        if name not in self._tokens:
            self._tokens[name] = TaskTokens.of(scenario, name, self.encoder)
        return self._tokens[name]

    def _writes(self, tokens: TaskTokens) -> bool:
        if tokens.task.name in self._heads:
            return False
        return tokens.tree is None or self.write_choices or tokens.task.reasons_first


def drawn(records: Sequence[Record], lengths: Mapping[str, Sequence[int]], seed: int) -> dict[str, int]:
    """Return record id → an answer's length, drawn from those seen of its task."""
    draw = random.Random(derive_seed(seed, "written"))
    return {
        record.id: draw.choice(lengths[record.task]) if lengths.get(record.task) else 0 for record in records
    }


def _tree(tokens: TaskTokens, *, heads: bool) -> tuple[int, int]:
    """Return the label tree's nodes run below each record, and how many of the answer's tokens they tell."""
    if heads:
        return 0, 0
    if tokens.tree is None:
        return 0, 1
    return len(tokens.tree.inner), 1 + max(tokens.tree.depths)


def _triangle(length: int) -> float:
    return length * (length + 1) / 2
