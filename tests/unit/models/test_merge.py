"""A merged model is stored as its base is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from sftloop.models import merge_adapter


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=["bf16", "fp32"])
def test_it_has_the_dtype_of_its_base(
    save_model: Callable[..., Path], tmp_path: Path, dtype: torch.dtype
) -> None:
    base, adapter, output = save_model("base"), tmp_path / "adapter", tmp_path / "merged"
    AutoModelForCausalLM.from_pretrained(base, dtype=dtype).save_pretrained(base)
    lora = LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM")
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), lora).save_pretrained(adapter)
    merge_adapter(base, adapter, output)
    stored = load_file(output / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {dtype}
    assert json.loads((output / "config.json").read_text())["dtype"] == str(dtype).removeprefix("torch.")


def test_an_adapter_on_a_tied_output_matrix_leaves_the_embedding_alone(
    save_model: Callable[..., Path], tmp_path: Path
) -> None:
    base, adapter, output = save_model("base", "gemma"), tmp_path / "adapter", tmp_path / "merged"
    lora = LoraConfig(r=2, target_modules=["lm_head"], task_type="CAUSAL_LM", init_lora_weights=False)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), lora).eval()
    assert model.get_base_model().config.tie_word_embeddings
    model.save_pretrained(adapter)
    ids = torch.arange(3, 40)[None]
    with torch.no_grad():
        expected = model(input_ids=ids).logits
        merge_adapter(base, adapter, output)
        merged = AutoModelForCausalLM.from_pretrained(output, dtype=torch.float32).eval()
        got = merged(input_ids=ids).logits
    torch.testing.assert_close(got, expected, rtol=2e-2, atol=2e-2)
    torch.testing.assert_close(
        merged.get_input_embeddings().weight, model.get_base_model().get_input_embeddings().weight
    )
