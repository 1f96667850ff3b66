"""A tiny scenario with its model, and what a refused command must leave behind: one message and nothing else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import call
from tests.tiny_scenario import write_scenario


@pytest.fixture(scope="session")
def tiny_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scenario of 96 training records and a model; tests read it and write elsewhere."""
    return write_scenario(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def own_case(tiny_case: Path, tmp_path: Path) -> Path:
    """A copy of scenario and records that a test may damage; the model stays where it is."""
    directory = tmp_path / "case"
    shutil.copytree(tiny_case, directory, ignore=shutil.ignore_patterns("model"))
    return directory


def contents(directory: Path) -> dict[str, bytes]:
    """Return every file below a directory, by its path."""
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


@pytest.fixture
def refused() -> Callable[..., str]:
    """Run a command that must fail with one message and leave every file as it was; return the message."""

    def run(*arguments: str | Path, cwd: Path, code: int = 2, **environment: str) -> str:
        before = contents(cwd)
        result = call(*arguments, cwd=cwd, **environment)
        assert result.returncode == code, result.stderr
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        lines = result.stderr.splitlines()
        [start] = [number for number, line in enumerate(lines) if line.startswith("Error: ")]
        message = lines[start:]
        assert message[-1].startswith("  → ") or re.search(r":\d+: ", message[0]), (
            "neither a place nor a step"
        )
        assert contents(cwd) == before
        return "\n".join(message)

    return run
