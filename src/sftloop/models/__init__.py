"""Where weights come from, and what a model answers: fetching, loading, encoding, scoring, generating.

Names are imported on first use, so that listing models needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sftloop.models.adapter import check_adapter, mark_base
    from sftloop.models.device import choose_device, choose_dtype, describe_machine
    from sftloop.models.embed import embed_texts
    from sftloop.models.encode import PromptEncoder
    from sftloop.models.heads import (
        HeadShape,
        ScoringHead,
        attach_heads,
        heads_of,
        load_heads,
        save_heads,
        without_heads,
    )
    from sftloop.models.in_full import keeping, last_hidden_state, last_logits
    from sftloop.models.label_tree import LabelTree
    from sftloop.models.linear import LinearBaseline
    from sftloop.models.load import load_causal_lm, require_supported
    from sftloop.models.local import LocalModel, inference
    from sftloop.models.merge import merge_adapter
    from sftloop.models.packed import PackedContext, pack, why_not_shareable
    from sftloop.models.resolve import resolve_model
    from sftloop.models.task_tokens import TaskTokens
    from sftloop.models.virtual_tokens import learns_prompts, transformer
    from sftloop.models.weights import fingerprint, model_hash

_HOMES = {
    "HeadShape": "heads",
    "LabelTree": "label_tree",
    "LinearBaseline": "linear",
    "LocalModel": "local",
    "PackedContext": "packed",
    "PromptEncoder": "encode",
    "ScoringHead": "heads",
    "TaskTokens": "task_tokens",
    "attach_heads": "heads",
    "check_adapter": "adapter",
    "choose_device": "device",
    "choose_dtype": "device",
    "describe_machine": "device",
    "embed_texts": "embed",
    "fingerprint": "weights",
    "heads_of": "heads",
    "inference": "local",
    "keeping": "in_full",
    "last_hidden_state": "in_full",
    "last_logits": "in_full",
    "learns_prompts": "virtual_tokens",
    "load_causal_lm": "load",
    "load_heads": "heads",
    "mark_base": "adapter",
    "merge_adapter": "merge",
    "model_hash": "weights",
    "pack": "packed",
    "require_supported": "load",
    "resolve_model": "resolve",
    "save_heads": "heads",
    "transformer": "virtual_tokens",
    "why_not_shareable": "packed",
    "without_heads": "heads",
}

__all__ = [
    "HeadShape",
    "LabelTree",
    "LinearBaseline",
    "LocalModel",
    "PackedContext",
    "PromptEncoder",
    "ScoringHead",
    "TaskTokens",
    "attach_heads",
    "check_adapter",
    "choose_device",
    "choose_dtype",
    "describe_machine",
    "embed_texts",
    "fingerprint",
    "heads_of",
    "inference",
    "keeping",
    "last_hidden_state",
    "last_logits",
    "learns_prompts",
    "load_causal_lm",
    "load_heads",
    "mark_base",
    "merge_adapter",
    "model_hash",
    "pack",
    "require_supported",
    "resolve_model",
    "save_heads",
    "transformer",
    "why_not_shareable",
    "without_heads",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
