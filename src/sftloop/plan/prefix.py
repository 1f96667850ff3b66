"""What our engine holds of a shared prefix: its graph, and the leaves at which gradients add up.

The prefix runs once with gradients on and its graph waits while micro-batches run; its keys and values are cut
off as fp32 leaves whose gradients add up over the micro-batches (Gao et al. 2021, arXiv:2101.06983). Counted
from `train/shared.py`.

Knows our engine; doesn't know other lines of the ledger.
"""

from __future__ import annotations

from sftloop.plan.layer import IN_ROWS, kept_by_layer, layer_input, working_set
from sftloop.plan.line import END, GRAPH, PREFIX, Line, times
from sftloop.plan.part import Part
from sftloop.plan.setup import Setup

_SOURCE = "Gao et al. 2021, arXiv:2101.06983; counted from our engine"
_MOST_KEPT = 4
"""Micro-batches whose activations a kept prefix may reach."""


def prefix_lines(part: Part, setup: Setup) -> list[Line]:
    """Return the prefix's graph, keys and values, leaves and gradients."""
    tokens = setup.batch.prefix_len + setup.virtual_tokens
    if not setup.ours or not tokens:
        return []
    arch, layers = part.architecture, part.layers
    pairs, there = 2 * arch.keys * layers, (*GRAPH, END, PREFIX)
    early = there if setup.batch.accumulation > 1 else (END, PREFIX)
    lines = [_line("gradients of keys and values", early, tokens, (4, "bytes"), (pairs, "numbers"))]
    if setup.width < 4:
        lines.append(_line("fp32 leaves of keys and values", there, tokens, (4, "bytes"), (pairs, "numbers")))
        lines.append(
            _line("leaves in half precision", (*GRAPH, END), tokens, (2, "bytes"), (pairs, "numbers"))
        )
        lines.append(_line("gradients, cast", (PREFIX,), tokens, (2, "bytes"), (pairs, "numbers")))
    if setup.engine == "sftloop":
        copies = (setup.width, "bytes"), (2 * arch.queries * layers, "numbers")
        lines.append(_line("prefix in front of own keys", GRAPH, tokens, *copies))
    return [*lines, *_graph(part, setup, tokens)]


def _graph(part: Part, setup: Setup, tokens: int) -> list[Line]:
    """Of the last layer only what its keys and values were made of."""
    arch, e = part.architecture, setup.width
    kept = [each for each in kept_by_layer(arch, setup, tokens) if each.what != IN_ROWS]
    layer, entry = sum(each.size for each in kept), layer_input(arch, setup)
    again = setup.checkpointing or forgets_prefix(setup)
    work = sum(each.size for each in working_set(arch, setup, again=again))
    there, pairs = (*GRAPH, END, PREFIX), 2 * e * arch.keys
    layers = (part.layers - 1, "layers")
    if again:
        return [
            _line("prefix: layers' inputs, keys, values", there, tokens, (entry + pairs, "bytes"), layers),
            _line("prefix: the last layer's keys, values", there, tokens, (pairs, "bytes")),
            _line("prefix: one layer, computed again", (PREFIX,), tokens, (layer + work, "bytes")),
        ]
    return [
        _line("prefix: what layers keep", there, tokens, (entry + layer, "bytes"), layers),
        _line("prefix: what the last layer keeps", there, tokens, (2 * entry + pairs, "bytes")),
        _line("prefix: the layer on its way back", (PREFIX,), tokens, (work, "bytes")),
    ]


def forgets_prefix(setup: Setup) -> bool:
    """Does the engine compute the prefix again on the way back by itself?"""
    own = setup.batch.own
    return computed_again(setup.batch.prefix_len, own, own * setup.batch.accumulation)


def computed_again(prefix: int, micro_batch: int, suffixes: int) -> bool:
    """Whether a prefix's activations are forgotten while its micro-batches run, and computed again.

    They are where they are more than a micro-batch's and the step is at most a quarter longer for it, and in any
    case where they would be more than four micro-batches': memory follows the micro-batch.

    Args:
        prefix: its tokens.
        micro_batch: suffix tokens of a pass.
        suffixes: all suffix tokens of its records in the step.
    """
    return prefix > micro_batch and (prefix <= suffixes or prefix > _MOST_KEPT * micro_batch)


def _line(what: str, at: tuple[str, ...], tokens: int, *factors: tuple[float, str]) -> Line:
    size, formula = times(*factors, (tokens, "tokens"))
    return Line(component="prefix", what=what, bytes=size, formula=formula, source=_SOURCE, at=at)
