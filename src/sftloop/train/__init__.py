"""Training: examples in tokens, the shared-prefix step, methods, and the trainer around them.

Names are imported on first use, so that reading a configuration needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sftloop.train.examples import Example, encode_examples
    from sftloop.train.methods import METHODS, FullMethod, LoraMethod, Method, Trainable, prepare
    from sftloop.train.objective import Objective
    from sftloop.train.plain import plain_step
    from sftloop.train.settings import TrainSettings
    from sftloop.train.shared import TOKENS, StepResult, shared_step
    from sftloop.train.trainer import TrainOutcome, train

_HOMES = {
    "METHODS": "methods",
    "TOKENS": "shared",
    "Example": "examples",
    "FullMethod": "methods",
    "LoraMethod": "methods",
    "Method": "methods",
    "Objective": "objective",
    "StepResult": "shared",
    "TrainOutcome": "trainer",
    "TrainSettings": "settings",
    "Trainable": "methods",
    "encode_examples": "examples",
    "plain_step": "plain",
    "prepare": "methods",
    "shared_step": "shared",
    "train": "trainer",
}

__all__ = [
    "METHODS",
    "TOKENS",
    "Example",
    "FullMethod",
    "LoraMethod",
    "Method",
    "Objective",
    "StepResult",
    "TrainOutcome",
    "TrainSettings",
    "Trainable",
    "encode_examples",
    "plain_step",
    "prepare",
    "shared_step",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
