"""Layers computed with fewer passes over their activations: same numbers, less time, less kept for the way back.

On a CPU half of a LoRA step goes into products, much of the rest into reading and writing activations once more:
the adapter's product, its scale and its sum are three such passes, a norm's forward is four. Here the adapter adds
into the output in place, a norm keeps its input and one number per token, and the gated product isn't kept at all.

Knows peft's and transformers' layers; doesn't know data, steps or files. What it doesn't know stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_NORMS = frozenset({"LlamaRMSNorm", "MistralRMSNorm", "Qwen2RMSNorm", "Qwen3RMSNorm", "SmolLM3RMSNorm"})
_GATED = frozenset({"LlamaMLP", "MistralMLP", "Qwen2MLP", "Qwen3MLP", "SmolLM3MLP"})
_SIBLINGS = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
"""Layers that read the same input."""


def fuse(model: torch.nn.Module) -> int:
    """Give every layer that is known its fused forward pass; states, names and files stay as they are.

    Args:
        model: changed in place.

    Returns:
        How many layers were changed.
    """
    from peft.tuners.lora import Linear

    fused = 0
    known: set[int] = set()
    for module in model.modules():
        for names in _SIBLINGS:
            layers = [getattr(module, name, None) for name in names]
            if all(type(layer) is Linear and _is_plain(layer) for layer in layers):
                _siblings_forward(layers)
                fused += len(layers)
                known.update(id(layer) for layer in layers)
        kind = type(module).__name__
        if type(module) is Linear and id(module) not in known and _is_plain(module):
            _siblings_forward([module])
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
    """Whether the layer is W x + b + s·B·A·x and nothing else; A and B may be of higher precision than W."""
    base = layer.get_base_layer()
    if type(base) is not torch.nn.Linear or len(layer.lora_A) != 1 or layer.lora_variant:
        return False
    (name,) = layer.lora_A
    a, b = layer.lora_A[name], layer.lora_B[name]
    return (
        a.weight.dtype == b.weight.dtype
        and a.weight.dtype in {base.weight.dtype, torch.float32}
        and not base.weight.requires_grad
        and b.bias is None
        and isinstance(layer.lora_dropout[name], torch.nn.Identity)
    )


def _siblings_forward(layers: Sequence[Any]) -> None:
    """Let the first of layers that read the same input compute the others' outputs too; each hands out its own.

    They are known by the very input tensor. A layer that is asked first, or about another input, computes its own.
    """
    waiting: dict[int, tuple[Tensor, Tensor]] = {}

    def build(index: int, usual: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def forward(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            for_input, out = waiting.pop(index, (None, None))
            if for_input is x and out is not None:
                return out
            if index or args or kwargs or not all(_is_plain_now(layer, x) for layer in layers):
                return usual(x, *args, **kwargs)
            first, *others = _project(layers, x)
            waiting.update({place: (x, each) for place, each in enumerate(others, start=1)})
            return first

        return forward

    for index, layer in enumerate(layers):
        usual = layer.forward
        layer.forward = wraps(usual)(build(index, usual))


def _is_plain_now(layer: Any, x: Tensor) -> bool:
    """Whether the layer's one adapter is switched on, and it is clear in which dtype products run."""
    (name,) = layer.lora_A
    off = layer.disable_adapters or layer.merged or layer.active_adapters != [name]
    same = x.dtype == layer.get_base_layer().weight.dtype
    return not off and (same or torch.is_autocast_enabled(x.device.type))


def _project(layers: Sequence[Any], x: Tensor) -> tuple[Tensor, ...]:
    parts: list[Tensor | None] = []
    scales: list[float] = []
    for layer in layers:
        (name,) = layer.lora_A
        base = layer.get_base_layer()
        parts += [base.weight, base.bias, layer.lora_A[name].weight, layer.lora_B[name].weight]
        scales.append(layer.scaling[name])
    kind = x.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
    with torch.autocast(kind, enabled=False):
        outs: tuple[Tensor, ...] = _Lora.apply(x, dtype, tuple(scales), *parts)  # type: ignore[no-untyped-call]
    return outs


class _Lora(torch.autograd.Function):
    """`yᵢ = x Wᵢᵀ + biasᵢ + sᵢ (x Aᵢᵀ) Bᵢᵀ` of layers with one input; Aᵢ (r, in), Bᵢ (out, r), Wᵢ frozen.

    Products run in `dtype`, gradients come back in each tensor's own. The layers' A lie in one matrix (Σr, in).
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, dtype: torch.dtype, scales: tuple[float, ...], *parts: Any
    ) -> tuple[Tensor, ...]:
        rows = x.reshape(-1, x.shape[-1]).to(dtype)
        weights, biases, a_s, b_s = (parts[index::4] for index in range(4))
        ranks = [b.shape[1] for b in b_s]
        small = rows @ _stacked(a_s, dtype).t()
        outs = []
        for weight, bias, b, own, scale in zip(
            weights, biases, b_s, small.split(ranks, 1), scales, strict=True
        ):
            out = torch.nn.functional.linear(rows, weight.to(dtype), bias if bias is None else bias.to(dtype))
            outs.append(out.addmm_(own, b.to(dtype).t(), alpha=scale).reshape(*x.shape[:-1], -1))
        ctx.save_for_backward(rows, small, *a_s, *b_s, *weights)
        ctx.scales, ctx.ranks, ctx.shape, ctx.dtype = scales, ranks, x.shape, x.dtype
        return tuple(outs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        rows, small, *rest = ctx.saved_tensors
        count = len(gradients)
        a_s, b_s, weights = rest[:count], rest[count : 2 * count], rest[2 * count :]
        grads = [each.reshape(len(rows), -1) for each in gradients]
        parts = zip(grads, b_s, ctx.scales, strict=True)
        dtype = rows.dtype
        d_smalls = [(grad @ b.to(dtype)).mul_(scale) for grad, b, scale in parts]
        d_small = torch.cat(d_smalls, 1) if count > 1 else d_smalls[0]
        d_x = None
        if ctx.needs_input_grad[0]:
            d_x = grads[0] @ weights[0].to(dtype)
            for grad, weight in zip(grads[1:], weights[1:], strict=True):
                d_x.addmm_(grad, weight.to(dtype))
            d_x = d_x.addmm_(d_small, _stacked(a_s, dtype)).reshape(ctx.shape).to(ctx.dtype)
        d_as = (d_small.t() @ rows).split(ctx.ranks)
        found: list[Any] = [d_x, None, None]
        for grad, own, d_a, scale in zip(grads, small.split(ctx.ranks, 1), d_as, ctx.scales, strict=True):
            found += [None, None, d_a, (grad.t() @ own).mul_(scale)]
        return tuple(found)


def _stacked(matrices: Sequence[Tensor], dtype: torch.dtype) -> Tensor:
    return torch.cat([each.to(dtype) for each in matrices]) if len(matrices) > 1 else matrices[0].to(dtype)


def _norm_forward(norm: Any, usual: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def forward(x: Tensor) -> Tensor:
        if x.dtype != norm.weight.dtype or x.dtype not in {torch.float32, torch.bfloat16}:
            return usual(x)
        with torch.autocast(x.device.type, enabled=False):
            out: Tensor = _Norm.apply(x, norm.weight, norm.variance_epsilon)  # type: ignore[no-untyped-call]
        return out

    return forward


class _Norm(torch.autograd.Function):
    """RMSNorm (Zhang and Sennrich 2019, arXiv:1910.07467): `y = w · x / √(mean x² + ε)`, in fp32 within."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        wide = x.float()
        mean_square = torch.linalg.vecdot(wide, wide).div_(x.shape[-1])
        scale = mean_square.add_(epsilon).rsqrt_()[..., None]
        ctx.save_for_backward(x, weight, scale)
        out: Tensor = (wide * scale).to(x.dtype).mul_(weight)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight, scale = ctx.saved_tensors
        wants_x, wants_weight, _ = ctx.needs_input_grad
        grad, wide = gradients[0].float(), x.float()
        d_weight = None
        if wants_weight:
            d_weight = (grad * wide).mul_(scale).reshape(-1, len(weight)).sum(0).to(weight.dtype)
        d_x = None
        if wants_x:
            d_x = grad * weight
            along = torch.linalg.vecdot(d_x, wide)[..., None].mul_(scale**3).div_(x.shape[-1])
            d_x = d_x.mul_(scale).addcmul_(wide, along, value=-1).to(x.dtype)
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
