"""How long, how fast and in which pieces to train: plain data."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How long, how fast and in which pieces to train."""

    epochs: float = 3.0
    learning_rate: float
    batch_size: int = 16
    """Records per optimizer step."""
    micro_batch_tokens: int | None = None
    """Suffix tokens per forward pass on the shared path: bounds memory, not the result. None: 512 in fp32, 1024 in
    bf16, 2048 on a GPU."""
    micro_batch: int = 8
    """Records per forward pass on the ordinary path."""
    optimizer: str = "adamw"
    """One of `OPTIMIZERS`."""
    switch_at: float | str = 0.5
    """adam-then-momentum: a step, a share of the steps (below 1), or `plateau`."""
    task_weights: dict[str, float] = field(default_factory=dict)
    """How often a task's records are seen per epoch, if not once."""
    recompute: bool = False
    """Activation checkpointing."""
    schedule: str = "cosine"
    """A learning-rate schedule of transformers."""
    warmup: float = 0.05
    """Share of the steps over which the rate rises."""
    weight_decay: float = 0.0
    max_gradient_norm: float = 1.0
    log_to: str = "tensorboard"
    """Where losses and rates go beside the history file: one of `LOGGERS`."""
    patience: int | None = None
    """Stop after so many validations without a better score; None: train to the end."""
    save_every: int = 20
    """Optimizer steps between checkpoints, or more where writing one takes long."""
    shared_prefix: bool = True
    seed: int = 0
