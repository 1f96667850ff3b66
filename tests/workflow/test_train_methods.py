"""Every method through the command line: it trains, its adapter evaluates, resumes exactly, and can be merged."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from tests import warm
from tests.command import call, environment
from tests.patience import CLOSING_SECONDS, PROCESS_SECONDS
from tests.tiny_scenario import write_scenario

METHODS = {
    "dora": ("lora", "--set", "dora=true", "--set", "rslora=true", "--rank", "4"),
    "lora+": ("lora+", "--learning-rate", "0.002", "--set", "ratio=8"),
    "pissa": ("pissa", "--learning-rate", "0.01"),
    "plora": ("plora", "--learning-rate", "0.01", "--set", "period=2"),
    "qlora": ("qlora", "--learning-rate", "0.01"),
    "ptuning": ("ptuning", "--learning-rate", "0.01", "--set", "virtual_tokens=6"),
    "prefix": ("prefix", "--learning-rate", "0.1"),
    "prompt": ("prompt", "--learning-rate", "0.3"),
}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenario(tmp_path_factory.mktemp("methods"))


def train(case: Path, out: str, *arguments: str) -> dict:
    result = call("train", case, "--out", out, "--json", "--method", *arguments, cwd=case)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def losses(run: Path) -> list[float]:
    return [row["loss"] for row in json.loads((run / "train/history.json").read_text()) if "loss" in row]


def evaluate(case: Path, out: str, *arguments: str) -> tuple[float, dict[str, dict]]:
    """Return the accuracy and the predictions by record."""
    result = call("eval", case, "--task", "kind", "--out", out, "--json", *arguments, cwd=case)
    assert result.returncode == 0, result.stderr
    rows = map(json.loads, (case / out / "predictions.jsonl").read_text().splitlines())
    found = json.loads(result.stdout)["tasks"]["kind"]["metrics"]["accuracy"]["value"]
    return found, {row["id"]: row for row in rows}


@pytest.mark.parametrize("name", METHODS)
def test_it_trains_and_its_adapter_evaluates(case: Path, name: str) -> None:
    found = train(case, name, *METHODS[name])
    assert found["method"] == METHODS[name][0]
    assert found["shared_prefix"] is True
    assert 0 < found["trainable_parameters"] < found["parameters"]
    course = losses(case / name)
    assert sum(course[-8:]) < 0.7 * sum(course[:8])
    again, _ = evaluate(case, f"{name}-again", "--adapter", f"{name}/train/adapter", "--split", "validation")
    scores = json.loads((case / name / "train/history.json").read_text())
    best = max((row for row in scores if "eval_score" in row), key=lambda row: row["eval_score"])
    assert abs(again - best["eval_kind"]) <= 1.01 / 9, (
        "what was saved is what was validated, to a record of nine"
    )


@pytest.mark.parametrize("name", ["pissa", "plora", "full", "head"])
def test_killed_it_goes_on_exactly(case: Path, name: str) -> None:
    """Loss for loss and bit for bit what an uninterrupted training gives."""
    full = ("full", "--learning-rate", "0.003")
    arguments = {**METHODS, "full": full, "head": (*full, "--set", "head=true")}[name]
    whole = f"{name}-whole"
    train(case, whole, *arguments)
    out = f"{name}-killed"
    draw, kills = random.Random(name), 0
    for _ in range(3):
        process = warm.start(
            ["train", str(case), "--out", out, "--method", *arguments], cwd=case, env=environment()
        )
        end = time.monotonic() + PROCESS_SECONDS
        while process.is_alive() and not (case / out / "train/checkpoints").exists():
            assert time.monotonic() < end, "no checkpoint"
            time.sleep(0.05)
        time.sleep(draw.uniform(0.0, 4.0) if kills else draw.uniform(0.0, 1.0))
        kills += process.is_alive()
        process.kill()
        process.join(CLOSING_SECONDS)
    train(case, out, *arguments)
    assert kills > 0
    assert losses(case / out) == losses(case / whole)
    written = {path.relative_to(case / whole) for path in (case / whole / "train").glob("*/*.safetensors")}
    assert len(written) == 1 + (name == "head"), "weights, and heads beside them"
    for file in written:
        assert (case / out / file).read_bytes() == (case / whole / file).read_bytes()


def test_merged_it_answers_the_same(case: Path) -> None:
    train(case, "merging", *METHODS["pissa"])
    adapter = "merging/train/adapter"
    result = call("merge", case, "--adapter", adapter, "--out", "merged", "--json", cwd=case)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["output"] == "merged"
    _, beside = evaluate(case, "beside", "--adapter", adapter)
    _, within = evaluate(case, "within", "--model", str(case / "merged"))
    assert beside.keys() == within.keys()
    for key, row in beside.items():
        assert row["probabilities"] == pytest.approx(within[key]["probabilities"], abs=1e-4)
    again = call("merge", case, "--adapter", adapter, "--out", "merged", cwd=case)
    assert again.returncode == 2
    assert "exists already" in again.stderr


@pytest.mark.parametrize("method", ["lora", "full"])
def test_heads_answer_instead_of_text(case: Path, method: str) -> None:
    rate = "0.003" if method == "full" else "0.01"
    found = train(case, f"head-{method}", method, "--learning-rate", rate, "--set", "head={dropout: 0.1}")
    assert found["head"]["dropout"] == 0.1
    history = json.loads((case / f"head-{method}" / "train/history.json").read_text())
    assert [row["step"] for row in history if "eval_score" in row][:2] == [0, 8], "also as they start"
    where = ["--adapter", f"head-{method}"]
    score, rows = evaluate(case, f"head-{method}-again", *where)
    assert score >= 0.8
    assert all(row.get("text") is None for row in rows.values())
    assert all(sum(row["probabilities"].values()) == pytest.approx(1) for row in rows.values())


def test_heads_merge_with_their_model(case: Path) -> None:
    train(case, "head-merge", "lora", "--set", "head=true", "--epochs", "2")
    adapter = "head-merge/train/adapter"
    result = call("merge", case, "--adapter", adapter, "--out", "head-merged", cwd=case)
    assert result.returncode == 0, result.stderr
    _, beside = evaluate(case, "head-beside", "--adapter", adapter)
    _, within = evaluate(case, "head-within", "--model", str(case / "head-merged"))
    for key, row in beside.items():
        assert row["probabilities"] == pytest.approx(within[key]["probabilities"], abs=1e-4)


def test_virtual_tokens_cannot_be_merged(case: Path) -> None:
    train(case, "virtual", *METHODS["prompt"], "--epochs", "1")
    result = call("merge", case, "--adapter", "virtual/train/adapter", "--out", "never", cwd=case)
    assert result.returncode == 2
    assert "virtual tokens" in result.stderr
    assert not (case / "never").exists()


@pytest.mark.parametrize(
    "pairs", [("optimizer=adam-then-momentum", "switch_at=0.3"), ("optimizer=adafactor", "recompute=true")]
)
def test_settings_reach_the_trainer(case: Path, pairs: tuple[str, ...]) -> None:
    options = [part for pair in pairs for part in ("--set", pair)]
    name = pairs[0].partition("=")[2]
    result = call("train", case, "--out", name, "--json", "--epochs", "3", *options, cwd=case)
    assert result.returncode == 0, result.stderr
    settings = json.loads(result.stdout)["settings"]
    for pair in pairs:
        key, _, value = pair.partition("=")
        assert str(settings[key]).lower() == value
    assert ("hands over" in result.stderr) == ("switch_at=0.3" in pairs)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--method", "lorra"], "Did you mean 'lora'"),
        (["--method", "full", "--rank", "4"], "'rank' belongs to"),
        (["--set", "weight_decy=1"], "Did you mean 'weight_decay'"),
        (["--set", "rank=abc"], "must be a whole number"),
        (["--set", "rank"], "takes KEY=VALUE"),
        (["--set", "switch_at=0.5"], "belongs to optimizer"),
        (["--set", "task_weights={kind: -1}"], "greater than 0"),
        (["--set", "task_weights={knd: 2}"], "no task 'knd'"),
        (["--set", "optimizer=adamw-8bit"], "NVIDIA GPU"),
        (["--set", "head={loss: foo}"], "no loss 'foo'"),
        (["--set", "head={activation: softmax}"], "softmax is for one label"),
        (["--set", "head={dropout: 2}"], "training.head.dropout"),
        (["--method", "prompt", "--no-shared-prefix", "--set", "head=true"], "needs the shared prefix"),
    ],
)
def test_wrong_choices_are_explained(case: Path, tmp_path: Path, arguments: list[str], words: str) -> None:
    result = call("train", case, "--out", tmp_path / "run", *arguments, cwd=case)
    assert result.returncode == 2, result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr
