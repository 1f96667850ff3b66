"""The operation count of the training benchmark, against sums by hand and against torch's own counter."""

from __future__ import annotations

import pytest
import torch
from benchmarks.flops import Dimensions, ordinary_step, shared_step
from peft import LoraConfig, get_peft_model
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForCausalLM

SIZES = Dimensions(
    layers=2, hidden=4, feed_forward=6, heads=2, key_value_heads=1, head_dim=2, vocabulary=10, rank=1
)


def test_one_record_by_hand() -> None:
    weights = 2 * (4 * 4 + 4 * 2 + 4 * 2 + 4 * 4 + 3 * 4 * 6)
    adapters = 2 * (8 + 6 + 6 + 8 + 10 + 10 + 10)
    tokens, pairs, learned = 5, 5 * 6 / 2, 2
    expected = tokens * (4 * weights + 6 * adapters) + pairs * 12 * 2 * 4 + learned * 4 * 4 * 10
    assert ordinary_step(SIZES, [(3, 2, 2)]) == expected


def test_sharing_saves_all_prefixes_but_one() -> None:
    alone = ordinary_step(SIZES, [(3, 2, 2)])
    prefix_only = ordinary_step(SIZES, [(3, 0, 0)])
    assert shared_step(SIZES, [(3, 2, 2)]) == alone
    assert shared_step(SIZES, [(3, 2, 2)] * 8) == 8 * alone - 7 * prefix_only


def test_count_agrees_with_torch_on_a_model() -> None:
    """Torch counts full attention (no causal half) and logits everywhere: compared where that is the same."""
    config = AutoConfig.for_model(
        "llama",
        vocab_size=32,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        attn_implementation="eager",
    )
    lora = LoraConfig(task_type="CAUSAL_LM", r=4, target_modules="all-linear")
    model = get_peft_model(AutoModelForCausalLM.from_config(config), lora)
    ids = torch.arange(24)[None] % 32
    with FlopCounterMode(display=False) as counter:
        model(input_ids=ids).logits.sum().backward()
    sizes = Dimensions.of(config, rank=4)
    length = ids.numel()
    half_of_attention = (length * length - length * (length + 1) // 2) * 12 * 4 * 64
    expected = ordinary_step(sizes, [(0, length, length)]) + half_of_attention
    assert counter.get_total_flops() == pytest.approx(expected, rel=0.03)
