"""The `training` section of scenario.yaml: a method by name, its options, and how long and fast to train.

Knows which option belongs to which method; doesn't know what they do.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pydantic
from pydantic import ValidationError, ValidatorFunctionWrapHandler, field_validator, model_validator
from pydantic_core import PydanticCustomError

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
Share = Annotated[float, pydantic.Field(ge=0, lt=1)]
Count = Annotated[int, pydantic.Field(ge=1)]


class Head(Part):
    """A scoring head in place of written answers, for `choice`, `multi` and `score` tasks."""

    activation: Literal["softmax", "sigmoid", "tanh", "relu"] | None = None
    """None: softmax for `choice`, sigmoid for the others."""
    loss: OneLine | None = None
    """A registered loss, or `module:function`; None: `ce`, and `mse` for `score`."""
    dropout: Share = 0.5
    """Of the features in front of the linear layer."""
    smoothing: Share = 0.0
    """Label smoothing."""
    gamma: Annotated[float, pydantic.Field(ge=0)] = 2.0
    """Focal loss: how much easy records are discounted."""


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
    """Records per forward pass on the ordinary path; sets the memory, not the result."""
    rank: Count | None = None
    """LoRA's rank."""
    alpha: Positive | None = None
    """LoRA's scale is alpha / rank."""
    dropout: Share | None = None
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
    head: Head | None = None
    """Train scoring heads; `true` for the usual ones."""
    seed: Annotated[int, pydantic.Field(ge=0)] | None = None
    optimizer: Literal["adamw", "momentum", "sgd", "adam-then-momentum", "adafactor", "adamw-8bit"] | None = (
        None
    )
    switch_at: Positive | Literal["plateau"] | None = None
    """adam-then-momentum: after this step, this share of the steps (below 1), or on a plateau of the loss."""
    schedule: (
        Literal["cosine", "linear", "constant", "constant_with_warmup", "polynomial", "inverse_sqrt"] | None
    ) = None
    warmup: Share | None = None
    """Share of the steps over which the rate rises."""
    weight_decay: Annotated[float, pydantic.Field(ge=0)] | None = None
    max_gradient_norm: Positive | None = None
    task_weights: dict[OneLine, Positive] | None = None
    """How often a task's records are seen per epoch; 1 for tasks that aren't named."""
    log_to: Literal["tensorboard", "none", "wandb", "mlflow", "swanlab"] | None = None
    """Where losses and rates go beside the history file."""
    recompute: bool | None = None
    """Activation checkpointing: less memory, about a third more time."""
    patience: Count | None = None
    """Stop after so many validations without a better score."""
    micro_batch_tokens: Count | None = None
    """Suffix tokens per forward pass on the shared path; sets the memory, not the result."""
    too_long: Literal["refuse", "leave_out"] | None = None
    """Training records longer than the model's context; None: refuse."""
    shared_prefix: bool | None = None
    """False: the ordinary path, record by record in full."""

    @field_validator("switch_at", mode="wrap")
    @classmethod
    def _number_or_plateau(cls, value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:  # one per type that it may have
            raise PydanticCustomError("number_or_plateau", "a number above 0 or 'plateau'") from None

    @field_validator("head", mode="before")
    @classmethod
    def _bare_head(cls, value: Any) -> Any:
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            value = value.lower() == "true"
        return ({} if value else None) if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _check_method(self) -> Training:
        for name in ALL_METHOD_OPTIONS:
            if getattr(self, name) is not None and name not in METHOD_OPTIONS[self.method]:
                raise MisplacedError((name,), misplaced_option(name, self.method))
        if self.switch_at is not None and self.optimizer != "adam-then-momentum":
            raise MisplacedError(("switch_at",), "'switch_at' belongs to optimizer 'adam-then-momentum'")
        return self


def misplaced_option(name: str, method: str) -> str:
    """Say which methods an option belongs to."""
    owners = [f"'{owner}'" for owner, options in METHOD_OPTIONS.items() if name in options]
    return f"'{name}' belongs to {', '.join(owners)}, not to '{method}'"
