"""The command line in a process that was forked from one which has read the heavy libraries already.

Reading torch and transformers takes longer than most of what the tests ask for. The standard library's fork server
reads them once; each command gets a process of its own with its own environment, directory, output and exit code.
What a fresh interpreter alone would show stays with fresh interpreters: start-up, threads' settings, and runs that
are interrupted or killed on their way, whose results must equal those of forked ones.
"""

from __future__ import annotations

import atexit
import faulthandler
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.patience import PROCESS_SECONDS

_FORKS = multiprocessing.get_context("forkserver")
_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "GOMP_SPINCOUNT": "10000"}
"""Read when the libraries are, so the fork server needs them."""


def run(
    arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], limit: float = PROCESS_SECONDS
) -> subprocess.CompletedProcess[str]:
    """Run `sftloop ARGUMENTS` to its end; fail with its stacks if it takes longer than `limit` seconds."""
    with tempfile.TemporaryDirectory() as place:
        out, err = Path(place) / "out", Path(place) / "err"
        process = start(arguments, cwd=cwd, env=env, out=out, err=err)
        process.join(limit)
        late = process.exitcode is None
        if late:
            os.kill(process.pid or 0, signal.SIGABRT)
            process.join(10)
            process.kill()
        texts = [path.read_text(encoding="utf-8") if path.exists() else "" for path in (out, err)]
    if late:
        pytest.fail(f"sftloop {' '.join(arguments)} was still running after {limit} s.\n{texts[1][-8000:]}")
    return subprocess.CompletedProcess(list(arguments), process.exitcode or 0, *texts)


def start(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    out: Path = Path(os.devnull),
    err: Path = Path(os.devnull),
) -> BaseProcess:
    """Start `sftloop ARGUMENTS`, its output going to files."""
    _serve()
    process = _FORKS.Process(target=_command, args=(list(arguments), cwd, dict(env), out, err))
    process.start()
    return process


def _serve() -> None:
    """Have a fork server that reads the libraries on the threads that the commands have."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _THREADS.items():
            patch.setenv(name, value)
        _FORKS.set_forkserver_preload(["tests.warm_imports"])
        forkserver.ensure_running()


def _command(arguments: list[str], cwd: Path, env: dict[str, str], out: Path, err: Path) -> None:
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    for path, stream in ((out, sys.stdout), (err, sys.stderr)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    faulthandler.enable()
    sys.argv = ["sftloop", *arguments]
    from sftloop.cli import main

    try:
        main()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
        atexit._run_exitfuncs()
