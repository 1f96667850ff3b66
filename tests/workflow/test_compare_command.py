"""`sftloop compare` on the tiny model: raw, tuned with two seeds, another wording, a service, two classifiers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from peft import LoraConfig, get_peft_model

from sftloop.evaluate.holm import holm
from sftloop.models import LocalModel, load_causal_lm, mark_base
from tests.command import call
from tests.servers.misbehaving import Misbehaving
from tests.servers.small_model import SmallModelServer
from tests.workflow.conftest import contents

TFIDF, EMBEDDING = "TF-IDF + logistic regression", "embedding + logistic regression"


def write_adapter(base: Path, target: Path, seed: int) -> Path:
    """Save a LoRA adapter with random weights, large enough to change answers."""
    torch.manual_seed(seed)
    model = load_causal_lm(base, "cpu", torch.float32)
    tuned = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    for name, parameter in tuned.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    tuned.save_pretrained(target)
    mark_base(target, base)
    return target


@pytest.fixture
def adapters(tiny_case: Path, tmp_path: Path) -> list[Path]:
    return [write_adapter(tiny_case / "model", tmp_path / f"seed{seed}", seed) for seed in range(2)]


def compared(case: Path, *arguments: str | Path, code: int = 0) -> dict:
    result = call("compare", case, "--out", "cmp", "--json", *arguments, cwd=case)
    assert result.returncode == code, result.stderr
    assert result.stdout.count("\n") == 1
    found: dict = json.loads(result.stdout)
    return found


def other_wording(case: Path, **labels: str) -> Path:
    scenario = yaml.safe_load((case / "scenario.yaml").read_text())
    scenario["name"] = "short"
    scenario["tasks"]["kind"]["instruction"] = "w99"
    scenario["tasks"]["kind"]["labels"] |= labels
    place = case / "short.yaml"
    place.write_text(yaml.safe_dump(scenario))
    return place


def test_systems_of_every_kind_are_compared_and_none_is_asked_twice(
    own_case: Path, tiny_case: Path, adapters: list[Path]
) -> None:
    model = tiny_case / "model"
    seeds = f"tuned={adapters[0]},{adapters[1]}"
    local = ["--model", model, "--adapter", seeds, "--prompt", other_wording(own_case)]
    suites = ["--export", "promptfoo", "suite.yaml", "--export", "openai-evals", "evals.jsonl"]
    first = compared(own_case, *local, *suites)
    names = [system["name"] for system in first["systems"]]
    assert names == ["model", "model · short", "tuned", TFIDF, EMBEDDING]
    assert [system["kind"] for system in first["systems"]] == ["model"] * 2 + ["adapter"] + ["classifier"] * 2
    for system in first["systems"]:
        assert {"median", "p95"} <= system["latency"].keys()
        assert {"tokens", "cost"} <= system.keys()
        assert system["tasks"]["kind"]["n"] == 18 and system["tasks"]["both"]["n"] == 6
    tuned = first["systems"][2]["tasks"]["kind"]["metrics"]["accuracy"]
    assert len(tuned["values"]) == 2 and tuned["value"] == pytest.approx(sum(tuned["values"]) / 2)
    for task in ("kind", "both"):
        pairs = [pair for pair in first["pairs"] if pair["task"] == task]
        assert len(pairs) == 10
        assert [pair["p_adjusted"] for pair in pairs] == holm([pair["p"] for pair in pairs])
        assert sum(pair["against_best"] for pair in pairs) == 4
    assert first["decision"]["choice"] in {TFIDF, EMBEDDING}, "only they learned the task"
    assert first["decision"]["because"] and first["decision"]["zh"]["because"]
    assert (own_case / first["page"]).stat().st_size > 20_000
    assert len(yaml.safe_load((own_case / "suite.yaml").read_text())["tests"]) == 24
    assert len((own_case / "evals.jsonl").read_text().splitlines()) == 24

    before = {name: text for name, text in contents(own_case / "cmp").items() if "predictions" in name}
    assert len(before) == 6, "one file per system and seed"
    times = {name: (own_case / "cmp" / name).stat().st_mtime_ns for name in before}
    with SmallModelServer(LocalModel.load(model, name="tiny", device="cpu", dtype=torch.float32)) as server:
        service = ["--api", f"tiny@{server.url}", "--price", "tiny=1,2,CNY"]
        cache = {"SFTLOOP_HOME": str(own_case / "home")}
        result = call("compare", own_case, "--out", "cmp", "--json", *local, *service, cwd=own_case, **cache)
        assert result.returncode == 0, result.stderr
        assert server.calls > 0
        assert "tiny: 21 calls, about " in result.stderr, (
            "equal prompts share a call, and that is said before"
        )
    more = json.loads(result.stdout)
    assert times == {name: (own_case / "cmp" / name).stat().st_mtime_ns for name in before}
    api = next(system for system in more["systems"] if system["kind"] == "api" and system["name"] == "tiny")
    raw = more["systems"][0]
    assert raw == first["systems"][0]
    assert api["cost"]["currency"] == "CNY" and api["cost"]["total"] > 0
    assert api["tokens"]["prompt"] > 0
    assert api["tasks"]["both"]["metrics"]["micro_f1"]["value"] == pytest.approx(
        raw["tasks"]["both"]["metrics"]["micro_f1"]["value"]
    )


def test_a_target_that_nothing_meets_ends_with_1_and_says_so(own_case: Path, tiny_case: Path) -> None:
    text = (own_case / "scenario.yaml").read_text()
    target = "    instruction: w13 w14\n    target: {metric: accuracy, at_least: 0.99}\n"
    (own_case / "scenario.yaml").write_text(text.replace("    instruction: w13 w14\n", target))
    arguments = ["--model", tiny_case / "model", "--prompt", other_wording(own_case), "--no-classifiers"]
    result = call("compare", own_case, "--out", "cmp", *arguments, "--task", "kind", cwd=own_case)
    assert result.returncode == 1, result.stderr
    assert "Nothing meets the target\n" in result.stdout
    assert "Next: fine-tune model" in result.stdout
    assert result.stdout.splitlines()[-1] == "Page: cmp/compare.html"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--no-classifiers"], ["two systems"]),
        (["--adapter", "x=missing"], ["missing", "no adapter"]),
        (["--api", "gpt-4"], ["MODEL@URL", "gpt-4"]),
        (["--export", "promptfo", "x.yaml"], ["promptfo", "promptfoo"]),
        (["--prompt", "short.yaml"], ["labels", "w33", "wording"]),
    ],
)
def test_what_cannot_be_compared_is_refused(
    own_case: Path, refused: Callable[..., str], arguments: list[str], told: list[str]
) -> None:
    other_wording(own_case, w33="w40")
    message = refused("compare", own_case, *arguments, cwd=own_case)
    assert all(each in message for each in told), message


def test_a_service_that_is_not_there_shows_before_anything_else_is_asked(
    own_case: Path, tiny_case: Path
) -> None:
    with Misbehaving(model="small") as server:
        systems = ["--model", tiny_case / "model", "--api", f"other@{server.url}", "--no-classifiers"]
        result = call("compare", own_case, "--out", "cmp", *systems, cwd=own_case)
    assert result.returncode == 3 and "no model 'other'" in result.stderr
    asked = [name for name in contents(own_case / "cmp") if "predictions" in name]
    assert all("other" in name for name in asked), "the model on this machine waits"


def test_the_same_command_asks_a_service_again_for_what_it_failed_to_answer(own_case: Path) -> None:
    unlucky: list[dict] = []

    def fate(body: dict) -> str | None:
        unlucky[:] = unlucky or body["messages"]
        return "400" if body["messages"] == unlucky else None

    with Misbehaving(fate_of=fate) as server:
        systems = ["--api", f"small@{server.url}", "--prompt", other_wording(own_case), "--no-classifiers"]
        asked = ("compare", own_case, "--out", "cmp", "--task", "kind", "--limit", "6", *systems)
        cache = {"SFTLOOP_HOME": str(own_case / "home")}
        first = call(*asked, cwd=own_case, **cache)
        assert first.returncode == 0, first.stderr
        told = "small: 2 without an answer; the same command asks again for these alone"
        assert told in first.stdout, "two records with the same prompt share a call"
        assert "gave no answer to 2 records" in (own_case / "cmp" / "compare.html").read_text()
        server.fate_of = lambda body: None
        server.bodies.clear()
        second = call(*asked, "--json", cwd=own_case, **cache)
        assert second.returncode == 0, second.stderr
        assert len(server.bodies) == 1
    assert [system["unanswered"] for system in json.loads(second.stdout)["systems"]] == [0, 0]
    assert "gave no answer" not in (own_case / "cmp" / "compare.html").read_text()
