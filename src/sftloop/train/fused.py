"""Layers computed with fewer passes over their activations: same numbers, less time, less kept for the way back.

On a CPU half of a LoRA step goes into products, much of the rest into reading and writing activations once more:
the adapter's product, its scale and its sum are three such passes, a norm's forward is four. Here the adapter adds
into the output in place, a norm keeps its input and one number per token, and the gated product isn't kept at all.

Knows peft's and transformers' layers; doesn't know data, steps or files. What it doesn't know stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_NORMS = frozenset({"LlamaRMSNorm", "MistralRMSNorm", "Qwen2RMSNorm", "Qwen3RMSNorm", "SmolLM3RMSNorm"})
_GATED = frozenset({"LlamaMLP", "MistralMLP", "Qwen2MLP", "Qwen3MLP", "SmolLM3MLP"})


def fuse(model: torch.nn.Module) -> int:
    """Give every layer that is known its fused forward pass; states, names and files stay as they are.

    Args:
        model: changed in place.

    Returns:
        How many layers were changed.
    """
    from peft.tuners.lora import Linear

    fused = 0
    for module in model.modules():
        kind = type(module).__name__
        if type(module) is Linear and _is_plain(module):
            _replace(module, _lora_forward)
        elif kind in _NORMS:
            _replace(module, _norm_forward)
        elif kind in _GATED and type(module.act_fn).__name__ in {"SiLU", "SiLUActivation"}:
            _replace(module, _gated_forward)
        else:
            continue
        fused += 1
    return fused


def _replace(module: torch.nn.Module, build: Callable[[Any, Callable[..., Tensor]], Any]) -> None:
    usual = module.forward
    module.forward = wraps(usual)(build(module, usual))


def _is_plain(layer: Any) -> bool:
    """Whether the layer is W x + b + s·B·A·x and nothing else, all in one dtype."""
    base = layer.get_base_layer()
    if type(base) is not torch.nn.Linear or len(layer.lora_A) != 1 or layer.lora_variant:
        return False
    (name,) = layer.lora_A
    a, b = layer.lora_A[name], layer.lora_B[name]
    return (
        base.weight.dtype == a.weight.dtype == b.weight.dtype
        and not base.weight.requires_grad
        and b.bias is None
        and isinstance(layer.lora_dropout[name], torch.nn.Identity)
    )


def _lora_forward(layer: Any, usual: Callable[..., Tensor]) -> Callable[..., Tensor]:
    (name,) = layer.lora_A

    def forward(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        base = layer.get_base_layer()
        other = args or kwargs or layer.disable_adapters or layer.merged or x.dtype != base.weight.dtype
        if other or layer.active_adapters != [name] or torch.is_autocast_enabled(x.device.type):
            return usual(x, *args, **kwargs)
        a, b = layer.lora_A[name].weight, layer.lora_B[name].weight
        out: Tensor = _Lora.apply(x, base.weight, base.bias, a, b, layer.scaling[name])  # type: ignore[no-untyped-call]
        return out

    return forward


class _Lora(torch.autograd.Function):
    """`y = x Wᵀ + bias + s (x Aᵀ) Bᵀ`; A (r, in), B (out, r), W frozen."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, scale: float
    ) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        small = rows @ a.t()
        out = torch.nn.functional.linear(rows, weight, bias)
        out.addmm_(small, b.t(), alpha=scale)
        ctx.save_for_backward(rows, small, weight, a, b)
        ctx.scale = scale
        return out.reshape(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, None, None, Tensor | None, Tensor | None, None]:
        rows, small, weight, a, b = ctx.saved_tensors
        grad = gradients[0].reshape(-1, weight.shape[0])
        d_small = (grad @ b).mul_(ctx.scale)
        wants_x, _, _, wants_a, wants_b, _ = ctx.needs_input_grad
        d_x = None
        if wants_x:
            d_x = (grad @ weight).addmm_(d_small, a).reshape(*gradients[0].shape[:-1], -1)
        d_a = d_small.t() @ rows if wants_a else None
        d_b = (grad.t() @ small).mul_(ctx.scale) if wants_b else None
        return d_x, None, None, d_a, d_b, None


def _norm_forward(norm: Any, usual: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def forward(x: Tensor) -> Tensor:
        if x.dtype != torch.float32 or norm.weight.dtype != torch.float32:
            return usual(x)
        with torch.autocast(x.device.type, enabled=False):
            out: Tensor = _Norm.apply(x, norm.weight, norm.variance_epsilon)  # type: ignore[no-untyped-call]
        return out

    return forward


class _Norm(torch.autograd.Function):
    """RMSNorm (Zhang and Sennrich 2019, arXiv:1910.07467): `y = w · x / √(mean x² + ε)`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        mean_square = torch.linalg.vecdot(x, x).div_(x.shape[-1])
        scale = mean_square.add_(epsilon).rsqrt_()[..., None]
        ctx.save_for_backward(x, weight, scale)
        out: Tensor = (x * scale).mul_(weight)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight, scale = ctx.saved_tensors
        wants_x, wants_weight, _ = ctx.needs_input_grad
        grad = gradients[0]
        d_weight = None
        if wants_weight:
            d_weight = (grad * x).mul_(scale).reshape(-1, len(weight)).sum(0)
        d_x = None
        if wants_x:
            d_x = grad * weight
            along = torch.linalg.vecdot(d_x, x)[..., None].mul_(scale**3).div_(x.shape[-1])
            d_x.mul_(scale).addcmul_(x, along, value=-1)
        return d_x, d_weight, None


def _gated_forward(mlp: Any, usual: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def forward(x: Tensor) -> Tensor:
        out: Tensor = mlp.down_proj(_Gated.apply(mlp.gate_proj(x), mlp.up_proj(x)))  # type: ignore[no-untyped-call]
        return out

    return forward


class _Gated(torch.autograd.Function):
    """`silu(gate) · up` (SwiGLU; Shazeer 2020, arXiv:2002.05202), of which only the two inputs are kept."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor) -> Tensor:
        ctx.save_for_backward(gate, up)
        return torch.nn.functional.silu(gate).mul_(up)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        gate, up = ctx.saved_tensors
        grad = gradients[0]
        d_up = torch.nn.functional.silu(gate).mul_(grad)
        d_gate: Tensor = torch.ops.aten.silu_backward(grad * up, gate)
        return d_gate, d_up
