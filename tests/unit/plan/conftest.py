"""A small random model on disk, for counting tensors."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM


@pytest.fixture(scope="session")
def small_model(tmp_path_factory):
    config = AutoConfig.for_model(
        "llama",
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=5,
        num_attention_heads=8,
        num_key_value_heads=4,
        vocab_size=1100,
        max_position_embeddings=512,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    place = tmp_path_factory.mktemp("model")
    AutoModelForCausalLM.from_config(config).save_pretrained(place)
    return place
