"""The most memory that a training needs where it runs: a GPU's tensors, else the process's resident size."""

from __future__ import annotations

import torch

from sftloop.core import memory


def reset_peak(device: torch.device) -> None:
    """Forget the peak so far."""
    memory.reset_peak_memory()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_bytes(device: torch.device) -> int:
    """Return the peak since the last reset, in bytes: allocated on a CUDA device, resident in the process else."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return memory.peak_memory_bytes()
