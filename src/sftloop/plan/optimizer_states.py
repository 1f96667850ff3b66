"""What optimizers remember per trained parameter, and what their step needs for a moment.

Knows optimizers; doesn't know models beyond the shapes of their matrices.
"""

from __future__ import annotations

from typing import NamedTuple

from sftloop.plan.line import ALWAYS, STEP, Line, times
from sftloop.plan.part import Part, targeted, trained_parameters
from sftloop.plan.setup import Optimizer, Setup
from sftloop.plan.sharding import shares_of

_STATES: dict[Optimizer, int] = {"sgd": 0, "momentum": 1, "adamw": 2, "adamw-fused": 2}
"""Numbers per parameter, each as wide as the parameter."""
_SOURCES: dict[Optimizer, str] = {
    "sgd": "keeps nothing",
    "momentum": "a velocity (Sutskever et al. 2013, PMLR 28)",
    "adamw": "m and v (Loshchilov and Hutter 2019, arXiv:1711.05101)",
    "adamw-fused": "m and v (Loshchilov and Hutter 2019, arXiv:1711.05101)",
    "adamw-8bit": "m and v in 8 bits, an fp32 scale each per 256 (Dettmers et al. 2022, arXiv:2110.02861)",
    "adafactor": "row and column means (Shazeer and Stern 2018, arXiv:1804.04235)",
}
_EIGHT_BIT = 2 + 2 * 4 / 256


class States(NamedTuple):
    """Bytes of optimizer states."""

    size: int
    formula: str


def optimizer_lines(part: Part, setup: Setup) -> list[Line]:
    """Return what the optimizer keeps, and its temporaries."""
    shares = shares_of(setup)
    trained = trained_parameters(part, setup)
    states = _states(part, setup, trained)
    lines = [_line("optimizer states", states.size, states.formula, _SOURCES[setup.optimizer])]
    if shares.masters_apart:
        size, formula = times((4, "bytes"), (trained, "master weights"), *shares.of("optimizer"))
        lines.append(_line("fp32 masters", size, formula, "Rajbhandari et al. 2020, arXiv:1910.02054"))
    return [*lines, *_temporaries(part, setup, trained)]


def state_bytes(setup: Setup) -> int:
    """Return whole bytes per trained parameter, masters included: what offloading moves to the host."""
    shares = shares_of(setup)
    per = _STATES.get(setup.optimizer, 2) * (4 if shares.masters_apart else setup.trained_width)
    return per + (4 if shares.masters_apart else 0)


def _states(part: Part, setup: Setup, trained: int) -> States:
    shares = shares_of(setup)
    if setup.optimizer == "adafactor":
        size, formula = times((4, "bytes"), (_rows_and_columns(part, setup), "rows and columns"))
    elif setup.optimizer == "adamw-8bit":
        size, formula = times((_EIGHT_BIT, "bytes"), (trained, "trained parameters"), *shares.of("optimizer"))
    else:
        width = 4 if shares.masters_apart else setup.trained_width
        count = _STATES[setup.optimizer]
        size, formula = times(
            (count, "states"), (width, "bytes"), (trained, "trained parameters"), *shares.of("optimizer")
        )
    return States(size, formula)


def _temporaries(part: Part, setup: Setup, trained: int) -> list[Line]:
    """AdamW's foreach version takes all square roots at once; Adafactor squares one matrix at a time."""
    shares = shares_of(setup)
    width = setup.trained_width
    if setup.optimizer == "adamw" and not shares.masters_apart and not setup.ours and not shares.offload:
        size, formula = times((width, "bytes"), (trained, "square roots of v"), *shares.of("optimizer"))
        return [_line("foreach temporary", size, formula, "torch.optim.AdamW(foreach=True)", (STEP,))]
    if setup.optimizer == "adafactor":
        matrices = _matrices(part, setup)
        largest = max(rows * columns for rows, columns in matrices)
        size, formula = times((2, "copies"), (4, "bytes"), (largest, "parameters of the largest matrix"))
        return [_line("the update of one matrix", size, formula, "transformers' Adafactor", (STEP,))]
    return []


def _matrices(part: Part, setup: Setup) -> list[tuple[int, int]]:
    """Shapes of the trained matrices: one layer's, and those outside."""
    arch, rank = part.architecture, setup.adapter.rank
    if setup.adapters:
        pairs = [(each.inputs, each.outputs) for each in targeted(arch, setup.adapter.targets)]
        return [shape for i, o in pairs for shape in ((rank, i), (o, rank))]
    if setup.method == "full":
        layer = [(each.outputs, each.inputs) for each in arch.projections]
        return [*layer, (arch.vocabulary, arch.hidden)]
    wide = 2 * arch.keys * part.layers if setup.method == "prefix" else arch.hidden
    network = [(arch.hidden, arch.hidden)] if setup.method == "ptuning" else []
    return [(setup.virtual_tokens, wide), *network]


def _rows_and_columns(part: Part, setup: Setup) -> int:
    arch = part.architecture
    sums = [rows + columns for rows, columns in _matrices(part, setup)]
    if setup.adapters:
        return part.layers * sum(sums)
    if setup.method == "full":
        vectors = part.layers * (arch.layer - sum(r * c for r, c in _matrices(part, setup)[:-1]))
        outside = sums[-1] * (1 if arch.tied else 2)
        return part.layers * sum(sums[:-1]) + outside + vectors
    return sums[0] + 3 * sum(sums[1:])


def _line(what: str, size: int, formula: str, source: str, at: tuple[str, ...] = ALWAYS) -> Line:
    return Line(component="optimizer", what=what, bytes=size, formula=formula, source=source, at=at)
