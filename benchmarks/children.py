"""Runs one measuring process and returns its answer: offline, on the processor, with so many threads.

Knows processes and their logs; doesn't know what they measure.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.runners.job import Job

_ROOT = Path(__file__).parent.parent
_LIMIT_SECONDS = 3 * 3600
_TAIL_LINES = 15


class ChildFailedError(Exception):
    """A measuring process ended without an answer.

    Args:
        reason: one line without paths, fit for a result file.
        log: the end of what the process printed.
    """

    def __init__(self, reason: str, log: str) -> None:
        super().__init__(reason)
        self.reason, self.log = reason, log


def run_child(python: Path, runner: str, job: Job) -> dict[str, Any]:
    """Run `benchmarks.runners.RUNNER` on a job and return its answer.

    Args:
        python: interpreter of the environment it runs in.
        runner: module name.
        job: what to do; `work` and `result` are filled in here.

    Raises:
        ChildFailedError: it failed, was killed, or took longer than three hours.
    """
    with _workplace() as work:
        told = replace(job, work=str(work / "work"), result=str(work / "answer.json"))
        (work / "job.json").write_text(json.dumps(asdict(told)), encoding="utf-8")
        command = [str(python), "-m", f"benchmarks.runners.{runner}", str(work / "job.json")]
        with (work / "log.txt").open("w", encoding="utf-8") as log:
            code = _wait(command, _environment(job.threads, work), log)
        if code == 0:
            answer: dict[str, Any] = json.loads((work / "answer.json").read_text(encoding="utf-8"))
            return answer
        text = (work / "log.txt").read_text(encoding="utf-8", errors="replace")
    raise ChildFailedError(reason(code, text), "\n".join(text.splitlines()[-_TAIL_LINES:]))


@contextmanager
def _workplace() -> Iterator[Path]:
    work = Path(tempfile.mkdtemp(prefix="sftloop-bench-"))
    (work / "work").mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _wait(command: list[str], environment: dict[str, str], log: Any) -> int | None:
    """Return the exit code; None when the time is up."""
    child = subprocess.Popen(command, cwd=_ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        return child.wait(timeout=_LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def _environment(threads: int, work: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    return kept | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "SFTLOOP_THREADS": str(threads),
        "SFTLOOP_DEVICE": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(work / "huggingface"),
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }


def reason(code: int | None, log: str) -> str:
    """Return in a line why a child ended with this exit code (None: its time was up)."""
    if code is None:
        return f"stopped after {_LIMIT_SECONDS // 3600} hours"
    if code in {-9, 137}:
        return "killed by the system, most likely out of memory"
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    last = re.sub(r"(?<![\w.])/[\w./+@-]+", "…", lines[-1]) if lines else "nothing printed"
    return f"exit code {code}: {last[:200]}"
