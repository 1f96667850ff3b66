"""The command line in a process of its own, as a user runs it: offline, on the CPU, on one thread."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

from tests import warm
from tests.patience import run

SFTLOOP = [sys.executable, "-m", "sftloop"]
STAMPS = {"seconds", "latency_seconds", "seconds_per_record", "peak_memory_bytes", "report"}


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment with what keeps a run offline and repeatable."""
    fixed = {"HF_HUB_OFFLINE": "1", "SFTLOOP_DEVICE": "cpu", "SFTLOOP_DTYPE": "fp32", "OMP_NUM_THREADS": "1"}
    return {**os.environ, **fixed, **more}


def call(*arguments: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `sftloop ARGUMENTS` to its end; `more` are environment variables.

    Forked from a process that has read torch (`tests.warm`). Threads' settings are read with torch: a command that
    sets them gets a new interpreter.
    """
    words = [*map(str, arguments)]
    if "OMP_NUM_THREADS" in more or "forkserver" not in multiprocessing.get_all_start_methods():
        return run([*SFTLOOP, *words], cwd=cwd, env=environment(**more))
    return warm.run(words, cwd=cwd, env=environment(**more))


def without_stamps(value: object) -> object:
    """Drop what may differ between two equal runs: times, memory, places."""
    if isinstance(value, dict):
        return {key: without_stamps(part) for key, part in value.items() if key not in STAMPS}
    if isinstance(value, list):
        return [without_stamps(part) for part in value]
    return value
