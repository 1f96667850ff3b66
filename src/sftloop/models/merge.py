"""An adapter added to its base model: a plain model that anything loads.

Knows peft and safetensors; doesn't know where the parts come from.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch

from sftloop.core.errors import ModelError
from sftloop.models.encode import PromptEncoder
from sftloop.models.heads import load_heads, save_heads
from sftloop.models.load import load_adapter, load_causal_lm
from sftloop.models.virtual_tokens import learns_prompts


def merge_adapter(base: Path, adapter: Path, output: Path) -> None:
    """Write base and adapter as one model, in the base's own dtype; `output` appears whole or not at all.

    The sum is formed in fp32 and rounded once.

    Args:
        base: the base model's folder.
        adapter: a peft adapter trained on it.
        output: a folder that doesn't exist yet.

    Raises:
        ModelError: parts that can't be loaded, or an adapter that isn't a change of weights (virtual tokens).
    """
    model: Any = load_adapter(load_causal_lm(base, "cpu", torch.float32), adapter)
    if learns_prompts(model):
        raise ModelError(
            f"The adapter in '{adapter}' is virtual tokens in front of the prompt; no weight could hold them.",
            hint="Serve it as an adapter, or train with a method that changes weights (lora, full …).",
        )
    _untie(model.get_base_model())
    merged = model.merge_and_unload()
    merged.to(_stored_dtype(base))
    fresh = output.with_name(f".{output.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.parent.mkdir(parents=True, exist_ok=True)
    merged.save_pretrained(fresh)
    PromptEncoder.from_directory(base).tokenizer.save_pretrained(fresh)
    save_heads(load_heads(adapter, merged.config.get_text_config().hidden_size), fresh)
    fresh.rename(output)


def _untie(model: Any) -> None:
    """Give an output matrix that an adapter changes weights of its own: the input embedding stays as it was."""
    embedding, output = model.get_input_embeddings(), model.get_output_embeddings()
    changed = getattr(output, "base_layer", None)
    if changed is not None and changed.weight is getattr(embedding, "base_layer", embedding).weight:
        changed.weight = torch.nn.Parameter(changed.weight.detach().clone())
        for config in (model.config, model.config.get_text_config()):
            config.tie_word_embeddings = False


def _stored_dtype(base: Path) -> torch.dtype:
    """Return the dtype that the base's file names (fp32 if none); loading overwrites it in a model's own."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(base, trust_remote_code=False)
    named = config.dtype or config.get_text_config().dtype or torch.float32
    return getattr(torch, named) if isinstance(named, str) else named
