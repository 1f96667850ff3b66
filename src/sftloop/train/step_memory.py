"""What one optimizer step really takes: bytes allocated until the gradients are there, and while the weights move.

On a CPU every operation's tensors are counted by storage while they live; what a kernel takes for a moment isn't
seen. On a GPU the allocator is asked. (torch's own MemTracker wants a gradient of every parameter, and frozen
weights have none.)
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sftloop.train.examples import Example
from sftloop.train.fused import fuse
from sftloop.train.methods import Trainable
from sftloop.train.optimizers import build_optimizer
from sftloop.train.recompute import Recompute
from sftloop.train.shared import shared_step


class StepMemory(NamedTuple):
    """Bytes of one step after one that made the optimizer's states."""

    passes: int
    """At the fullest moment of forward and backward passes."""
    update: int
    """At the fullest moment of the optimizer's step."""
    weights: int
    """Before the first step."""
    gradients: int
    """Of the trained parameters, at the fullest moment of all; 0 on a GPU, where they aren't counted apart."""
    optimizer: int
    """The optimizer's states."""

    @property
    def peak(self) -> int:
        """At the fullest moment of all."""
        return max(self.passes, self.update)


def measure_step(
    trainable: Trainable,
    batch: Sequence[Example],
    *,
    micro_batch_tokens: int,
    optimizer: str = "adamw",
    recompute: bool = False,
) -> StepMemory:
    """Run two steps as the trainer would and return what the second takes.

    Args:
        trainable: as `prepare` returns it; its layers and weights are changed.
        batch: the step's examples.
        micro_batch_tokens: suffix tokens per pass.
        optimizer: a name of `OPTIMIZERS`.
        recompute: compute activations again on the way back.
    """
    model = trainable.model
    fuse(model)
    forget = Recompute(model, always=recompute)
    device = next(model.parameters()).device
    groups = [{"params": [p for p in model.parameters() if p.requires_grad], "lr": 1e-4}]
    moving = build_optimizer(optimizer, groups, device)
    meter: Storages | _Allocator = _Allocator(device) if device.type == "cuda" else Storages(model)
    passes = update = gradients = 0
    with meter if isinstance(meter, Storages) else nullcontext():
        for _ in range(2):
            meter.forget_peak()
            shared_step(
                model,
                batch,
                micro_batch_tokens=micro_batch_tokens,
                precision=trainable.precision,
                recompute=forget,
            )
            passes, gradients = meter.peak, meter.gradients
            meter.forget_peak()
            moving.step()
            update = meter.peak
            moving.zero_grad()
    states = sum(v.nbytes for state in moving.state.values() for v in state.values() if _is_state(v))
    return StepMemory(
        passes=passes,
        update=update,
        weights=meter.weights,
        gradients=meter.gradients if update > passes else gradients,
        optimizer=states,
    )


class Storages(TorchDispatchMode):
    """Counts the bytes of all storages alive, and keeps the largest sum with the gradients in it."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trained = [p for p in model.parameters() if p.requires_grad]
        self.known: dict[int, weakref.ref[Any]] = {}
        self.now = self.peak = self.gradients = 0
        for tensor in (*model.parameters(), *model.buffers()):
            self.add(tensor)
        self.weights = self.now

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation and count what it made."""
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                self.add(tensor)
        if self.now > self.peak:
            self.peak = self.now
            self.gradients = sum(p.grad.nbytes for p in self.trained if p.grad is not None)
        return out

    def add(self, tensor: torch.Tensor) -> None:
        """Count a tensor's storage until it is freed, once."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self.known:
            return
        self.known[key] = weakref.ref(storage, lambda _: self._remove(key, size))
        self.now += size

    def forget_peak(self) -> None:
        """Look for a new peak from here."""
        self.peak = self.now

    def _remove(self, key: int, size: int) -> None:
        del self.known[key]
        self.now -= size


class _Allocator:
    """The same of a GPU's allocator."""

    gradients = 0

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.weights = self.now

    @property
    def now(self) -> int:
        return torch.cuda.memory_allocated(self.device)

    @property
    def peak(self) -> int:
        return torch.cuda.max_memory_allocated(self.device)

    def forget_peak(self) -> None:
        torch.cuda.reset_peak_memory_stats(self.device)


def _is_state(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.dim() > 0
