"""Parameter counts are those of the published models, and of transformers' own for every family."""

from __future__ import annotations

import pytest
from tests.tiny_models import ARCHITECTURES, tiny_model
from tests.unit.plan.cases import TINY, architecture

from sftloop.core.errors import ModelError
from sftloop.models.catalog import list_models
from sftloop.plan import Architecture, find_config, known_name, model_names

PUBLISHED = {
    "qwen2.5-7b": 7_615_616_512,
    "qwen2.5-0.5b": 494_032_768,
    "qwen2.5-72b": 72_706_203_648,
    "qwen1.5-7b": 7_721_324_544,
    "qwen3-8b": 8_190_735_360,
    "llama-3-8b": 8_030_261_248,
    "llama-2-7b": 6_738_415_616,
    "llama-2-13b": 13_015_864_320,
    "llama-3-70b": 70_553_706_496,
    "mistral-7b": 7_241_732_096,
    "smollm2-135m": 134_515_008,
    "smollm3-3b": 3_075_098_624,
    "gpt2": 124_439_808,
    "gpt2-xl": 1_557_611_200,
    "baichuan2-7b": 7_505_973_248,
    "phi-3-mini": 3_821_079_552,
    "gemma-2b": 2_506_172_416,
    "gemma-2-2b": 2_614_341_888,
    "gemma-2-9b": 9_241_705_984,
    "gemma-3-1b": 999_885_952,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_totals(name):
    assert architecture(name).parameters == PUBLISHED[name]


def test_a_tiny_one_by_hand():
    assert TINY.layer == 8 * (8 + 4 + 4) + 8 * 8 + 3 * 8 * 16 + 2 * 8 == 592
    assert TINY.parameters == 32 * 8 + 2 * 592 + 8 == 1448


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_every_family_counts_as_transformers_does(kind):
    model = tiny_model(kind)
    found = Architecture.from_config(model.config.to_dict(), kind)
    assert found.parameters == model.num_parameters()


def test_biases_follow_the_configuration():
    config = {**(find_config("llama-3.2-1b") or {}), "attention_bias": True, "mlp_bias": True}
    with_biases = Architecture.from_config(config, "x")
    h, k, f = 2048, 512, 8192
    assert with_biases.layer - architecture("llama-3.2-1b").layer == (h + 2 * k + h) + (2 * f + h)


def test_the_catalogue_agrees():
    """Every model that can be fetched by name and whose shape is known has the count the catalogue states."""
    known = [entry for entry in list_models() if known_name(entry.name)]
    assert len(known) > 10
    for entry in known:
        assert architecture(entry.name).parameters == entry.parameters, entry.name


def test_every_listed_model_can_be_read():
    for name in model_names():
        assert architecture(name).parameters > 1e8


def test_a_multimodal_configuration_gives_its_text_part():
    text = find_config("gemma-3-1b") or {}
    assert Architecture.from_config({"model_type": "gemma3", "text_config": text}, "x") == (
        Architecture.from_config(text, "x")
    )


@pytest.mark.parametrize(
    "field", ["model_type", "hidden_size", "num_hidden_layers", "vocab_size", "intermediate_size"]
)
def test_a_missing_field_is_named(field):
    config = {key: value for key, value in (find_config("llama-3-8b") or {}).items() if key != field}
    with pytest.raises(ModelError, match=f"'mine' lacks '{field}'"):
        Architecture.from_config(config, "mine")


def test_a_field_that_is_no_number_is_named():
    config = {**(find_config("llama-3-8b") or {}), "hidden_size": "wide"}
    with pytest.raises(ModelError, match="'hidden_size' in the configuration of 'mine' is 'wide'"):
        Architecture.from_config(config, "mine")


def test_an_unknown_family_names_the_nearest():
    with pytest.raises(ModelError) as caught:
        Architecture.from_config({"model_type": "qwen22"}, "mine")
    assert "Did you mean 'qwen2'?" in str(caught.value)
