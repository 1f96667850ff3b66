"""The `training` section of scenario.yaml: a method by name, its options, and how long and fast to train.

Knows which option belongs to which method; doesn't know what they do.
"""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic
from pydantic import model_validator

from sftloop.scenario.parts import MisplacedError, OneLine, Part

_ADAPTER = ("rank", "alpha", "dropout", "targets", "rslora")
METHOD_OPTIONS: dict[str, tuple[str, ...]] = {
    "lora": (*_ADAPTER, "dora"),
    "full": (),
    "lora+": (*_ADAPTER, "dora", "ratio"),
    "pissa": _ADAPTER,
    "plora": (*_ADAPTER, "period"),
    "qlora": (*_ADAPTER, "dora"),
    "ptuning": ("virtual_tokens",),
    "prefix": ("virtual_tokens",),
    "prompt": ("virtual_tokens",),
}
"""Fine-tuning methods and the options of each."""

ALL_METHOD_OPTIONS = tuple(dict.fromkeys(name for options in METHOD_OPTIONS.values() for name in options))

Positive = Annotated[float, pydantic.Field(gt=0)]
Count = Annotated[int, pydantic.Field(ge=1)]


class Training(Part):
    """Defaults of `train` and `run` for this scenario; None leaves a setting to the trainer."""

    method: Literal["lora", "full", "lora+", "pissa", "plora", "qlora", "ptuning", "prefix", "prompt"] = (
        "lora"
    )
    epochs: Positive | None = None
    learning_rate: Positive | None = None
    batch_size: Count | None = None
    """Records per optimizer step."""
    micro_batch_size: Count | None = None
    """Records per forward pass; sets the memory, not the result."""
    rank: Count | None = None
    """LoRA's rank."""
    alpha: Positive | None = None
    """LoRA's scale is alpha / rank."""
    dropout: Annotated[float, pydantic.Field(ge=0, lt=1)] | None = None
    """On the adapter's input."""
    targets: OneLine | None = None
    """`all-linear`, or a regular expression over module names."""
    rslora: bool | None = None
    dora: bool | None = None
    ratio: Positive | None = None
    """LoRA+: learning rate of B over that of A."""
    period: Positive | None = None
    """Periodic LoRA: epochs after which the adapter is folded into the weights."""
    virtual_tokens: Count | None = None
    """Tokens learned in front of the prompt."""
    seed: Annotated[int, pydantic.Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _check_method(self) -> Training:
        for name in ALL_METHOD_OPTIONS:
            if getattr(self, name) is not None and name not in METHOD_OPTIONS[self.method]:
                raise MisplacedError((name,), misplaced_option(name, self.method))
        return self


def misplaced_option(name: str, method: str) -> str:
    """Say which methods an option belongs to."""
    owners = [f"'{owner}'" for owner, options in METHOD_OPTIONS.items() if name in options]
    return f"'{name}' belongs to {', '.join(owners)}, not to '{method}'"
