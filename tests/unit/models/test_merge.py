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
