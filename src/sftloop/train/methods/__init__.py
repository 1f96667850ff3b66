"""Fine-tuning methods: each its own configuration, each turning a base model into one that trains."""

from __future__ import annotations

from sftloop.train.methods.base import Method, Trainable, prepare
from sftloop.train.methods.full import FullMethod
from sftloop.train.methods.lora import LoraMethod, LoraPlusMethod, PissaMethod
from sftloop.train.methods.plora import PeriodicLoraMethod
from sftloop.train.methods.prompts import PrefixTuningMethod, PromptTuningMethod, PTuningMethod
from sftloop.train.methods.qlora import QloraMethod

METHODS: dict[str, type[Method]] = {
    kind.name: kind
    for kind in (
        LoraMethod,
        FullMethod,
        LoraPlusMethod,
        PissaMethod,
        PeriodicLoraMethod,
        QloraMethod,
        PTuningMethod,
        PrefixTuningMethod,
        PromptTuningMethod,
    )
}
"""What `--method` names."""

__all__ = [
    "METHODS",
    "FullMethod",
    "LoraMethod",
    "LoraPlusMethod",
    "Method",
    "PTuningMethod",
    "PeriodicLoraMethod",
    "PissaMethod",
    "PrefixTuningMethod",
    "PromptTuningMethod",
    "QloraMethod",
    "Trainable",
    "prepare",
]
