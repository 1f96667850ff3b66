"""The whole loop through the command line, on a tiny model: it learns, resumes, refuses nonsense."""

from __future__ import annotations

import json
import random
import subprocess
import time
from pathlib import Path

import pytest

from tests.command import SFTLOOP, call, environment, without_stamps
from tests.patience import kill, start
from tests.tiny_scenario import write_scenario


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenario(tmp_path_factory.mktemp("case"))


@pytest.fixture(scope="module")
def finished(case: Path) -> dict:
    result = call("run", case, "--out", "whole", "--json", cwd=case)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_one_object_on_stdout_and_a_report(finished: dict, case: Path) -> None:
    assert {"scenario", "model", "method", "tasks", "train", "report"} <= set(finished)
    task = finished["tasks"]["kind"]
    assert {"before", "after", "paired", "linear"} <= set(task)
    assert {"difference", "low", "high", "p", "test"} <= set(task["paired"])
    assert {"seconds", "records", "prefix_tokens", "suffix_tokens", "peak_memory_bytes"} <= set(
        finished["train"]
    )
    assert (case / "whole" / "report.html").stat().st_size > 10_000
    assert json.loads((case / "whole" / "summary.json").read_text()) == finished


def test_it_learns(finished: dict) -> None:
    task = finished["tasks"]["kind"]
    assert task["after"]["metrics"]["accuracy"]["value"] >= 0.9
    assert task["after"]["format_valid"] == 1.0


def agree_but_for_rounding(losses: list[float], others: list[float]) -> None:
    """Rounding adds up over the steps; nothing else may differ."""
    assert losses[:20] == pytest.approx(others[:20], rel=1e-4)
    assert losses == pytest.approx(others, rel=1e-2)


def test_plain_path_logs_the_same_losses(finished: dict, case: Path) -> None:
    result = call("train", case, "--no-shared-prefix", "--out", "plain", "--json", cwd=case)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["shared_prefix"] is False
    losses = [
        [row["loss"] for row in json.loads((case / name).read_text()) if "loss" in row]
        for name in ("whole/train/history.json", "plain/train/history.json")
    ]
    agree_but_for_rounding(*losses)


def test_a_training_says_which_weights_it_kept(case: Path) -> None:
    arguments = ("train", case, "--epochs", "2", "--out", "kept")
    said = call(*arguments, cwd=case)
    assert said.returncode == 0, said.stderr
    best = json.loads(call(*arguments, "--json", cwd=case).stdout)["best"]
    assert f"best validation score {best['score']:.3f}, after step {best['step']}\n" in said.stdout
    history = json.loads((case / "kept/train/history.json").read_text())
    assert best["score"] == max(row["eval_score"] for row in history if "eval_score" in row)


@pytest.mark.parametrize("tokens", ["20", "4096"])
def test_losses_do_not_depend_on_the_micro_batch(finished: dict, case: Path, tokens: str) -> None:
    out = f"micro-{tokens}"
    result = call("train", case, "--micro-batch-tokens", tokens, "--out", out, "--json", cwd=case)
    assert result.returncode == 0, result.stderr
    losses = [
        [row["loss"] for row in json.loads((case / name).read_text()) if "loss" in row]
        for name in ("whole/train/history.json", f"{out}/train/history.json")
    ]
    agree_but_for_rounding(*losses)


def test_killed_five_times_it_ends_with_the_same_results(finished: dict, case: Path) -> None:
    """`kill -9` at random moments; the same command goes on, and nothing differs in the end."""
    draw = random.Random(7)
    command = [*SFTLOOP, "run", str(case), "--out", "killed", "--json"]
    kills = 0
    for _ in range(5):
        process = start(
            command, cwd=case, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(draw.uniform(2.0, 7.0))
        if process.poll() is None:
            kills += 1
        kill(process)
    result = call("run", case, "--out", "killed", "--json", cwd=case)
    assert result.returncode == 0, result.stderr
    assert kills > 0
    assert without_stamps(json.loads(result.stdout)) == without_stamps(finished)


def test_full_fine_tuning(case: Path) -> None:
    result = call(
        "run", case, "--method", "full", "--learning-rate", "0.003", "--out", "full", "--json", cwd=case
    )
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["method"] == "full"
    assert summary["tasks"]["kind"]["paired"]["after"] >= 0.9
    assert (case / "full" / "train" / "model" / "model.safetensors").exists()


def test_an_adapter_gives_the_same_predictions_again(finished: dict, case: Path) -> None:
    result = call(
        "eval", case, "--adapter", case / "whole/train/adapter", "--out", "again", "--json", cwd=case
    )
    assert result.returncode == 0, result.stderr
    lines = [
        (case / name).read_text().splitlines()
        for name in ("again/predictions.jsonl", "whole/after/predictions.jsonl")
    ]
    first, second = (
        sorted(json.dumps(without_stamps(json.loads(x)), sort_keys=True) for x in part) for part in lines
    )
    assert first == second


WRONG = {
    "no scenario": (["run", "nowhere"], 2, "nowhere"),
    "other run's directory": (["run", ".", "--epochs", "1", "--out", "whole"], 2, "different run"),
    "unknown model": (["eval", ".", "--model", "qwen99"], 2, "qwen99"),
    "unknown task": (["eval", ".", "--task", "kin"], 2, "kin"),
    "unknown method": (["train", ".", "--method", "lorra"], 2, "lorra"),
    "no adapter there": (["eval", ".", "--adapter", "nothing"], 2, "nothing"),
    "unknown verb": (["evall", "."], 2, "eval"),
    "rank for full": (["train", ".", "--method", "full", "--rank", "4"], 2, "rank"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_one_message(finished: dict, case: Path, name: str) -> None:
    arguments, code, word = WRONG[name]
    result = call(*arguments, cwd=case)
    assert result.returncode == code, result.stderr
    assert word in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_diverging_loss_names_the_records(case: Path) -> None:
    result = call("train", case, "--learning-rate", "1e30", "--out", "diverged", cwd=case)
    assert result.returncode == 2
    assert "train-" in result.stderr and "learning rate" in result.stderr


@pytest.mark.parametrize(("at_least", "code"), [(1.0, 1), (0.0, 0)])
def test_a_missed_target_is_exit_code_1(case: Path, at_least: float, code: int) -> None:
    """The untouched model has not learned the task: one target is out of reach, the other always met."""
    target = f"    kind: choice\n    target: {{metric: accuracy, at_least: {at_least}}}\n"
    strict = case / f"strict-{at_least}.yaml"
    strict.write_text((case / "scenario.yaml").read_text().replace("    kind: choice\n", target))
    result = call("eval", strict, "--task", "kind", "--out", strict.stem, cwd=case)
    assert result.returncode == code, result.stderr
    assert ("not met" in result.stdout) == (code == 1)
    assert "Error" not in result.stderr
