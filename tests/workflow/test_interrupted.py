"""Ctrl-C at any moment: exit code 130, one line, and the same command goes on to the same end."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import SFTLOOP, call, environment, without_stamps
from tests.patience import finish, start

SHORT = ("--epochs", "3", "--json")
PATIENCE_SECONDS = 60


def begun(run: Path) -> bool:
    return (run / "manifest.json").exists()


def evaluating(run: Path) -> bool:
    predictions = run / "before" / "predictions.jsonl"
    return predictions.exists() and predictions.stat().st_size > 0


def training(run: Path) -> bool:
    return (run / "train" / "adapter" / "best.json").exists()


def interrupt(case: Path, run: Path, when: Callable[[Path], bool]) -> tuple[int, str]:
    """Start the run, press Ctrl-C as soon as `when` holds, and return exit code and standard error."""
    command = [*SFTLOOP, "run", str(case), *SHORT, "--out", str(run)]
    process = start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    end = time.monotonic() + PATIENCE_SECONDS
    while not when(run) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    out, err = finish(process)
    assert out == ""
    return process.returncode, err


@pytest.fixture(scope="module")
def whole(tiny_case: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    place = tmp_path_factory.mktemp("whole")
    result = call("run", tiny_case, *SHORT, "--out", "run", cwd=place)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_interrupted_three_times_it_ends_with_the_same_results(
    tiny_case: Path, whole: dict, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    for when in (begun, evaluating, training):
        code, err = interrupt(tiny_case, run, when)
        assert code == 130, err
        assert err.splitlines()[-1] == "Interrupted. The same command goes on from here."
        assert "Traceback" not in err and "Exception ignored" not in err and "Error" not in err
        assert not (run / "summary.json").exists()
    result = call("run", tiny_case, *SHORT, "--out", run, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert without_stamps(json.loads(result.stdout)) == without_stamps(whole)
    assert [path.name for path in run.rglob("*.part")] == []
