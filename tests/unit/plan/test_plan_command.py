"""`sftloop plan memory`: its JSON, its table, its messages, and what it leaves unloaded."""

from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner
from tests.patience import run
from tests.tiny_scenario import write_scenario

from sftloop.cli.main import root
from sftloop.core.errors import ModelError, UsageError
from sftloop.plan import find_config


@pytest.fixture
def case(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SFTLOOP_DTYPE", "fp32")
    return write_scenario(tmp_path / "case")


def ask(*words: str) -> dict:
    answer = CliRunner().invoke(root, ["plan", "memory", *words, "--json"], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_the_keys_that_others_rely_on():
    found = ask("--model", "qwen2.5-7b", "--gpu", "24GB", "--fit")
    assert set(found["components"]) == {
        "weights", "gradients", "optimizer", "activations", "logits", "prefix", "buffers",
    }  # fmt: skip
    assert sum(found["components"].values()) == found["peak_allocated"] == found["instants"][found["instant"]]
    assert set(found["reserved"]) == {"median", "high"}
    assert found["fits"] is False
    assert all(set(rung) == {"step", "saves", "costs", "command"} for rung in found["ladder"])
    assert found["fitted"]["fits"] is True
    assert all(line["formula"] and line["source"] for line in found["lines"])


def test_commands_name_the_model_as_it_was_named():
    name = "Qwen/Qwen2.5-7B-Instruct"
    found = ask("--model", name, "--gpu", "24GB", "--fit")
    assert found["model"] == name and f"--model {name} " in found["fitted"]["command"]
    assert found["ladder"] and all(f"--model {name} " in rung["command"] for rung in found["ladder"])


def test_every_option_is_taken():
    found = ask(
        "--model", "llama-3-8b", "--method", "lora", "--lora-rank", "16", "--lora-targets", "qkvo",
        "--optimizer", "adamw", "--precision", "bf16-mixed", "--micro-batch", "4", "--seq-len", "4096",
        "--attention", "flash", "--loss", "fused", "--checkpointing", "--gpus", "2", "--sharding", "fsdp",
        "--gpu", "a100-80gb",
    )  # fmt: skip
    assert found["peak_allocated"] == pytest.approx(23_383_704_064, rel=1e-3)
    assert found["fits"] is True
    assert found["trained_parameters"] == 13_631_488


def test_a_shared_prefix_is_our_engine():
    found = ask("--model", "qwen2.5-0.5b", "--prefix-len", "1000", "--seq-len", "1100", "--micro-batch", "8")
    assert found["components"]["prefix"] > 0
    with_all = ask("--model", "qwen2.5-0.5b", "--seq-len", "1100", "--micro-batch", "8")
    assert found["peak_allocated"] < with_all["peak_allocated"] / 2


def test_a_configuration_file_and_its_folder(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(find_config("smollm2-135m")))
    for place in (tmp_path, tmp_path / "config.json"):
        assert ask("--model", str(place))["parameters"] == 134_515_008


def test_the_table_adds_up_for_a_reader():
    answer = CliRunner().invoke(root, ["plan", "memory", "--model", "qwen2.5-7b", "--gpu", "24GB", "--fit"])
    assert answer.exit_code == 0
    assert "2 bytes × 7,615,616,512 frozen parameters" in answer.output
    assert "Does not fit into 24.00 GB" in answer.output
    assert "sftloop train SCENARIO --model qwen2.5-7b" in answer.output


def test_one_where_no_plan_fits():
    words = ["plan", "memory", "--model", "qwen2.5-7b", "--gpu", "100MB", "--fit"]
    answer = CliRunner().invoke(root, words)
    assert answer.exit_code == 1
    assert "Even then it does not fit" in answer.output


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (["--model", "qwen2.5-77b"], ModelError, "Did you mean 'qwen2.5-7b'?"),
        (["--model", "qwen2.5-7b", "--gpu", "a100-81gb"], UsageError, "a100-80gb"),
        (["--model", "qwen2.5-7b", "--fit"], UsageError, "--gpu 24GB"),
    ],
)
def test_what_is_wrong_is_said(words, kind, message):
    with pytest.raises(kind) as caught:
        CliRunner().invoke(root, ["plan", "memory", *words], catch_exceptions=False)
    assert message in str(caught.value)


@pytest.mark.parametrize("content", ["{", "[]", '{"model_type": "llama"}'])
def test_a_damaged_configuration(tmp_path, content):
    file = tmp_path / "config.json"
    file.write_text(content)
    with pytest.raises(ModelError, match=r"config\.json"):
        CliRunner().invoke(root, ["plan", "memory", "--model", str(file)], catch_exceptions=False)


def test_an_answer_loads_nothing_heavy():
    code = """
import sys
sys.argv = ["sftloop", "plan", "memory", "--model", "qwen2.5-7b", "--gpu", "24GB", "--fit", "--json"]
from sftloop.cli import main
try:
    main()
except SystemExit:
    print(sorted({"torch", "transformers", "numpy", "pydantic", "rich"} & set(sys.modules)), file=sys.stderr)
"""
    done = run([sys.executable, "-c", code], check=True)
    assert done.stderr.strip() == "[]"


def test_half_the_context_says_that_no_option_does_it():
    found = ask("--model", "qwen2.5-7b", "--method", "lora", "--seq-len", "32768", "--gpu", "24GB", "--fit")
    assert any("half the context" in rung["step"] for rung in found["ladder"])
    assert any("only for records of at most 16,384 tokens" in note for note in found["notes"])


def test_a_scenario_gives_model_method_and_lengths(case):
    """As the proposal counts them; options go over them."""
    found = ask(str(case))
    own = ["--method", "lora", "--batch-size", "12", "--rank", "8"]
    proposed = CliRunner().invoke(root, ["plan", str(case), *own, "--json"])
    assert found["peak_allocated"] == json.loads(proposed.stdout)["memory"]["peak_allocated"]
    assert found["components"]["prefix"] > 0
    every = ask(str(case), "--method", "full")
    assert every["trained_parameters"] == every["parameters"] == found["parameters"]
    assert ask(str(case), "--micro-batch", "1")["peak_allocated"] < found["peak_allocated"]


def test_its_training_section_counts_and_a_gpu_takes_bf16(case):
    other = case / "full.yaml"
    text = (case / "scenario.yaml").read_text()
    other.write_text(
        text.replace(
            "training: {epochs: 10, learning_rate: 0.01, batch_size: 12, rank: 8, alpha: 16}",
            "training: {method: full}",
        )
    )
    full = ask(str(other))
    assert full["trained_parameters"] == full["parameters"]
    here, there = ask(str(case)), ask(str(case), "--gpu", "24GB")
    assert (here["fits"], there["fits"]) == (None, True)
    assert there["components"]["weights"] < 0.7 * here["components"]["weights"]


def test_without_scenario_and_model_both_are_named():
    answer = CliRunner().invoke(root, ["plan", "memory"])
    assert answer.exit_code == 2
    assert "SCENARIO" in answer.output and "--model" in answer.output
