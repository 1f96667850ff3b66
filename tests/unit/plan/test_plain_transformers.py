"""The ledger against the tensors of transformers' own layers and torch's own loss and optimizer."""

from __future__ import annotations

import json

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from sftloop.plan import Adapter, Architecture, Batch, Setup, simulate
from sftloop.plan.activations import WORKSPACE_BYTES
from sftloop.train.step_memory import Storages

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "bf16-mixed": torch.bfloat16}


@pytest.mark.parametrize(
    ("method", "precision", "attention", "checkpointing"),
    [
        ("full", "fp32", "sdpa", False),
        ("full", "fp32", "eager", False),
        ("full", "fp32", "sdpa", True),
        ("full", "bf16", "sdpa", False),
        ("lora", "fp32", "sdpa", False),
        ("lora", "bf16-mixed", "sdpa", False),
    ],
)
def test_peak(small_model, method, precision, attention, checkpointing):
    setup = Setup(
        method=method,
        precision=precision,
        attention=attention,
        checkpointing=checkpointing,
        adapter=Adapter(dropout=0.0),
        batch=Batch(micro_batch=4, seq_len=128),
        engine="transformers",
    )
    config = json.loads((small_model / "config.json").read_text())
    found = simulate(Architecture.from_config(config, "small"), setup)
    measured = peak(small_model, setup)
    assert found.peak_allocated - WORKSPACE_BYTES == pytest.approx(measured, rel=0.02)


def peak(folder, setup):
    """Bytes at the peak of the second step."""
    dtype, attention = DTYPES[setup.precision], setup.attention
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation=attention)
    if setup.method == "lora":
        model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=16, target_modules="all-linear"))
    if setup.checkpointing:
        model.gradient_checkpointing_enable()
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], foreach=True)
    ids = torch.arange(4 * 128).reshape(4, 128) % 1000
    with Storages(model) as storages:
        for _ in range(2):
            storages.peak = 0
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=setup.precision == "bf16-mixed"):
                loss = model(input_ids=ids, labels=ids, use_cache=False).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return storages.peak
