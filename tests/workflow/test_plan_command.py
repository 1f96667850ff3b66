"""`sftloop plan SCENARIO`: a proposal, a plan file, and trainings that follow it unless told otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sftloop.cli.main import root
from sftloop.cli.training_options import chosen, training_options

KEYS = {
    "scenario", "model", "facts", "choices", "training", "memory", "time", "notes", "inputs", "plan", "command",
    "measure",
}  # fmt: skip


@pytest.mark.parametrize(
    ("edit", "arguments", "told"),
    [
        (None, ["--model", "no-such-model"], ["no-such-model"]),
        (("train: train.jsonl, ", ""), [], ["names no train file"]),
        (None, ["--set", "learning_rat=1"], ["learning_rat", "'learning_rate'"]),
        (None, ["--gpu", "a100-81gb"], ["a100-80gb"]),
    ],
)
def test_what_cannot_be_planned_is_refused(
    own_case: Path,
    refused: Callable[..., str],
    edit: tuple[str, str] | None,
    arguments: list[str],
    told: list[str],
) -> None:
    if edit:
        file = own_case / "scenario.yaml"
        file.write_text(file.read_text().replace(*edit))
    message = refused("plan", own_case, *arguments, cwd=own_case)
    assert all(each in message for each in told), message


def test_a_plan_of_another_scenario_is_refused(own_case: Path, refused: Callable[..., str]) -> None:
    (own_case / "plan.json").write_text('{"training": {"epochs": 1}, "scenario": "other"}')
    message = refused("train", own_case, "--plan", "plan.json", cwd=own_case)
    assert "'other'" in message and "'tiny'" in message


@pytest.fixture
def here(own_case: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(own_case)
    monkeypatch.setenv("SFTLOOP_DEVICE", "cpu")
    monkeypatch.setenv("SFTLOOP_DTYPE", "fp32")
    monkeypatch.setenv("SFTLOOP_THREADS", "1")
    return own_case


def invoke(*words: str, code: int = 0) -> str:
    answer = CliRunner().invoke(root, ["plan", *words], catch_exceptions=False)
    assert answer.exit_code == code, answer.output
    return answer.output


def test_the_rate_is_that_of_the_method_as_it_is_set(here: Path) -> None:
    plain, ranked = (
        json.loads(invoke(".", "--method", "lora", *more, "--json"))["training"]
        for more in ([], ["--set", "rslora=true"])
    )
    assert ranked["rslora"] and ranked["learning_rate"] == pytest.approx(plain["learning_rate"] / 4, rel=0.05)


def test_a_training_follows_the_plan_and_the_next_plan_learns_its_time(here: Path) -> None:
    plan = json.loads(invoke(".", "--epochs", "2", "--json"))
    assert set(plan) == KEYS
    assert json.loads((here / plan["plan"]).read_text()) == plan
    assert plan["facts"]["records"] == {"kind": 72, "both": 24}
    assert plan["memory"]["fits"] and plan["memory"]["components"]["weights"] > 0
    assert plan["time"] is None
    by_name = {choice["name"]: choice for choice in plan["choices"]}
    assert by_name["method"]["value"] == "full" and by_name["method"]["row"] == "H8"
    assert by_name["batch_size"]["scenario_says"] == 12 and by_name["batch_size"]["value"] == 16
    assert all(choice["because"] and choice["because_zh"] for choice in plan["choices"])

    words = [
        "train",
        ".",
        "--plan",
        plan["plan"],
        "--learning-rate",
        "0.002",
        "--set",
        "patience=1",
        "--json",
    ]
    trained = CliRunner().invoke(root, words, catch_exceptions=False)
    assert trained.exit_code == 0, trained.output
    result = json.loads(trained.stdout)
    settings = result["settings"]
    assert result["method"] == "full" and settings["batch_size"] == 16, "the plan, not the scenario"
    assert settings["learning_rate"] == 0.002 and settings["patience"] == 1, "flags, not the plan"
    assert settings["epochs"] == 2 and settings["schedule"] == "cosine"

    timed = json.loads(invoke(".", "--epochs", "2", "--json"))
    assert timed["plan"] == plan["plan"], "the same question, the same run"
    assert timed["time"]["from"] == [result["run"]]
    assert timed["time"]["train"]["low"] <= result["seconds"] <= timed["time"]["train"]["high"]
    assert {**timed, "time": None} == plan


def test_the_table_and_the_command_that_follows(here: Path) -> None:
    shown = invoke(".", "--task", "kind", "--limit", "30")
    assert "tiny: 30 training records" in shown
    assert "(scenario.yaml: 12)" in " ".join(shown.split())
    assert max(map(len, shown.splitlines()[3:-3])) <= 100
    assert (
        "Memory: fits" in shown and "To measure its time: sftloop plan time . --plan runs/plan-tiny-" in shown
    )
    command = shown.splitlines()[-1]
    assert command.startswith("Next: sftloop run . --plan runs/plan-tiny-")
    assert command.endswith("--task kind --limit 30")
    assert invoke("propose", ".", "--task", "kind", "--limit", "30") == shown
    assert invoke("--limit", "30", ".", "--task", "kind") == shown, "options may come first"


def test_a_plan_that_does_not_fit_is_written_and_exits_with_1(here: Path) -> None:
    shown = invoke(".", "--model", "qwen2.5-7b-instruct", "--gpu", "2GB", code=1)
    assert "Memory: does not fit" in shown
    assert "largest known model that does is qwen3-1.7b (--model qwen3-1.7b)" in " ".join(shown.split())
    assert next(Path("runs").glob("plan-*/plan.json")).exists()


def test_the_largest_that_fits_is_taken_when_asked_for(here: Path) -> None:
    plan = json.loads(invoke(".", "--model", "largest", "--gpu", "24GB", "--json"))
    assert plan["model"] == "qwen3-8b" and plan["memory"]["fits"]
    assert plan["training"]["method"] in {"lora", "qlora"}


def test_help_names_the_parts_and_a_misspelt_part_is_no_scenario(here: Path) -> None:
    shown = invoke("--help")
    assert "propose" in shown and "memory" in shown
    with pytest.raises(click.UsageError, match="Did you mean 'plan memory'"):
        CliRunner().invoke(root, ["plan", "memroy"], catch_exceptions=False, standalone_mode=False)


def read(case: Path, content: dict, *words: str) -> tuple[dict, str | None, str]:
    """Return what a command that takes a plan gets to see: its settings, its model, and what was said."""
    (case / "plan.json").write_text(json.dumps(content))
    seen: dict = {}

    @click.command
    @click.argument("scenario", type=click.Path(path_type=Path))
    @click.option("--model")
    @training_options
    def take(scenario: Path, model: str | None, **values: object) -> None:
        seen.update(settings=chosen(dict(values)), model=model)

    answer = CliRunner().invoke(take, [str(case), "--plan", "plan.json", *words], catch_exceptions=False)
    return seen["settings"], seen["model"], answer.stderr


def test_the_order_flag_set_plan(here: Path) -> None:
    plan = {"training": {"method": "lora", "rank": 4, "learning_rate": 0.1, "epochs": 5}}
    settings, model, said = read(here, plan, "--set", "epochs=6", "--epochs", "7", "--set", "seed=2")
    assert settings == {"method": "lora", "rank": 4, "learning_rate": 0.1, "epochs": 7, "seed": "2"}
    assert model is None and said == ""
    other, _, _ = read(here, plan, "--method", "full")
    assert other == {"method": "full", "epochs": 5}, "rank and rate belong to the plan's own method"


def test_the_plans_model_is_taken_unless_another_is_named(here: Path) -> None:
    plan = {"training": {}, "scenario": "tiny", "model": "planned", "inputs": {"train": "old"}}
    _, model, said = read(here, plan)
    assert model == "planned"
    assert "Model: planned, from the plan" in said and "have changed since the plan" in said
    _, model, said = read(here, plan, "--model", "mine")
    assert model == "mine" and "made for planned" in said
