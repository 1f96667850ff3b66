"""Directories that are no usable model are refused, each with its own reason and next step."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sftloop.core.errors import ModelError
from sftloop.models.directory import check_model_directory
from sftloop.models.encode import PromptEncoder
from sftloop.models.load import load_causal_lm
from sftloop.models.resolve import resolve_model
from sftloop.workflow.base_model import base_model


def test_a_model_directory_is_its_own_answer(model: Path) -> None:
    assert resolve_model(str(model)) == model


def test_a_directory_wins_over_a_catalogue_name(
    save_model: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_model("smollm2-135m-instruct")
    monkeypatch.chdir(tmp_path)
    assert resolve_model("smollm2-135m-instruct").resolve() == tmp_path / "smollm2-135m-instruct"


def test_a_file_is_no_model(model: Path) -> None:
    with pytest.raises(ModelError, match="is a file, not a model directory"):
        resolve_model(str(model / "config.json"))


def test_an_empty_directory_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is not a model: it has no config\.json"):
        check_model_directory(tmp_path)


def test_an_adapter_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"is an adapter, not a model.*--adapter"):
        check_model_directory(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "", "\xff"])
def test_a_malformed_configuration_names_the_file(model: Path, text: str) -> None:
    (model / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelError, match=r"config\.json"):
        check_model_directory(model)


@pytest.mark.parametrize("ending", ["pytorch_model.bin", "weights.pt", "model.ckpt"])
def test_pickles_are_refused(model: Path, ending: str) -> None:
    (model / "model.safetensors").rename(model / ending)
    with pytest.raises(ModelError, match=rf"in a pickle only \({ending}\)"):
        check_model_directory(model)


def test_no_weights(model: Path) -> None:
    (model / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="has no weights"):
        check_model_directory(model)


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_half_copied_weights_are_noticed(model: Path, keep: int) -> None:
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"model\.safetensors' is damaged or only half copied"):
        check_model_directory(model)


def test_a_missing_shard_is_named(model: Path) -> None:
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    shutil.move(model / "model.safetensors", model / first)
    index = {"metadata": {}, "weight_map": {"a": first, "b": second}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=f"incomplete: '{second}' is missing"):
        check_model_directory(model)


@pytest.mark.parametrize(
    ("kind", "architecture"),
    [
        ("bert", "BertForSequenceClassification"),
        ("t5", "T5ForConditionalGeneration"),
        ("bert", "BertForMaskedLM"),
    ],
)
def test_other_architectures_are_refused_by_name(
    model: Path, edit_config: Callable[..., None], kind: str, architecture: str
) -> None:
    edit_config(model, model_type=kind, architectures=[architecture])
    with pytest.raises(ModelError, match=f"is a {architecture}; a causal language model"):
        check_model_directory(model)


def test_an_unknown_type_is_refused(model: Path, edit_config: Callable[..., None]) -> None:
    edit_config(model, model_type="tomorrow", architectures=["TomorrowForCausalLM"])
    with pytest.raises(ModelError, match="of type 'tomorrow', which this transformers doesn't know"):
        check_model_directory(model)


OWN_CODE = {"AutoConfig": "configuration_own.Own", "AutoModelForCausalLM": "modeling_own.Own"}


def test_a_model_that_needs_code_of_its_own_is_refused(model: Path, edit_config: Callable[..., None]) -> None:
    edit_config(model, model_type="own", auto_map=OWN_CODE)
    with pytest.raises(ModelError, match=r"needs Python code of its own.*type 'own'"):
        resolve_model(str(model))


def test_code_beside_a_type_that_transformers_knows_is_left_alone(
    model: Path, edit_config: Callable[..., None]
) -> None:
    """Phi-3 ships both; its files would end the program if they were run."""
    edit_config(model, auto_map=OWN_CODE)
    for name in ("configuration_own.py", "modeling_own.py"):
        (model / name).write_text("raise SystemExit('run')")
    assert base_model(str(model)) == model
    assert load_causal_lm(model, "cpu", torch.float32).config.model_type == "llama"
    assert PromptEncoder.from_directory(model).stop_ids


def test_a_model_without_tokenizer(model: Path) -> None:
    (model / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="has no tokenizer"):
        check_model_directory(model)
