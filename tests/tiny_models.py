"""Randomly initialised models of a few kilobytes, one per supported architecture."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

VOCABULARY = 160

_COMMON: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "head_dim": 8,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_WINDOW = 7

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "llama": {},
    "qwen2": {"max_window_layers": 1},
    "qwen2-sliding": {"use_sliding_window": True, "sliding_window": _WINDOW, "max_window_layers": 1},
    "qwen3": {},
    "gemma": {},
    "gemma2": {"sliding_window": _WINDOW, "query_pre_attn_scalar": 8, "attn_implementation": "eager"},
    "gemma3_text": {
        "sliding_window": _WINDOW,
        "query_pre_attn_scalar": 8,
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    },
    "mistral": {"sliding_window": _WINDOW},
    "phi3": {"sliding_window": _WINDOW, "partial_rotary_factor": 1.0},
    "smollm3": {},
    "gpt2": {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 512, "n_inner": 48},
}


def tiny_model(architecture: str, seed: int = 0) -> PreTrainedModel:
    """Return a fresh fp32 model without dropout."""
    options = dict(ARCHITECTURES[architecture])
    attention = options.pop("attn_implementation", "sdpa")
    kind = architecture.partition("-")[0]
    common = {"vocab_size": VOCABULARY} if kind == "gpt2" else _COMMON
    dropout = {"attn_pdrop": 0.0, "resid_pdrop": 0.0, "embd_pdrop": 0.0} if kind == "gpt2" else {}
    config = AutoConfig.for_model(kind, **{**common, **dropout, **options})
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, attn_implementation=attention)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    return model.float().eval()
