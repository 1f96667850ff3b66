"""Chooses where to compute and in which number format, from what this machine has.

Knows devices and instruction sets; doesn't know models.
"""

from __future__ import annotations

import os
import platform
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import UsageError
from sftloop.core.settings import settings

if TYPE_CHECKING:
    import torch

_FASTER = 1.3
"""How much faster than fp32 the bf16 product must be: below, its rounding buys nothing."""


def choose_device() -> str:
    """Return `cuda`, `mps` or `cpu`: the first this machine has, or the one that `SFTLOOP_DEVICE` names.

    Raises:
        UsageError: the named device does not exist here, or is a GPU other than the first visible one.
    """
    import torch

    wanted = settings().device
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted is None:
        return next(name for name, there in present.items() if there)
    kind, _, number = wanted.partition(":")
    if kind not in present:
        raise UsageError(f"SFTLOOP_DEVICE is '{wanted}'; it must be cuda, mps or cpu.")
    if not present[kind]:
        raise UsageError(
            f"SFTLOOP_DEVICE is '{wanted}', but this machine or torch {torch.__version__} has no {kind}.",
            hint="Unset it, or install the torch build for that device.",
        )
    if number not in {"", "0"}:
        raise UsageError(
            f"SFTLOOP_DEVICE is '{wanted}'; work is done on the first device that is visible.",
            hint=f"CUDA_VISIBLE_DEVICES={number} SFTLOOP_DEVICE=cuda makes that one the first."
            if kind == "cuda"
            else f"Leave the number out: SFTLOOP_DEVICE={kind}.",
        )
    return kind


def choose_dtype(device: str) -> torch.dtype:
    """Return bf16 where its matrix products are fast, else fp32; or the one that `SFTLOOP_DTYPE` names.

    Args:
        device: as `choose_device` returns it.

    Raises:
        UsageError: `SFTLOOP_DTYPE` names another than `fp32` and `bf16`.
    """
    import torch

    named = {"fp32": torch.float32, "bf16": torch.bfloat16}
    if wanted := settings().dtype:
        if wanted not in named:
            raise UsageError(f"SFTLOOP_DTYPE is '{wanted}'; it must be fp32 or bf16.")
        return named[wanted]
    kind = device.partition(":")[0]
    if kind == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    elif kind == "mps":
        fast = False  # fp32 and bf16 products run at the same speed, and some bf16 operations are missing
    else:
        fast = _cpu_bf16_is_fast()
    return torch.bfloat16 if fast else torch.float32


@cache
def _cpu_bf16_is_fast() -> bool:
    """AMX multiplies bf16 8–16 times faster than fp32; other bf16 instructions have to prove it.

    AVX-512 BF16 doubles the speed on some processors and halves it on others (measured on a Sapphire Rapids
    whose AMX is hidden: 84 against 160 GFLOP/s per core), so a product is timed: 50 ms, once per process.
    """
    flags = cpu_flags()
    if "amx_bf16" in flags:
        return True
    if not flags & {"avx512_bf16", "bf16"}:
        return False
    return _bf16_speed_up() >= _FASTER


def _bf16_speed_up(repeats: int = 5) -> float:
    """Return fp32 seconds / bf16 seconds of one matrix product on one core (the best of `repeats` each)."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        best: dict[torch.dtype, float] = {}
        for _ in range(repeats):
            for dtype in (torch.float32, torch.bfloat16):
                left, right = torch.ones(256, 768, dtype=dtype), torch.ones(768, 768, dtype=dtype)
                began = time.perf_counter()
                torch.nn.functional.linear(left, right)
                seconds = time.perf_counter() - began
                best[dtype] = min(seconds, best.get(dtype, seconds))
    finally:
        torch.set_num_threads(threads)
    return best[torch.float32] / best[torch.bfloat16]


@cache
def cpu_flags() -> frozenset[str]:
    """Return the processor's instruction sets by their Linux names; on other systems what torch knows."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        import torch

        names = {"amx_bf16": "_is_amx_tile_supported", "avx512_bf16": "_is_avx512_bf16_supported"}
        found = {flag for flag, name in names.items() if getattr(torch.cpu, name, lambda: False)()}
        return frozenset(found)
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in {"flags", "Features"}:
            return frozenset(value.split())
    return frozenset()


def describe_machine() -> dict[str, Any]:
    """Return what results depend on: processor, memory, accelerators, versions; no names of the owner."""
    import torch

    device = choose_device()
    return {
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cpu": _cpu_name(),
        "cores": _usable_cores(),
        "memory_bytes": _memory_bytes(),
        "device": device,
        "dtype": str(choose_dtype(device)).removeprefix("torch."),
        "accelerators": _accelerators(),
    }


def _accelerators() -> list[dict[str, Any]]:
    import torch

    if not torch.cuda.is_available():
        return []
    found = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return [{"name": each.name, "memory_bytes": each.total_memory} for each in found]


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
