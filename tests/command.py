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


def call(
    *arguments: str | Path, cwd: Path, anew: bool = False, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run `sftloop ARGUMENTS` to its end.

    Args:
        arguments: of the command line.
        cwd: its working directory.
        anew: start an interpreter, seconds slower than a fork of one that has read torch (`tests.warm`). Threads'
            settings are read with torch: commands that set them always get a new one.
        more: environment variables.
    """
    words = [*map(str, arguments)]
    if anew or "OMP_NUM_THREADS" in more or "forkserver" not in multiprocessing.get_all_start_methods():
        return run([*SFTLOOP, *words], cwd=cwd, env=environment(**more))
    return warm.run(words, cwd=cwd, env=environment(**more))


def without_stamps(value: object) -> object:
    """Drop what may differ between two equal runs: times, memory, places."""
    if isinstance(value, dict):
        return {key: without_stamps(part) for key, part in value.items() if key not in STAMPS}
    if isinstance(value, list):
        return [without_stamps(part) for part in value]
    return value
