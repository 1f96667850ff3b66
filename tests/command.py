"""The command line in a process of its own, as a user runs it: offline, on the CPU, on one thread."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.patience import run

SFTLOOP = [sys.executable, "-m", "sftloop"]
STAMPS = {"seconds", "latency_seconds", "seconds_per_record", "peak_memory_bytes", "report"}


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment with what keeps a run offline and repeatable."""
    fixed = {"HF_HUB_OFFLINE": "1", "SFTLOOP_DEVICE": "cpu", "SFTLOOP_DTYPE": "fp32", "OMP_NUM_THREADS": "1"}
    return {**os.environ, **fixed, **more}


def call(*arguments: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `sftloop ARGUMENTS` to its end; `more` are environment variables."""
    return run([*SFTLOOP, *map(str, arguments)], cwd=cwd, env=environment(**more))


def without_stamps(value: object) -> object:
    """Drop what may differ between two equal runs: times, memory, places."""
    if isinstance(value, dict):
        return {key: without_stamps(part) for key, part in value.items() if key not in STAMPS}
    if isinstance(value, list):
        return [without_stamps(part) for part in value]
    return value
