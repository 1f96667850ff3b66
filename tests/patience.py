"""No test waits for ever: its processes and threads have a limit, and what outlives it is shown.

The limits are far above what anything takes, on a busy machine too; they end what hangs and judge no speed. Tests
themselves are ended by pytest-timeout.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

PROCESS_SECONDS = 300
CLOSING_SECONDS = 60
"""For a thread or server that was told to end."""


def run(
    command: Sequence[str | Path], *, check: bool = False, limit: float = PROCESS_SECONDS, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end as `subprocess.run` does, its output taken as text.

    Args:
        command: the program and its arguments.
        check: the exit code must be 0.
        limit: seconds.
        options: as `subprocess.Popen` takes them.
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = start(command, **(pipes | options))
    out, err = finish(process, limit)
    if check and process.returncode:
        pytest.fail(f"{command} ended with {process.returncode}:\n{err}")
    return subprocess.CompletedProcess(list(command), process.returncode, out, err)


def start(
    command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, **options: Any
) -> subprocess.Popen[Any]:
    """Start a process that shows where it is when `finish` loses patience; end it with `finish` or `kill`."""
    known = os.environ if env is None else env
    return subprocess.Popen(command, env={**known, "PYTHONFAULTHANDLER": "1"}, **options)


def finish(process: subprocess.Popen[Any], limit: float = PROCESS_SECONDS) -> tuple[Any, Any]:
    """Wait for a process and return its output; fail with its threads' stacks if it doesn't end."""
    try:
        return process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.send_signal(getattr(signal, "SIGABRT", signal.SIGTERM))
        said: tuple[Any, Any] = ("(it did not say)", "")
        with suppress(subprocess.TimeoutExpired):
            said = process.communicate(timeout=10)
        pytest.fail(
            f"{process.args!r} was still running after {limit} s. {str(said[0])[-2000:]}\n{str(said[1])[-8000:]}"
        )
    finally:
        if process.poll() is None:
            process.kill()


def kill(process: subprocess.Popen[Any]) -> None:
    """End a process at once, as `kill -9` does."""
    process.kill()
    process.wait(timeout=CLOSING_SECONDS)


def ended(thread: threading.Thread) -> None:
    """Wait for a thread that was told to end."""
    thread.join(CLOSING_SECONDS)
    if thread.is_alive():
        pytest.fail(f"the thread {thread.name} did not end within {CLOSING_SECONDS} s")
