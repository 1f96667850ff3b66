"""`sftloop models list` and `pull` through the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.patience import run


@pytest.fixture
def sftloop(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def call(*words: str) -> subprocess.CompletedProcess[str]:
        home = str(tmp_path / "home")
        environment = {"PATH": "", "SFTLOOP_HOME": home, "HF_HOME": home, "SFTLOOP_OFFLINE": "1"}
        command = [sys.executable, "-c", "from sftloop.cli import main; main()", "models", *words]
        return run(command, env=environment)

    return call


def test_list_names_every_model(sftloop: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = sftloop("list")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["NAME", "PARAMETERS", "LANGUAGES", "LICENCE", "DOWNLOAD", "WHERE"]
    assert any(line.startswith("smollm2-135m-instruct") and "hub or packages" in line for line in lines)


def test_list_as_json_knows_what_is_here(
    sftloop: Callable[..., subprocess.CompletedProcess[str]], save_model: Callable[..., Path], tmp_path: Path
) -> None:
    path = save_model("home/models/qwen3-0.6b", "qwen3")
    found = json.loads(sftloop("list", "--json").stdout)
    where = {row["name"]: (row["where"], row["path"]) for row in found["models"]}
    assert where["qwen3-0.6b"] == ("cached", str(path))
    assert where["qwen3-1.7b"] == ("hub", None)
    assert found["cache"] == str(tmp_path / "home")


def test_pull_of_a_model_that_is_here(
    sftloop: Callable[..., subprocess.CompletedProcess[str]], save_model: Callable[..., Path]
) -> None:
    path = save_model("home/models/qwen3-0.6b", "qwen3")
    (path / "provenance.json").write_text('{"source": "hugging_face"}')
    found = json.loads(sftloop("pull", "qwen3-0.6b", "--json").stdout)
    assert (found["path"], found["source"]) == (str(path), "hugging_face")
    assert found["bytes"] == sum(file.stat().st_size for file in path.iterdir())


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("qwen3-0.6b", 3, "SFTLOOP_OFFLINE"),
        ("qwen3-0.5b", 2, "Did you mean 'qwen3-0.6b'?"),
        ("./gone", 2, "There is no model directory './gone'"),
    ],
)
def test_pull_that_fails_says_why_without_traceback(
    sftloop: Callable[..., subprocess.CompletedProcess[str]], name: str, code: int, words: str
) -> None:
    done = sftloop("pull", name)
    assert done.returncode == code
    assert done.stdout == ""
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_list_loads_no_torch(sftloop: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    imports = "import sys; from sftloop.workflow.models import listed_models"
    code = f"{imports}; listed_models(); print('torch' in sys.modules)"
    done = run([sys.executable, "-c", code], check=True)
    assert done.stdout == "False\n"
