"""The machine's speed at matrix products, what shares of the peak are measured against.

A square product of 4096 in each dtype: larger than anything in a small model, so close to the best that the
library reaches here. Runs in the project's environment.
"""

from __future__ import annotations

import time
from typing import Any

import torch

from benchmarks.runners.job import answer, read_job
from sftloop.models.device import describe_machine

SIDE = 4096
REPEATS = 4


def main() -> None:
    job = read_job()
    peaks = {"fp32": _peak(torch.float32), "bf16": _peak(torch.bfloat16)}
    machine: dict[str, Any] = {**describe_machine(), "threads": job.threads}
    answer(job, {"machine": machine, "matrix_peak_flops": peaks})


def _peak(dtype: torch.dtype) -> float:
    """Return floating-point operations per second: the best of some products, after one to warm up."""
    left, right = torch.randn(SIDE, SIDE, dtype=dtype), torch.randn(SIDE, SIDE, dtype=dtype)
    best = float("inf")
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        torch.mm(left, right)
        best = min(best, time.perf_counter() - began)
    return 2 * SIDE**3 / best


if __name__ == "__main__":
    main()
