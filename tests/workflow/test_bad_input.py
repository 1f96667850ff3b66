"""Bad scenarios, data, models, adapters and directories: exit code 2 or 3, one message, every file as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import BertConfig, BertForMaskedLM

from sftloop.models import mark_base
from tests.command import call
from tests.tiny_models import VOCABULARY, tiny_model
from tests.tiny_scenario import tiny_tokenizer

Refused = Callable[..., str]
UNREACHABLE = {
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_RETRIES": "0",
    "PIP_NO_INDEX": "1",
    "PIP_CONFIG_FILE": "/dev/null",
}


def line(number: int) -> Callable[[bytes, bytes], bytes]:
    """Return an edit that replaces one line (from 1)."""

    def edit(text: bytes, new: bytes) -> bytes:
        lines = text.splitlines(keepends=True)
        lines[number - 1] = new + b"\n"
        return b"".join(lines)

    return edit


UNKNOWN_LABEL = b'{"id": "x", "task": "kind", "input": {"text": "w50"}, "answer": {"label": "w300"}}'
GBK = '{"id": "x", "task": "kind", "input": {"text": "你好"}, "answer": {"label": "w30"}}'.encode("gbk")
BAD_FILES = {
    "malformed YAML": ("scenario.yaml", line(5), b"  kind: [", ["scenario.yaml:7", "expected"]),
    "tab in YAML": ("scenario.yaml", line(5), b"\tkind:", ["scenario.yaml:5", "tab"]),
    "unknown key": ("scenario.yaml", line(3), b"sistem: w10", ["scenario.yaml:3", "'sistem'", "'system'"]),
    "GBK scenario": ("scenario.yaml", line(3), "system: 你好".encode("gbk"), ["UTF-8", "line 3", "iconv"]),
    "empty scenario": ("scenario.yaml", None, b"\n", ["scenario.yaml", "empty"]),
    "malformed JSON": ("train.jsonl", line(7), b'{"id": "x",', ["train.jsonl:7", "malformed JSON"]),
    "GBK record": ("validation.jsonl", line(2), GBK, ["validation.jsonl:2", "UTF-8", "0xc4"]),
    "empty data": ("test.jsonl", None, b"", ["test.jsonl", "empty"]),
    "unknown label": ("test.jsonl", line(3), UNKNOWN_LABEL, ["test.jsonl:3", "'w300'", "'w30'"]),
    "no object": ("test.jsonl", line(1), b'["w50", "w30"]', ["test.jsonl:1", "object"]),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_named_with_the_line(own_case: Path, refused: Refused, name: str) -> None:
    file, edit, new, words = BAD_FILES[name]
    path = own_case / file
    path.write_bytes(edit(path.read_bytes(), new) if edit else new)
    message = refused("run", own_case, "--out", "out", cwd=own_case)
    for word in words:
        assert word in message


def test_a_missing_data_file_is_named(own_case: Path, refused: Refused) -> None:
    (own_case / "validation.jsonl").unlink()
    assert "validation.jsonl" in refused("train", own_case, "--out", "out", cwd=own_case)


def test_all_bad_rows_are_listed_at_once(own_case: Path, refused: Refused) -> None:
    path = own_case / "test.jsonl"
    path.write_bytes(line(9)(line(3)(path.read_bytes(), UNKNOWN_LABEL), b"not json"))
    message = refused("eval", own_case, cwd=own_case)
    assert "2 bad rows" in message and "test.jsonl:3" in message and "test.jsonl:9" in message
    assert "--skip-bad" in message


def test_skip_bad_sets_them_aside_and_goes_on(own_case: Path) -> None:
    path = own_case / "test.jsonl"
    damaged = line(9)(line(5)(line(3)(path.read_bytes(), UNKNOWN_LABEL), GBK), b'{"torn": "')
    path.write_bytes(damaged)
    result = call("eval", own_case, "--skip-bad", "--out", "out", "--json", cwd=own_case)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["n"] == 24 - 3
    assert "3 bad rows skipped, kept in" in result.stderr
    rejects = [json.loads(row) for row in (own_case / "test.rejects.jsonl").read_text().splitlines()]
    assert [(row["line"], Path(row["file"]).name) for row in rejects] == [(n, path.name) for n in (3, 5, 9)]
    assert "w300" in rejects[0]["reason"] and rejects[0]["row"]["answer"] == {"label": "w300"}
    assert "UTF-8" in rejects[1]["reason"]
    assert rejects[2]["row"] == '{"torn": "'
    assert path.read_bytes() == damaged


def test_with_nothing_left_skip_bad_is_refused(own_case: Path) -> None:
    (own_case / "test.jsonl").write_text("bad\nworse\n")
    result = call("eval", own_case, "--skip-bad", "--out", "out", cwd=own_case)
    assert result.returncode == 2
    assert "no usable record" in result.stderr and "Traceback" not in result.stderr
    assert not (own_case / "out").exists()


def test_a_model_that_is_nowhere(own_case: Path, refused: Refused) -> None:
    arguments = ("eval", own_case, "--out", "out", "--model")
    assert "'./nowhere'" in refused(*arguments, "./nowhere", cwd=own_case)
    message = refused(*arguments, "smollm2-135m-instrukt", cwd=own_case, SFTLOOP_HOME=str(own_case.parent))
    assert "Did you mean 'smollm2-135m-instruct'?" in message


def test_a_known_model_that_no_source_gives_is_exit_3(own_case: Path, refused: Refused) -> None:
    home = str(own_case.parent / "home")
    outside = {"SFTLOOP_HOME": home, "HF_HOME": home, **UNREACHABLE}
    name = "smollm2-135m-instruct"
    message = refused("eval", own_case, "--model", name, "--out", "out", cwd=own_case, code=3, **outside)
    assert f"'{name}' was not found" in message and "OFFLINE" in message
    assert not [path for path in Path(home).rglob("*") if path.is_file() and path.suffix != ".lock"]


def save_model(directory: Path, kind: str) -> None:
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": VOCABULARY}
    if kind == "pickle":
        model = tiny_model("llama")
        model.config.architectures = ["LlamaForCausalLM"]
        model.config.save_pretrained(directory)
        torch.save(model.state_dict(), directory / "pytorch_model.bin")
    elif kind == "bert":
        BertForMaskedLM(BertConfig(intermediate_size=32, **small)).save_pretrained(directory)
    else:
        tiny_model("llama").save_pretrained(directory)
        weights = directory / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1000])
    if kind != "no tokenizer":
        tiny_tokenizer().save_pretrained(directory)


BAD_MODELS = {
    "bert": ["BertForMaskedLM", "causal"],
    "pickle": ["pytorch_model.bin", "pickle"],
    "damaged": ["model.safetensors", "half copied"],
}


@pytest.mark.parametrize("verb", ["eval", "run"])
@pytest.mark.parametrize("kind", BAD_MODELS)
def test_models_that_can_not_be_used(own_case: Path, refused: Refused, kind: str, verb: str) -> None:
    save_model(own_case / "other", kind)
    message = refused(verb, own_case, "--model", "./other", "--out", "out", cwd=own_case)
    for word in BAD_MODELS[kind]:
        assert word in message


def save_adapter(directory: Path, base: Path, *, seed: int = 0, architecture: str = "llama") -> None:
    """Save an untrained adapter of a random model, marked as trained on what lies in `base`."""
    config = LoraConfig(task_type="CAUSAL_LM", r=4, target_modules="all-linear")
    get_peft_model(tiny_model(architecture, seed), config).save_pretrained(directory)
    if base.exists():
        mark_base(directory, base)


@pytest.mark.parametrize("marked", [True, False], ids=["marked", "from elsewhere"])
def test_an_adapter_of_another_base(own_case: Path, refused: Refused, marked: bool) -> None:
    """With a mark other weights of the same shape are told apart; without one the shapes have to do."""
    base = own_case / "other-base"
    if marked:
        tiny_model("llama", seed=5).save_pretrained(base)
    save_adapter(own_case / "adapter", base, architecture="llama" if marked else "gpt2")
    message = refused("eval", own_case, "--adapter", "adapter", "--out", "out", cwd=own_case)
    assert "'adapter'" in message and "doesn't fit" in message
    assert ("other-base" in message) == marked


def test_an_adapter_in_a_pickle(own_case: Path, refused: Refused) -> None:
    save_adapter(own_case / "adapter", own_case / "none")
    (own_case / "adapter" / "adapter_model.safetensors").rename(own_case / "adapter" / "adapter_model.bin")
    assert "pickle" in refused("eval", own_case, "--adapter", "adapter", "--out", "out", cwd=own_case)


def test_an_adapter_given_as_the_model(own_case: Path, refused: Refused) -> None:
    save_adapter(own_case / "adapter", own_case / "none")
    message = refused("eval", own_case, "--model", "./adapter", "--out", "out", cwd=own_case)
    assert "is an adapter, not a model" in message and "--adapter" in message


def test_a_directory_of_another_run(own_case: Path, refused: Refused) -> None:
    first = call("eval", own_case, "--limit", "2", "--out", "out", cwd=own_case)
    assert first.returncode == 0, first.stderr
    message = refused("eval", own_case, "--limit", "3", "--out", "out", cwd=own_case)
    assert "'out' holds a different run: limit changed" in message
    assert "--out" in message


def test_a_directory_with_other_files(own_case: Path, refused: Refused) -> None:
    (own_case / "photos").mkdir()
    (own_case / "photos" / "cat.jpg").write_bytes(b"x")
    assert "holds no run of sftloop" in refused("eval", own_case, "--out", "photos", cwd=own_case)
