"""One line of the ledger: so many bytes, of what, by which formula, known from where, and when they are there.

Knows the names of components and instants; computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Component = Literal["weights", "gradients", "optimizer", "activations", "logits", "prefix", "buffers"]
COMPONENTS: tuple[Component, ...] = (
    "weights",
    "gradients",
    "optimizer",
    "activations",
    "logits",
    "prefix",
    "buffers",
)

FORWARD = "forward"
LOSS = "loss"
BACKWARD = "backward, last layer"
END = "backward, first layer"
PREFIX = "backward, prefix"
STEP = "optimizer step"
"""The instants, in their order; `PREFIX` in our engine only: back through the shared prefix."""

GRAPH = (FORWARD, LOSS, BACKWARD)
"""While a pass's activations are all there."""
ALWAYS = (FORWARD, LOSS, BACKWARD, END, PREFIX, STEP)
INSTANTS = ALWAYS

ZERO = "Rajbhandari et al. 2020, arXiv:1910.02054, section 3"
MIXED = "Micikevicius et al. 2018, arXiv:1710.03740, section 3.1"
KORTHIKANTI = "Korthikanti et al. 2022, arXiv:2205.05198, section 4"
CHECKPOINT = "Chen et al. 2016, arXiv:1604.06174"
MEASURED = "measured: 192 runs on A100-80GB, foundation-model-stack/fms-acceleration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Bytes on one rank."""

    component: Component
    what: str
    bytes: int
    formula: str
    """With its numbers, so that a reader can check it."""
    source: str
    """Paper or measurement."""
    at: tuple[str, ...]
    """The instants at which they are there."""
    detail: str = ""
    """What a factor of the formula is made of, where that isn't one thing."""


def times(*factors: tuple[float, str]) -> tuple[int, str]:
    """Return a product and the same as text: `(4, "bytes"), (10, "weights")` → 40, `4 bytes × 10 weights`."""
    product = 1.0
    for factor, _ in factors:
        product *= factor
    return round(product), " × ".join(f"{_number(factor)} {unit}".strip() for factor, unit in factors)


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"
