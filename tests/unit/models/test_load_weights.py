"""Weights are loaded whole or refused: nothing is drawn at random in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.tiny_models import ARCHITECTURES, tiny_model

from sftloop.core.errors import ModelError
from sftloop.models import load_causal_lm, require_supported


def load(directory: Path) -> torch.nn.Module:
    return load_causal_lm(directory, "cpu", torch.float32)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_was_saved_comes_back(
    save_model: Callable[..., Path], architecture: str, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = save_model(architecture=architecture)
    capfd.readouterr()
    loaded = load(directory).state_dict()
    assert capfd.readouterr() == ("", "")
    saved = tiny_model(architecture).state_dict()
    assert loaded.keys() == saved.keys()
    assert all(torch.equal(loaded[name], saved[name]) for name in saved)


OTHER_CONFIG = {
    "more layers": (
        {"num_hidden_layers": 4, "layer_types": None},
        r"'model\.layers\.3\.input_layernorm\.weight' is not in the file \(and 8 more\)",
    ),
    "wider": (
        {"intermediate_size": 56},
        r"'model\.layers\.0\.mlp\.down_proj\.weight' is 32 × 48 in the file and 32 × 56 by config\.json",
    ),
    "another architecture": (
        {"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"]},
        r"'model\.layers\.0\.self_attn\.k_norm\.weight' is not in the file \(and 5 more\)",
    ),
}


@pytest.mark.parametrize("name", OTHER_CONFIG)
def test_weights_of_another_model_are_refused(
    model: Path, edit_config: Callable[..., None], name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    changes, words = OTHER_CONFIG[name]
    edit_config(model, **changes)
    capfd.readouterr()
    with pytest.raises(ModelError, match=words) as caught:
        load(model)
    assert str(model) in caught.value.message
    assert "together" in caught.value.hint
    assert capfd.readouterr() == ("", "")


def test_half_a_file_is_refused(model: Path) -> None:
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:50_000])
    with pytest.raises(ModelError, match="can't be loaded"):
        load(model)


@pytest.mark.parametrize(
    "changes", [{"num_attention_heads": "four"}, {"layer_types": ["spiral_attention"] * 3}]
)
def test_a_configuration_with_nonsense_is_refused(
    model: Path, edit_config: Callable[..., None], changes: dict[str, object]
) -> None:
    require_supported(model)
    edit_config(model, **changes)
    with pytest.raises(ModelError, match=f"config.json' describes no model: .*{next(iter(changes))}"):
        require_supported(model)
