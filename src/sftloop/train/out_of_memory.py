"""What to try when a training runs out of memory: the cheapest step first, with the value to give.

Knows settings and methods; doesn't know how much memory anything takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sftloop.core.errors import ExternalError
from sftloop.core.memory import is_out_of_memory
from sftloop.train.peak_memory import peak_bytes

if TYPE_CHECKING:
    import torch

    from sftloop.train.methods import Method
    from sftloop.train.settings import TrainSettings

_LEAST_TOKENS = 64
"""Below this many tokens per pass, a smaller micro-batch saves next to nothing."""


@contextmanager
def explained(
    settings: TrainSettings, method: Method, device: torch.device, *, shared: bool, tokens: int
) -> Iterator[None]:
    """Turn a failed allocation into a message that names the next steps.

    Args:
        settings: of the training.
        method: what is trained.
        device: where.
        shared: the prefix is shared.
        tokens: suffix tokens per pass.

    Raises:
        ExternalError: memory ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise ExternalError(
            f"Out of memory while training; at the most {peak_bytes(device) / 1e9:.1f} GB were in use.",
            hint="In this order: "
            + "; ".join(next_steps(settings, method, shared=shared, tokens=tokens))
            + ".",
        ) from error


def next_steps(settings: TrainSettings, method: Method, *, shared: bool, tokens: int) -> list[str]:
    """Return what saves memory and isn't done yet: first what changes no result, then what costs quality."""
    steps: list[str] = []
    if shared and tokens > _LEAST_TOKENS:
        steps.append(
            f"--micro-batch-tokens {max(_LEAST_TOKENS, tokens // 2)} (now {tokens}; the same result)"
        )
    if not shared and settings.micro_batch > 1:
        fewer = settings.micro_batch // 2
        steps.append(f"--set micro_batch_size={fewer} (now {settings.micro_batch}; the same result)")
    if not settings.recompute and (shared or method.name != "prefix"):
        steps.append("--set recompute=true (the same result, about a third more time)")
    if not shared:
        steps.append("the shared prefix, if it was switched off")
    if method.name == "full":
        steps.append("--method lora (no gradients and optimizer states of all weights)")
    if method.name in {"lora", "lora+"}:
        steps.append("--method qlora (weights in four bits)")
    return [*steps, "a smaller base model (--model)"]
