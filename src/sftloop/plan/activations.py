"""Activations of one rank at each instant: what layers keep, and what the layer at work needs.

Knows layers, checkpointing, pipeline and tensor parallelism; what one layer keeps is known in `layer`, the
shared prefix in `prefix`.
"""

from __future__ import annotations

from dataclasses import replace

from sftloop.plan.layer import Kept, kept_by_layer, layer_input, working_set
from sftloop.plan.line import (
    ALWAYS,
    BACKWARD,
    CHECKPOINT,
    END,
    FORWARD,
    GRAPH,
    KORTHIKANTI,
    LOSS,
    MEASURED,
    Line,
    times,
)
from sftloop.plan.part import Part
from sftloop.plan.setup import Setup

_INPUTS = 24
"""Bytes per token of ids, labels and mask, each 8."""
WORKSPACE_BYTES = 2 * 8_519_680
"""Two of cuBLAS's workspaces of 8.125 MiB."""
_WHOLE = frozenset(
    {
        "residual",
        "norms' scales",
        "attention's input",
        "MLP's input",
        "inputs of the outer norms",
        "the layer's gradient",
        "the layer's output, again",
    }
)
"""What tensor parallelism leaves whole on every rank."""


def activation_lines(part: Part, setup: Setup) -> list[Line]:
    """Return a pass's activations, without a shared prefix's."""
    arch, batch = part.architecture, setup.batch
    tokens = batch.own + batch.micro_batch * setup.virtual_tokens * (not setup.ours)
    seen = setup.virtual_tokens + (batch.prefix_len + batch.own if setup.ours else batch.seq_len)
    kept = _split(kept_by_layer(arch, setup, seen), part)
    layer, entry = sum(each.size for each in kept), layer_input(arch, setup)
    lines = []
    if setup.checkpointing:
        lines.append(_layers("layers' inputs", part, entry, tokens, CHECKPOINT, GRAPH))
        lines.append(_one("the first layer's input", entry, tokens, CHECKPOINT, (END,)))
        again = _one("one layer, computed again", layer, tokens, MEASURED, (BACKWARD, END))
        lines.append(replace(again, detail=_described(kept)))
    else:
        whole = [Kept("its input", entry), *kept]
        every = _layers("what layers keep", part, entry + layer, tokens, KORTHIKANTI, GRAPH)
        first = _one("what the first layer keeps", entry + layer, tokens, KORTHIKANTI, (END,))
        lines += [replace(line, detail=_described(whole)) for line in (every, first)]
    if part.last:
        lines.append(
            _one("states in front of and behind the last norm", 2 * entry, tokens, MEASURED, (LOSS,))
        )
    else:
        lines.append(_one("what the next stage is given", entry, tokens, KORTHIKANTI, (FORWARD, LOSS)))
    work = sum(each.size for each in _split(working_set(arch, setup, again=setup.checkpointing), part))
    lines.append(_one("the layer on its way back", work, tokens, MEASURED, (BACKWARD, END)))
    if setup.ours and setup.reads_masters:
        keys = (4 * arch.keys, "bytes"), (part.layers, "layers"), (tokens, "tokens")
        lines.append(_line("rotated keys in fp32", "counted from our engine", (FORWARD, LOSS), *keys))
    return [line for line in (*lines, *_held_by_fsdp(part, setup, tokens), *_inputs(setup)) if line.bytes]


def _described(kept: list[Kept]) -> str:
    """Return what a layer keeps per token as text: `per token: residual 8,192 + …`."""
    return "per token: " + " + ".join(f"{each.what} {each.size:,.0f}" for each in kept)


def _layers(what: str, part: Part, size: float, tokens: int, source: str, at: tuple[str, ...]) -> Line:
    flight = ((part.in_flight, "micro-batches in flight"),) if part.in_flight > 1 else ()
    return _line(what, source, at, (size, "bytes"), (part.layers, "layers"), (tokens, "tokens"), *flight)


def _one(what: str, size: float, tokens: int, source: str, at: tuple[str, ...]) -> Line:
    return _line(what, source, at, (size, "bytes"), (tokens, "tokens"))


def _held_by_fsdp(part: Part, setup: Setup, tokens: int) -> list[Line]:
    """FSDP's hooks on frozen layers keep each recomputed layer's input and its gradient to the end.

    So the way back frees nothing and adds a gradient per layer: L − 1 at the first layer, of which one is the
    gradient that comes in, counted already.
    """
    if setup.parallel.sharding != "fsdp" or setup.method == "full" or not setup.checkpointing:
        return []
    entry = layer_input(part.architecture, setup)
    held = (part.layers - 1, "layers' inputs"), (part.layers - 2, "layers' gradients")
    return [
        _line(
            f"{name.split()[-1]} held by FSDP",
            MEASURED,
            (END,),
            (entry, "bytes"),
            (n, name),
            (tokens, "tokens"),
        )
        for n, name in held
    ]


def _inputs(setup: Setup) -> list[Line]:
    tokens = setup.batch.micro_batch * setup.batch.seq_len
    size, formula = times((_INPUTS, "bytes"), (tokens, "tokens"))
    lines = [_buffer("ids, labels and mask", size, formula, "int64 each")]
    if setup.engine != "sftloop-cpu":
        lines.append(_buffer("cuBLAS workspaces", WORKSPACE_BYTES, "2 × 8,519,680 bytes", MEASURED))
    return lines


def _split(kept: list[Kept], part: Part) -> list[Kept]:
    """Divide over the ranks of tensor parallelism what they divide (without sequence parallelism)."""
    if part.tensor == 1:
        return kept
    return [each if each.what in _WHOLE else Kept(each.what, each.size / part.tensor) for each in kept]


def _line(what: str, source: str, at: tuple[str, ...], *factors: tuple[float, str]) -> Line:
    size, formula = times(*factors)
    return Line(component="activations", what=what, bytes=size, formula=formula, source=source, at=at)


def _buffer(what: str, size: int, formula: str, source: str) -> Line:
    return Line(component="buffers", what=what, bytes=size, formula=formula, source=source, at=ALWAYS)
