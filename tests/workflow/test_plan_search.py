"""`sftloop plan search` on the tiny model: the plan it writes, going on after a kill, what it refuses."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import SFTLOOP, call, environment
from tests.patience import kill, start

PATIENCE_SECONDS = 120
FIXED = (
    "batch_size=12",
    "learning_rate=0.01",
    "alpha=16",
    "warmup=0.05",
    "weight_decay=0",
    "optimizer=adamw",
)
SHORT = ("--epochs", "1", "--minutes", "5", "--seeds", "1", "--json")
"""Only the rank is left to search, so that it ends long before the minutes do."""
SHORT += tuple(part for pair in FIXED for part in ("--set", pair))


@pytest.fixture(scope="module")
def found(tiny_case: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """A search that is killed in its second trial and started again."""
    place = tmp_path_factory.mktemp("search")
    command = [*SFTLOOP, "plan", "search", str(tiny_case), *SHORT, "--out", "run"]
    quiet = subprocess.DEVNULL
    process = start(command, cwd=place, env=environment(), stdout=quiet, stderr=quiet)
    end = time.monotonic() + PATIENCE_SECONDS
    while len(list(place.glob("run/trials/*"))) < 3 and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    kill(process)
    before = {path: path.stat().st_mtime_ns for path in place.glob("run/trials/*/predictions.jsonl")}
    result = call("plan", "search", tiny_case, *SHORT, "--out", "run", cwd=place)
    assert result.returncode == 0, result.stderr
    assert before, "nothing was finished before the kill"
    assert {path: path.stat().st_mtime_ns for path in before} == before, "a finished training was done again"
    return place, json.loads(result.stdout)


def test_the_default_plan_comes_first_and_what_is_written_is_not_worse(found: tuple[Path, dict]) -> None:
    _, result = found
    assert result["trials"][0]["stage"] == "default"
    assert result["trials"][0]["values"] == {}
    scores = result["finals"]["scores"]
    if result["chosen"] == "searched":
        assert sum(scores["searched"]) > sum(scores["default"])
    elif scores:
        assert sum(scores["searched"]) <= sum(scores["default"])
    assert result["verdict"] in {"better", "worse", "mixed", "inconclusive", "nothing_else"}
    for task in result["tasks"]:
        assert {row["name"] for row in task["rows"]} == {"searched", "default"}
        assert [one["against"] for one in task["verdicts"]] == ["default"]


def test_what_is_fixed_stays_and_the_weights_are_gone(found: tuple[Path, dict]) -> None:
    place, result = found
    assert all("epochs" not in trial["values"] for trial in result["trials"])
    assert list(place.rglob("*.safetensors")) == []
    assert (place / "run/plan.html").stat().st_size > 10_000


def test_asked_again_it_gives_what_it_found(found: tuple[Path, dict], tiny_case: Path) -> None:
    place, result = found
    before = {path: path.stat().st_mtime_ns for path in place.rglob("run/*") if path.is_file()}
    again = call("plan", "search", tiny_case, *SHORT, "--out", "run", cwd=place)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == result
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_train_takes_the_plan(found: tuple[Path, dict], tiny_case: Path, tmp_path: Path) -> None:
    place, result = found
    plan = json.loads((place / "run/plan.json").read_text())
    assert plan["training"] == result["training"]
    assert (plan["scenario"], plan["model"]) == (result["scenario"], result["model"])
    assert set(plan["inputs"]) >= {"train", "model"}
    assert shlex.split(result["command"]) == [
        "sftloop", "run", str(tiny_case), "--plan", str(Path("run/plan.json")),
    ]  # fmt: skip
    done = call(
        "train",
        tiny_case,
        "--plan",
        place / "run/plan.json",
        "--epochs",
        "1",
        "--out",
        "train",
        "--json",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["settings"]["batch_size"] == plan["training"].get("batch_size", 12)


def test_a_budget_below_the_default_plan_is_refused(own_case: Path) -> None:
    result = call("plan", "search", own_case, "--minutes", "0.001", "--out", "run", cwd=own_case)
    assert result.returncode == 2
    assert "too short" in result.stderr
    assert "--minutes" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["learning-curve", "--methods", "lora,ful"], ["'ful'", "'full'"]),
        (["learning-curve", "--methods", "lora"], ["compares methods"]),
        (["shrink", "--models", "model,other"], ["No task states a target", "at_least"]),
    ],
)
def test_what_makes_no_sense_is_refused(
    own_case: Path, refused: Callable[..., str], arguments: list[str], told: list[str]
) -> None:
    message = refused("plan", arguments[0], own_case, *arguments[1:], cwd=own_case)
    assert all(each in message for each in told), message
