"""Scoring heads: a task's labels or score read off the last hidden state instead of being written as text.

Each task has a head of its own on the same transformer: one linear layer, an activation, and for scores the
range they lie in. Saved beside the adapter or model they were trained with.

Knows tensors and files; doesn't know losses or prompts.

Shapes: `B` records, `H` hidden size, `C` outputs (labels, or 1 for a score).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from sftloop.core.errors import ModelError
from sftloop.core.files import atomic_write_json, read_json
from sftloop.models.virtual_tokens import transformer
from sftloop.scenario import Answer, Task

Activation = Literal["softmax", "sigmoid", "tanh", "relu"]
HEADS = "sftloop_heads"
"""Name under which a model carries its heads."""
_GIVEN = 0.5
"""Probability from which one of several labels is given."""
_LEAST_SPREAD = 0.01
_CONFIG, _WEIGHTS = "heads.json", "heads.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadShape:
    """What one head answers."""

    task: str
    kind: str
    """`choice`, `multi` or `score`."""
    labels: tuple[str, ...]
    """Empty for `score`."""
    low: float
    high: float
    """Range of a score."""
    activation: Activation

    @classmethod
    def of(cls, task: Task, activation: Activation | None) -> HeadShape:
        """Return a task's head; without an activation softmax for `choice`, sigmoid for the others."""
        low, high = task.range or (0.0, 1.0)
        usual: Activation = "softmax" if task.kind == "choice" else "sigmoid"
        labels = tuple(task.labels) if task.kind != "score" else ()
        return cls(
            task=task.name, kind=task.kind, labels=labels, low=low, high=high, activation=activation or usual
        )


class ScoringHead(torch.nn.Module):
    """Dropout and one linear layer, Xavier-initialised (Glorot and Bengio 2010), with an activation.

    The features are first centred and scaled as `standardise` found them: most of a last hidden state is the same
    whatever the record says, a few of its numbers a hundred times the others.

    Args:
        hidden: H.
        shape: what it answers.
        dropout: share of the features set to zero while training.
    """

    def __init__(self, hidden: int, shape: HeadShape, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape
        self.dropout = torch.nn.Dropout(dropout)
        self.linear = torch.nn.Linear(hidden, max(1, len(shape.labels)))
        torch.nn.init.xavier_uniform_(self.linear.weight)
        torch.nn.init.zeros_(self.linear.bias)
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(hidden))
        self.register_buffer("scale", torch.ones(()))

    def standardise(self, features: Tensor) -> None:
        """Take features (B, H) as the usual ones: from now on they have mean 0 and a mean squared norm of 1."""
        mean = features.mean(0)
        spread = (features - mean).square().sum(-1).mean().sqrt()
        least = _LEAST_SPREAD * features.square().sum(-1).mean().sqrt()  # of one record, or of equal ones
        self.mean.copy_(mean)
        self.scale.copy_(torch.maximum(spread, least))

    def forward(self, features: Tensor) -> Tensor:
        """Return what stands before the activation, (B, C), for features (B, H); fp32 under autocast too."""
        given = features.to(self.linear.weight.dtype)
        with torch.autocast(given.device.type, enabled=False):
            outputs: Tensor = self.linear(self.dropout((given - self.mean) / self.scale))
        return outputs

    def activate(self, outputs: Tensor) -> Tensor:
        """Return probabilities of labels (tanh and ReLU brought to 0 … 1) or scores in their range, (B, C)."""
        how = self.shape.activation
        if how == "softmax":
            return outputs.softmax(-1)
        if how == "sigmoid":
            share = outputs.sigmoid()
        elif how == "tanh":
            share = (outputs.tanh() + 1) / 2
        else:
            share = outputs.clamp(0, 1)
        if self.shape.kind != "score":
            return share
        return self.shape.low + share * (self.shape.high - self.shape.low)


def heads_of(model: torch.nn.Module) -> dict[str, ScoringHead]:
    """Return task → head of a model; none is usual."""
    found = getattr(transformer(model), HEADS, ())
    return {head.shape.task: head for head in found if isinstance(head, ScoringHead)}


def attach_heads(model: torch.nn.Module, heads: Iterable[ScoringHead]) -> None:
    """Let a model carry heads, so that its parameters include theirs."""
    setattr(transformer(model), HEADS, torch.nn.ModuleList(heads))


def read_head(shape: HeadShape, values: Sequence[float]) -> tuple[Answer, dict[str, float] | None]:
    """Return the answer that a head's activated outputs give, and its labels' probabilities."""
    if shape.kind == "score":
        return Answer(score=values[0]), None
    table = dict(zip(shape.labels, values, strict=True))
    if shape.kind == "multi":
        return Answer(labels=tuple(label for label, value in table.items() if value >= _GIVEN)), table
    total = sum(values)
    table = {label: value / total if total else 1 / len(table) for label, value in table.items()}
    return Answer(label=max(table, key=table.__getitem__)), table


@contextmanager
def without_heads(model: torch.nn.Module) -> Iterator[None]:
    """Take a model's heads off for a moment, so that only the transformer is saved."""
    bare = transformer(model)
    heads = getattr(bare, HEADS, None)
    if heads is not None:
        delattr(bare, HEADS)
    try:
        yield
    finally:
        if heads is not None:
            setattr(bare, HEADS, heads)


def save_heads(heads: Mapping[str, ScoringHead], directory: Path) -> None:
    """Write heads, if there are any, beside the weights they belong to."""
    from safetensors.torch import save_file

    if not heads:
        return
    tensors = {
        f"{name}.{part}": tensor.detach().cpu().contiguous()
        for name, head in heads.items()
        for part, tensor in head.state_dict().items()
    }
    save_file(tensors, directory / _WEIGHTS)
    atomic_write_json(directory / _CONFIG, {name: asdict(head.shape) for name, head in heads.items()})


def load_heads(directory: Path, hidden: int) -> dict[str, ScoringHead]:
    """Return the heads saved in a folder, none if there are none.

    Raises:
        ModelError: they can't be read or belong to a model of another width.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not (directory / _CONFIG).is_file():
        return {}
    found = {}
    try:
        tensors = load_file(directory / _WEIGHTS)
        for name, shape in read_json(directory / _CONFIG, "the heads' description").items():
            head = ScoringHead(hidden, HeadShape(**{**shape, "labels": tuple(shape["labels"])}))
            head.load_state_dict({part: tensors[f"{name}.{part}"] for part in head.state_dict()})
            found[name] = head.eval()
    except (OSError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"The heads in '{directory}' don't load: {str(error).splitlines()[0]}",
            hint="Train again, or copy the folder again.",
        ) from error
    return found
