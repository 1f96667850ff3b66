"""An adapter is accepted on its own base only, and judged from files alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from sftloop.core.errors import ModelError
from sftloop.models.adapter import BASE_MARK, check_adapter, mark_base
from sftloop.models.weights import fingerprint, model_hash


def save_adapter(base: Path, directory: Path, config: object | None = None) -> Path:
    config = config or LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM")
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    get_peft_model(model, config).save_pretrained(directory)  # type: ignore[arg-type]
    return directory


def forget_base(adapter: Path, name: str = "") -> None:
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "base_model_name_or_path": name}))


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text", "gpt2"])
def test_its_own_base_is_accepted(save_model: Callable[..., Path], tmp_path: Path, architecture: str) -> None:
    base = save_model("base", architecture)
    adapter = save_adapter(base, tmp_path / "adapter")
    check_adapter(adapter, base)
    forget_base(adapter)
    check_adapter(adapter, base)
    mark_base(adapter, base)
    check_adapter(adapter, base)


def test_other_shapes_are_refused_naming_both(save_model: Callable[..., Path], tmp_path: Path) -> None:
    base = save_model("base")
    adapter = save_adapter(base, tmp_path / "adapter")
    forget_base(adapter, "org/wide")
    tensors = load_file(adapter / "adapter_model.safetensors")
    wide = {n: torch.zeros(t.shape[0], 2 * t.shape[1]) if "lora_A" in n else t for n, t in tensors.items()}
    save_file(wide, adapter / "adapter_model.safetensors")
    with pytest.raises(ModelError, match=r"trained on 'org/wide' and doesn't fit .*base.*made for (64|96)"):
        check_adapter(adapter, base)


def test_deeper_models_are_told_apart(save_model: Callable[..., Path], tmp_path: Path) -> None:
    base = save_model("base")
    adapter = save_adapter(base, tmp_path / "adapter")
    forget_base(adapter)
    tensors = load_file(adapter / "adapter_model.safetensors")
    deep = {name.replace("layers.2.", "layers.7."): tensor for name, tensor in tensors.items()}
    save_file(deep, adapter / "adapter_model.safetensors")
    with pytest.raises(ModelError, match="the base has no layer 7"):
        check_adapter(adapter, base)


def test_another_architecture_is_refused(save_model: Callable[..., Path], tmp_path: Path) -> None:
    adapter = save_adapter(save_model("base"), tmp_path / "adapter")
    forget_base(adapter)
    with pytest.raises(ModelError, match="none of its layers has a place there"):
        check_adapter(adapter, save_model("other", "gpt2"))


def test_equal_shapes_with_other_weights_are_refused(save_model: Callable[..., Path], tmp_path: Path) -> None:
    base, other = save_model("base", seed=0), save_model("other", seed=1)
    assert fingerprint(base) != fingerprint(other)
    adapter = save_adapter(base, tmp_path / "adapter")
    with pytest.raises(ModelError, match="the weights differ"):
        check_adapter(adapter, other)
    mark_base(adapter, base)
    with pytest.raises(ModelError, match=r"trained on 'base' and doesn't fit .*other"):
        check_adapter(adapter, other)


@pytest.mark.parametrize(("name", "fits"), [("model", False), ("qwen2.5-0.5b-instruct", True)])
def test_two_folders_of_one_name_are_one_model_only_if_the_catalogue_has_it(
    save_model: Callable[..., Path], tmp_path: Path, name: str, fits: bool
) -> None:
    """The catalogue's models come quantised from one source and not from another."""
    here, there = save_model(f"here/{name}", seed=0), save_model(f"there/{name}", seed=1)
    adapter = save_adapter(here, tmp_path / "adapter")
    mark_base(adapter, here)
    with nullcontext() if fits else pytest.raises(ModelError, match="the weights differ"):
        check_adapter(adapter, there)


@pytest.mark.parametrize(
    "name", ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "config.json"]
)
def test_a_model_with_another_tokenizer_or_template_is_another(model: Path, name: str) -> None:
    before = model_hash(model)
    assert before == model_hash(model)
    (model / name).write_text((model / name).read_text() + "\n")
    assert model_hash(model) != before


def test_catalogue_names_are_told_apart_without_the_base(
    save_model: Callable[..., Path], tmp_path: Path
) -> None:
    base = save_model("qwen2.5-coder-0.5b-instruct", "qwen2")
    adapter = save_adapter(base, tmp_path / "adapter")
    forget_base(adapter, "Qwen/Qwen2.5-Coder-0.5B-Instruct")
    check_adapter(adapter, base)
    forget_base(adapter, "Qwen/Qwen2.5-0.5B-Instruct")
    with pytest.raises(ModelError, match="these are two models"):
        check_adapter(adapter, base)


def test_a_soft_prompt_of_other_width_is_refused(save_model: Callable[..., Path], tmp_path: Path) -> None:
    config = PromptTuningConfig(num_virtual_tokens=4, task_type="CAUSAL_LM")
    base = save_model("base")
    adapter = save_adapter(base, tmp_path / "adapter", config)
    check_adapter(adapter, base)
    forget_base(adapter)
    save_file({"prompt_embeddings": torch.zeros(4, 48)}, adapter / "adapter_model.safetensors")
    with pytest.raises(ModelError, match="48 dimensions, the base has 32"):
        check_adapter(adapter, base)


def test_pickles_and_other_directories_are_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a model, not an adapter"):
        check_adapter(model, model)
    with pytest.raises(ModelError, match="is no adapter"):
        check_adapter(tmp_path, model)
    adapter = save_adapter(model, tmp_path / "adapter")
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(ModelError, match="in a pickle"):
        check_adapter(adapter, model)
    assert not (adapter / BASE_MARK).exists()


def test_marked_weights_fit_however_their_file_names_and_packs_them(
    save_model: Callable[..., Path], tmp_path: Path
) -> None:
    """Bases in four bits hold packed matrices, and Gemma 3's file names modules otherwise than the model does."""
    base = save_model("base")
    adapter = save_adapter(base, tmp_path / "adapter")
    tensors = load_file(base / "model.safetensors")
    odd = {f"language_model.{n}": t.flatten()[:, None].to(torch.uint8) for n, t in tensors.items()}
    save_file(odd, base / "model.safetensors")
    with pytest.raises(ModelError):
        check_adapter(adapter, base)
    mark_base(adapter, base)
    check_adapter(adapter, base)


def test_tokenizer_files_of_the_older_kind_belong_to_the_model(model: Path) -> None:
    before = model_hash(model)
    (model / "merges.txt").write_text("a b")
    assert model_hash(model) != before
