"""Adapters whose product was added to the base weights, kept beside them so that the sum can still be saved.

A folded piece (A, B) has gone into its layer's weight W as s·B·A, with the adapter's own scale s. What was
learned since the untouched weights is then s·(B·A + ΣBᵢ·Aᵢ) = s·[B B₁ …]·[A; A₁; …]: a LoRA of a higher rank.

Knows peft's LoRA layers; doesn't know when something is folded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.nn.functional import pad

from sftloop.core.errors import UsageError
from sftloop.core.files import atomic_write_json

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_ADAPTER = "default"


def lora_layers(model: torch.nn.Module) -> Iterator[tuple[str, Any]]:
    """Yield name and module of every layer that has an adapter."""
    from peft.tuners.lora import LoraLayer

    for name, module in model.named_modules():
        if isinstance(module, LoraLayer) and _ADAPTER in module.lora_A:
            yield name, module


def pieces(layer: Any) -> tuple[Tensor, Tensor]:
    """Return a layer's folded A (k · rank, inputs) and B (outputs, k · rank), empty at first."""
    if not hasattr(layer, "folded_A"):
        a, b = layer.lora_A[_ADAPTER].weight, layer.lora_B[_ADAPTER].weight
        layer.register_buffer("folded_A", a.new_empty((0, a.shape[1]), requires_grad=False), persistent=False)
        layer.register_buffer("folded_B", b.new_empty((b.shape[0], 0), requires_grad=False), persistent=False)
    return layer.folded_A, layer.folded_B


@torch.no_grad()
def remember(layer: Any, a: Tensor, b: Tensor) -> None:
    """Note that s·b·a has gone into a layer's weight (or, with a minus, was taken out of it)."""
    old_a, old_b = pieces(layer)
    layer.folded_A, layer.folded_B = torch.cat([old_a, a.detach()]), torch.cat([old_b, b.detach()], dim=1)


@torch.no_grad()
def fold(layer: Any) -> None:
    """Add a layer's adapter to its weight and remember it; the adapter itself is left as it was."""
    base = layer.get_base_layer()
    base.weight.data += layer.get_delta_weight(_ADAPTER).to(base.weight.dtype)
    remember(layer, layer.lora_A[_ADAPTER].weight, layer.lora_B[_ADAPTER].weight)


def save_sum(model: PreTrainedModel, directory: Path) -> None:
    """Save adapters and folded pieces as one LoRA over the untouched weights, in peft's format."""
    from safetensors.torch import load_file, save_file

    model.save_pretrained(directory)
    path = directory / "adapter_model.safetensors"
    tensors = load_file(path)
    times = 1
    for name, layer in lora_layers(model):
        more_a, more_b = (piece.cpu() for piece in pieces(layer))
        key_a, key_b = f"{name}.lora_A.weight", f"{name}.lora_B.weight"
        times = 1 + len(more_a) // len(tensors[key_a])
        tensors[key_a] = torch.cat([tensors[key_a], more_a]).contiguous()
        tensors[key_b] = torch.cat([tensors[key_b], more_b], dim=1).contiguous()
    rank = _rewrite_config(directory / "adapter_config.json", times)
    save_file(
        {name: _filled_up(name, t, rank) for name, t in tensors.items()}, path, metadata={"format": "pt"}
    )


def _filled_up(name: str, matrix: Tensor, rank: int) -> Tensor:
    """Fill a matrix up with zeros to the rank that loading expects: small layers have fewer singular values."""
    if name.endswith("lora_A.weight"):
        return pad(matrix, (0, 0, 0, rank - len(matrix)))
    return pad(matrix, (0, rank - matrix.shape[1])) if name.endswith("lora_B.weight") else matrix


def require_untied(model: PreTrainedModel, method: str) -> None:
    """Refuse adapters that change the output matrix where it is the input embedding too, which isn't saved.

    Raises:
        UsageError: naming the layer.
    """
    embedding = cast("Any", model).get_base_model().get_input_embeddings()
    shared = getattr(embedding, "base_layer", embedding).weight
    for name, layer in lora_layers(model):
        if layer.get_base_layer() is not embedding and layer.get_base_layer().weight is shared:
            raise UsageError(
                f"'{name}' is the model's input embedding too; '{method}' would change that unsaved.",
                hint="Leave it out of 'targets', or take method 'lora'.",
            )


def _rewrite_config(path: Path, times: int) -> int:
    """Give the saved adapter its rank, at the same scale, and no start of its own; return the rank."""
    config = json.loads(path.read_text(encoding="utf-8"))
    rank = config["r"]
    scale = config["lora_alpha"] / (rank**0.5 if config.get("use_rslora") else rank)
    config |= {"r": rank * times, "lora_alpha": scale * rank * times, "use_rslora": False}
    config["init_lora_weights"] = True
    atomic_write_json(path, config)
    return int(config["r"])


def save_pieces(model: torch.nn.Module, path: Path) -> None:
    """Write the folded pieces, for a checkpoint."""
    from safetensors.torch import save_file

    found = {name: pieces(layer) for name, layer in lora_layers(model)}
    tensors = {
        f"{name}.{part}": t.contiguous()
        for name, ab in found.items()
        for part, t in zip("AB", ab, strict=True)
    }
    save_file({name: tensor for name, tensor in tensors.items() if tensor.numel()}, path)


@torch.no_grad()
def restore_pieces(model: torch.nn.Module, path: Path) -> None:
    """Add a checkpoint's folded pieces to the untouched weights, in the order in which they were folded."""
    from safetensors.torch import load_file

    tensors = load_file(path)
    for name, layer in lora_layers(model):
        if f"{name}.A" not in tensors:
            continue
        a, b = tensors[f"{name}.A"], tensors[f"{name}.B"]
        adapter_a, adapter_b = layer.lora_A[_ADAPTER].weight, layer.lora_B[_ADAPTER].weight
        own_a, own_b, rank = adapter_a.clone(), adapter_b.clone(), len(adapter_a)
        for start in range(0, len(a), rank):
            adapter_a.data.copy_(a[start : start + rank])
            adapter_b.data.copy_(b[:, start : start + rank])
            fold(layer)
        adapter_a.data.copy_(own_a)
        adapter_b.data.copy_(own_b)
