"""The ledger: every line of one rank's memory, their sums at each instant, and the peak, the largest of them.

Knows how the parts add up; the formulas are in `weights`, `optimizer_states`, `activations`, `logits`,
`prefix` and `sharding`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sftloop.plan.activations import activation_lines
from sftloop.plan.architecture import Architecture
from sftloop.plan.combinations import check
from sftloop.plan.line import COMPONENTS, INSTANTS, PREFIX, Component, Line
from sftloop.plan.logits import logit_lines
from sftloop.plan.optimizer_states import optimizer_lines, state_bytes
from sftloop.plan.part import Part, parts_of, trained_parameters
from sftloop.plan.prefix import prefix_lines
from sftloop.plan.reserved import Reserved, reserved_range
from sftloop.plan.setup import Setup
from sftloop.plan.sharding import host_bytes, sharding_lines
from sftloop.plan.weights import gradient_lines, weight_lines

USABLE = 0.9
"""Share of a GPU that may be allocated. Of 192 measured runs every one up to here went through; between that
and 0.94 some did, above none (`docs/planner.md`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """One rank's memory, that of the fullest rank."""

    lines: tuple[Line, ...]
    instants: dict[str, int]
    """Bytes allocated at each."""
    trained: int
    """Trained parameters of the rank."""
    host_bytes: int
    """What the rank leaves in the host's memory."""
    reserved: Reserved

    @property
    def instant(self) -> str:
        """When most is allocated."""
        return max(self.instants, key=lambda name: self.instants[name])

    @property
    def peak_allocated(self) -> int:
        """Bytes allocated then."""
        return self.instants[self.instant]

    def at_peak(self) -> list[Line]:
        """Return the lines that make up the peak, component by component."""
        there = [line for line in self.lines if self.instant in line.at and line.bytes]
        return sorted(there, key=lambda line: COMPONENTS.index(line.component))

    def components(self) -> dict[Component, int]:
        """Return the peak by component; it adds up to `peak_allocated`."""
        return {
            name: sum(line.bytes for line in self.at_peak() if line.component == name) for name in COMPONENTS
        }

    def fits(self, gpu_bytes: int) -> bool:
        """Whether a GPU has room for the peak."""
        return has_room(self.peak_allocated, gpu_bytes)


def has_room(peak_allocated: int, gpu_bytes: int) -> bool:
    """Whether a GPU has room for a peak, the driver's context and what the allocator loses."""
    return peak_allocated <= USABLE * gpu_bytes


def simulate(architecture: Architecture, setup: Setup, gpu_bytes: int | None = None) -> Ledger:
    """Return the ledger of a training.

    Args:
        architecture: the model.
        setup: how it is trained.
        gpu_bytes: memory of the GPU, at which what is reserved ends; None: as much as is wanted.

    Raises:
        UsageError: an impossible combination.
    """
    check(architecture, setup)
    ledgers = [_of_part(part, setup, gpu_bytes) for part in parts_of(architecture, setup)]
    return max(ledgers, key=lambda ledger: ledger.peak_allocated)


def _of_part(part: Part, setup: Setup, gpu_bytes: int | None) -> Ledger:
    lines = (
        *weight_lines(part, setup),
        *gradient_lines(part, setup),
        *optimizer_lines(part, setup),
        *activation_lines(part, setup),
        *logit_lines(part, setup),
        *prefix_lines(part, setup),
        *sharding_lines(part, setup),
    )
    shared = any(line.component == "prefix" for line in lines)
    instants = {
        name: sum(line.bytes for line in lines if name in line.at)
        for name in INSTANTS
        if name != PREFIX or shared
    }
    return Ledger(
        lines=lines,
        instants=instants,
        trained=trained_parameters(part, setup),
        host_bytes=host_bytes(part, setup, state_bytes(setup)),
        reserved=reserved_range(lines, instants, part, setup, gpu_bytes),
    )
