"""What is to be planned: method, optimizer, precision, batch, parallelism. Plain data.

Knows which values exist; which of them go together is checked in `combinations`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Method = Literal["full", "lora", "qlora", "ptuning", "prefix", "prompt"]
Optimizer = Literal["sgd", "momentum", "adamw", "adamw-fused", "adamw-8bit", "adafactor"]
Precision = Literal["fp32", "bf16-mixed", "fp16-mixed", "bf16"]
Attention = Literal["eager", "sdpa", "flash"]
Loss = Literal["plain", "chunked", "fused"]
Sharding = Literal["none", "zero1", "zero2", "zero3", "fsdp"]
Engine = Literal["fused", "transformers", "sftloop", "sftloop-cpu"]
Targets = Literal["all", "qv", "qkvo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """What is trained where the weights are frozen."""

    rank: int = 16
    """LoRA's rank."""
    targets: Targets = "all"
    """The matrices that get adapters."""
    dropout: float | None = None
    """On the adapters' inputs. None: 0 in our engine, on (as in most recipes) in other trainers."""
    virtual_tokens: int = 20
    """P-tuning, prefix and prompt tuning: tokens learned in front of the prompt."""

    @property
    def target_pattern(self) -> str:
        """The targets as our trainer's `targets` setting names them."""
        return "all-linear" if self.targets == "all" else f".*({'|'.join(self.targets)})_proj"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one rank computes at once."""

    micro_batch: int = 1
    """Records per forward and backward pass."""
    seq_len: int = 2048
    """Tokens of a record, prompt and answer; of a packed row its length."""
    prefix_len: int = 0
    """Tokens of them that all records share and the engine computes once."""
    accumulation: int = 1
    """Forward and backward passes per optimizer step."""
    answer_len: int | None = None
    """Tokens of a record that are learned: our engine computes logits at these alone. None: all but the prefix."""

    @property
    def own(self) -> int:
        """Tokens in a pass that aren't shared."""
        return self.micro_batch * (self.seq_len - self.prefix_len)

    @property
    def learned(self) -> int:
        """Tokens in a pass that are learned."""
        return self.own if self.answer_len is None else min(self.own, self.micro_batch * self.answer_len)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """How the work is spread."""

    gpus: int = 1
    sharding: Sharding = "none"
    """Which of optimizer states, gradients and weights each data-parallel rank keeps only its part of."""
    offload: bool = False
    """Keep what is sharded in the host's memory."""
    tensor: int = 1
    """Ranks that share each matrix."""
    pipeline: int = 1
    """Ranks that share the layers."""

    @property
    def data(self) -> int:
        """Data-parallel ranks."""
        return self.gpus // (self.tensor * self.pipeline)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """A training whose memory is asked for."""

    method: Method = "lora"
    adapter: Adapter = field(default_factory=Adapter)
    optimizer: Optimizer = "adamw"
    """`adamw` is torch's foreach version, `adamw-fused` its fused one."""
    precision: Precision = "bf16-mixed"
    """`bf16-mixed` and `fp16-mixed` keep what is trained in fp32; `bf16` keeps everything in bf16."""
    batch: Batch = field(default_factory=Batch)
    attention: Attention = "sdpa"
    loss: Loss = "plain"
    checkpointing: bool = False
    """Compute a layer's activations again on the way back."""
    parallel: Parallel = field(default_factory=Parallel)
    engine: Engine = "fused"
    """Whose layers run: `transformers` as they come, `fused` with Triton norms and cross entropy (Liger, unsloth,
    foak), `sftloop` our own on a GPU, `sftloop-cpu` our own on a CPU."""
    expanded_keys: bool = False
    """Flash attention over keys repeated for every query head, as Mistral's was before transformers 4.48."""

    @property
    def ours(self) -> bool:
        """Does our own engine run?"""
        return self.engine in {"sftloop", "sftloop-cpu"}

    @property
    def width(self) -> int:
        """Bytes of a number in matrix products and activations."""
        return 4 if self.precision == "fp32" else 2

    @property
    def adapters(self) -> bool:
        """Are low-rank adapters trained?"""
        return self.method in {"lora", "qlora"}

    @property
    def virtual_tokens(self) -> int:
        """Tokens learned in front of the prompt."""
        return self.adapter.virtual_tokens if self.method in {"ptuning", "prefix", "prompt"} else 0

    @property
    def trained_width(self) -> int:
        """Bytes of a trained number: peft keeps adapters in fp32 even beside bf16 weights."""
        return 2 if self.method == "full" and self.precision == "bf16" else 4

    @property
    def dropout(self) -> float:
        """Dropout on the adapters' inputs."""
        if self.adapter.dropout is not None:
            return self.adapter.dropout
        return 0.0 if self.ours else 0.1

    @property
    def reads_masters(self) -> bool:
        """Does every pass make half-precision copies of trained fp32 weights (torch's autocast)?

        DeepSpeed and FSDP keep masters apart from the weights that are read; one GPU or DDP doesn't.
        """
        mixed = self.precision in {"bf16-mixed", "fp16-mixed"} and self.method == "full"
        return mixed and self.parallel.sharding == "none"

    @property
    def residual_width(self) -> int:
        """Bytes of a number between layers: fp32 embeddings make it 4, whatever products run in."""
        return 4 if self.reads_masters else self.width
