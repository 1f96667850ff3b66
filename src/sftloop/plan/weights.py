"""Weights and gradients of one rank.

Knows dtypes, four-bit formats and autocast's copies; what is spread over ranks is asked of `sharding`.
"""

from __future__ import annotations

from sftloop.plan.line import (
    ALWAYS,
    BACKWARD,
    END,
    FORWARD,
    GRAPH,
    LOSS,
    MEASURED,
    MIXED,
    PREFIX,
    STEP,
    ZERO,
    Component,
    Line,
    times,
)
from sftloop.plan.part import Part, trained_parameters
from sftloop.plan.prefix import forgets_prefix
from sftloop.plan.setup import Setup
from sftloop.plan.sharding import Shares, shares_of

NF4_BYTES = 0.5 + 1 / 64 + 4 / 64 / 256
"""Per parameter: four bits, one byte per block of 64, four per 256 blocks (Dettmers et al. 2023,
arXiv:2305.14314, section 3: double quantization)."""
_QLORA = "Dettmers et al. 2023, arXiv:2305.14314, section 3"


def weight_lines(part: Part, setup: Setup) -> list[Line]:
    """Return what the weights take, frozen and trained."""
    shares = shares_of(setup)
    trained = trained_parameters(part, setup)
    lines = [*_frozen(part, setup, shares)]
    width = setup.width if shares.masters_apart else setup.trained_width
    size, formula = times((width, "bytes"), (trained, "trained parameters"), *shares.of("weights"))
    lines.append(_line("weights", "trained weights", size, formula, MIXED))
    return [*lines, *_copies(part, setup)]


def gradient_lines(part: Part, setup: Setup) -> list[Line]:
    """Return what gradients take: none before the way back of the first pass, all at its end."""
    shares = shares_of(setup)
    trained = trained_parameters(part, setup)
    width = setup.width if shares.masters_apart else setup.trained_width
    spread = shares.of("gradients")
    size, formula = times((width, "bytes"), (trained, "trained parameters"), *spread)
    early = setup.batch.accumulation > 1 or part.in_flight > 1
    if early:
        return [_line("gradients", "gradients", size, formula, ZERO)]
    if setup.method != "full":
        return [_line("gradients", "gradients", size, formula, ZERO, (END, PREFIX, STEP))]
    rest, rest_formula = times((width, "bytes"), (trained - _to_come(part), "parameters behind"), *spread)
    return [
        _line("gradients", "gradients", size, formula, ZERO, (PREFIX, STEP)),
        _line("gradients", "gradients but the first layer's", rest, rest_formula, ZERO, (END,)),
        *_first_gradients(part, setup, width),
    ]


def _to_come(part: Part) -> int:
    """Parameters without a gradient while the first layer's MLP goes back: most of its own, and the embeddings."""
    arch = part.architecture
    embedding = arch.embedding // part.tensor if part.first and arch.head else 0
    return part.layer - arch.projections[-1].parameters // part.tensor + embedding


def _frozen(part: Part, setup: Setup, shares: Shares) -> list[Line]:
    if setup.method == "full":
        return []
    spread = shares.of("weights")
    if setup.method != "qlora":
        size, formula = times((setup.width, "bytes"), (part.parameters, "frozen parameters"), *spread)
        return [_line("weights", "frozen weights", size, formula, MIXED)]
    packed = part.layers * part.linear
    rest = part.parameters - packed
    bits, bits_formula = times((0.5, "bytes"), (packed, "parameters in four bits"), *spread)
    scales, scales_formula = times((NF4_BYTES - 0.5, "bytes"), (packed, "parameters' scales"))
    size, formula = times((setup.width, "bytes"), (rest, "parameters of embeddings, head and norms"), *spread)
    return [
        _line("weights", "weights in four bits", bits, bits_formula, _QLORA),
        _line("weights", "their scales, whole on every rank", scales, scales_formula, _QLORA),
        _line("weights", "frozen weights", size, formula, _QLORA),
    ]


def _copies(part: Part, setup: Setup) -> list[Line]:
    """Half-precision copies that autocast makes of fp32 weights: kept by the graph for the way back."""
    if not setup.reads_masters:
        return []
    cast = part.layers * part.linear
    size, formula = times((setup.width, "bytes"), (cast, "parameters cast for products"))
    source = "torch.autocast: a cast weight is kept until its product's way back"
    if not setup.checkpointing:
        lines = [_line("weights", "half-precision copies", size, formula, source, GRAPH)]
        if setup.batch.prefix_len and not forgets_prefix(
            setup
        ):  # its graph and a micro-batch's live together
            kept = (*GRAPH, END, PREFIX)
            layers = (part.layers - 1) * part.linear
            size, formula = times((setup.width, "bytes"), (layers, "parameters cast for the prefix"))
            lines.append(_line("weights", "the prefix's own copies", size, formula, source, kept))
        return lines
    layer, layer_formula = times((setup.width, "bytes"), (part.linear, "parameters of a layer, cast"))
    return [
        _line("weights", "half-precision copies", size, formula, source, (FORWARD, LOSS)),
        _line("weights", "half-precision copies", layer, layer_formula, source, (BACKWARD, END, PREFIX)),
    ]


def _first_gradients(part: Part, setup: Setup, width: int) -> list[Line]:
    """Gradients that are there while the last layer goes back: the output matrix's, its last matrix's."""
    down = part.architecture.projections[-1].parameters // part.tensor
    matrix = part.head or (part.architecture.embedding // part.tensor if part.last else 0)
    if setup.ours and setup.loss != "plain":
        matrix = 0  # counted with the loss, which computes it
    dense = setup.width if setup.parallel.sharding == "fsdp" else width
    head, head_formula = times((dense, "bytes"), (matrix, "parameters of the output matrix"))
    size, formula = times((dense, "bytes"), (down, "parameters of the MLP's last matrix"))
    return [
        _line("gradients", "output matrix's gradient", head, head_formula, MEASURED, (BACKWARD,)),
        _line("gradients", "the last layer's first gradient", size, formula, MEASURED, (BACKWARD,)),
    ]


def _line(
    component: Component, what: str, size: int, formula: str, source: str, at: tuple[str, ...] = ALWAYS
) -> Line:
    return Line(component=component, what=what, bytes=size, formula=formula, source=source, at=at)
