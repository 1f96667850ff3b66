"""What one decoder layer keeps for the way back, per token, and what it needs on top while it goes back.

Counted from the layers' code, tensor by tensor: a product keeps its input if its weight is trained, a norm its
input, attention its queries, keys, values, output and log-sum-exp, a gated MLP the factors of its product.
Against the measured runs the sums are right to the byte (`docs/planner.md`).

Knows shapes, methods and engines; doesn't know how many layers or tokens there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sftloop.plan.architecture import Architecture, Input
from sftloop.plan.part import targeted
from sftloop.plan.setup import Setup

IN_ROWS = "attention's output, in rows"
"""Our joined attention lays heads side by side: what the output projection reads is a copy."""


_READ: dict[Input, str] = {
    "norm1": "inputs of attention's adapters",
    "attention": "inputs of its output's adapters",
    "norm2": "inputs of the MLP's adapters",
    "product": "product's input",
}


class Kept(NamedTuple):
    """Bytes per token under a name."""

    what: str
    size: float


def layer_input(architecture: Architecture, setup: Setup) -> int:
    """Return the bytes per token of what a layer is given: all that checkpointing keeps."""
    return setup.residual_width * architecture.hidden


def kept_by_layer(architecture: Architecture, setup: Setup, keys_seen: int) -> list[Kept]:
    """Return what a layer keeps per token beside its input.

    Args:
        architecture: the model.
        setup: method, precision, attention and engine.
        keys_seen: keys a query meets at most, for attention that keeps its weights.
    """
    h = architecture.hidden
    return [
        Kept("residual", setup.residual_width * h),
        *_norms(architecture, setup),
        *_attention(architecture, setup, keys_seen),
        *_mlp(architecture, setup),
        *_inputs(architecture, setup),
    ]


def working_set(architecture: Architecture, setup: Setup, *, again: bool) -> list[Kept]:
    """Return what is there per token while the last layer's MLP goes back, beside what is kept.

    Those are the gradients of the product and of its factors, the gradient that comes in, and, in other engines,
    the layer's output where it was computed again. The product itself has been freed by then.
    """
    e, f, wide = setup.width, architecture.intermediate, layer_input(architecture, setup)
    gradients = (4 if setup.ours else 3) if architecture.traits.gated else 2
    found = [Kept("gradients inside the MLP", gradients * e * f), Kept("the layer's gradient", wide)]
    if again and not setup.ours:
        found.append(Kept("the layer's output, again", wide))
    freed = sum(kept.size for kept in _inputs(architecture, setup) if kept.what == "product's input")
    return [*found, Kept("product, freed", -freed)] if freed else found


def _norms(architecture: Architecture, setup: Setup) -> Iterator[Kept]:
    """Fused norms keep a number per token beside their input; transformers' own an fp32 copy and more."""
    norms, h = architecture.traits.norms, architecture.hidden
    yield Kept("norms' scales", 4 * norms)
    if norms > 2:  # the two behind attention and MLP read what nothing else keeps
        yield Kept("inputs of the outer norms", (norms - 2) * setup.residual_width * h)
    if architecture.traits.qk_norm:
        heads = architecture.heads + architecture.kv_heads
        yield Kept(
            "inputs of the heads' norms", setup.width * (architecture.queries + architecture.keys) + 4 * heads
        )
    plain = setup.engine == "transformers" and not architecture.traits.norm_bias
    if plain and setup.width < 4:
        yield Kept("norms' fp32 copies", norms * 4 * h)
    if plain and setup.method == "full":
        yield Kept("normed copies", norms * setup.width * h)


def _attention(architecture: Architecture, setup: Setup, keys_seen: int) -> Iterator[Kept]:
    e, heads = setup.width, architecture.heads
    q, k = architecture.queries, architecture.keys
    masked = setup.engine == "sftloop" and setup.attention != "eager"
    expanded = setup.attention == "eager" or masked or setup.expanded_keys
    yield Kept("queries, keys, values", e * (q + 2 * (q if expanded else k)))
    yield Kept("attention's output", e * q)
    if setup.attention == "eager":
        yield Kept("attention's weights", (4 if e == 4 else 6) * heads * keys_seen)
        return
    yield Kept("log-sum-exp", 4 * heads)
    if setup.engine == "sftloop-cpu" and _learns_from_attention(architecture, setup):
        yield Kept(IN_ROWS, e * q)
    if masked:
        yield Kept("attention's mask", e * keys_seen)


def _learns_from_attention(architecture: Architecture, setup: Setup) -> bool:
    if setup.method == "full":
        return True
    matrices = targeted(architecture, setup.adapter.targets) if setup.adapters else ()
    return any(each.reads == "attention" for each in matrices)


def _mlp(architecture: Architecture, setup: Setup) -> Iterator[Kept]:
    e, f = setup.width, architecture.intermediate
    if not architecture.traits.gated:
        yield Kept("MLP's activation", 4 * e * f)
        return
    yield Kept("gate and up", 2 * e * f)
    if not setup.ours:
        yield Kept("activated gate", e * f)


def _inputs(architecture: Architecture, setup: Setup) -> Iterator[Kept]:
    """Inputs of products whose weights or adapters learn. Autocast casts one for every product that reads it."""
    if setup.method == "full":
        names: dict[Input, str] = {"norm1": "attention's input", "norm2": "MLP's input"}
        for reads, name in names.items():
            readers = sum(each.reads == reads for each in architecture.projections)
            yield Kept(name, (readers if setup.reads_masters else 1) * setup.width * architecture.hidden)
        yield Kept("product's input", setup.width * architecture.intermediate)
    elif setup.adapters:
        yield from _adapters(architecture, setup)


def _adapters(architecture: Architecture, setup: Setup) -> Iterator[Kept]:
    """Ours share one input among siblings; peft's copy it for every matrix, with dropout a mask as well.

    Fused adapters of four-bit weights keep the input once, with dropout a dropped copy per matrix, and no small
    products.
    """
    e, rank = setup.width, setup.adapter.rank
    matrices = targeted(architecture, setup.adapter.targets)
    widths = {each.reads: each.inputs for each in matrices}
    shared = setup.ours and setup.method == "lora" and not setup.dropout
    fused = setup.method == "qlora" and setup.engine == "fused"
    copied = bool(setup.dropout) or (e == 2 and not fused)
    mask = 0.0 if fused or not setup.dropout else 1.0
    if not fused:
        yield Kept("adapters' small products", e * rank * len(matrices))
    for reads, width in widths.items():
        readers = sum(each.reads == reads for each in matrices)
        name = _READ[reads]
        own = 0 if reads == "attention" else e * width
        if shared or not copied:
            yield Kept(name, own)
        elif fused:
            yield Kept(name, own + readers * e * width)
        else:
            yield Kept(name, readers * (e + mask) * width)
