"""What data-parallel ranks keep whole, keep a part of, or leave to the host, and what spreading costs in buffers.

Knows ZeRO 1–3 (DeepSpeed), FSDP and DDP; doesn't know what is trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sftloop.plan.line import ALWAYS, BACKWARD, END, FORWARD, LOSS, MEASURED, STEP, ZERO, Line, times
from sftloop.plan.part import Part, trained_parameters
from sftloop.plan.setup import Setup

State = Literal["weights", "gradients", "optimizer"]

_SHARDED: dict[str, frozenset[State]] = {
    "none": frozenset(),
    "zero1": frozenset({"optimizer"}),
    "zero2": frozenset({"optimizer", "gradients"}),
    "zero3": frozenset({"optimizer", "gradients", "weights"}),
    "fsdp": frozenset({"optimizer", "gradients", "weights"}),
}
_BUCKET, _LIVE = 500_000_000, 1_000_000_000
_DEEPSPEED = "DeepSpeed's defaults: reduce_bucket_size 5e8, stage3_max_live_parameters 1e9; not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How each kind of state is spread."""

    ranks: int
    sharded: frozenset[State]
    offload: bool
    masters_apart: bool
    """Half-precision weights are read, fp32 masters belong to the optimizer (DeepSpeed)."""

    def of(self, state: State) -> tuple[tuple[float, str], ...]:
        """Return the factors of a product of bytes for a kind of state."""
        if state not in self.sharded:
            return ()
        if self.offload:
            return ((0, "(on the host)"),)
        return ((1 / self.ranks, f"(1 of {self.ranks} ranks)"),)


def shares_of(setup: Setup) -> Shares:
    """Return how a setup spreads its states."""
    way = setup.parallel
    zero = way.sharding in {"zero1", "zero2", "zero3"}
    return Shares(
        ranks=way.data,
        sharded=_SHARDED[way.sharding],
        offload=way.offload,
        masters_apart=zero and setup.precision != "fp32",
    )


def host_bytes(part: Part, setup: Setup, states: int) -> int:
    """Return what a rank leaves in the host's memory.

    Args:
        part: what the rank trains.
        setup: how it is spread.
        states: bytes of optimizer states per trained parameter, masters included.
    """
    shares = shares_of(setup)
    if not shares.offload:
        return 0
    trained = trained_parameters(part, setup)
    width = setup.width if shares.masters_apart else setup.trained_width
    frozen = 0 if setup.method == "full" else setup.width * part.parameters
    whole: dict[State, int] = {
        "optimizer": states * trained,
        "gradients": width * trained,
        "weights": width * trained + frozen,
    }
    return sum(whole[state] for state in shares.sharded) // shares.ranks


def sharding_lines(part: Part, setup: Setup) -> list[Line]:
    """Return the buffers that spreading over ranks needs."""
    way = setup.parallel
    trained = trained_parameters(part, setup)
    if way.data < 2:
        return []
    if way.sharding == "none":
        size, formula = times((setup.trained_width, "bytes"), (trained, "gradients in DDP's buckets"))
        return [
            _buffer("DDP's buckets", size, formula, "torch DistributedDataParallel; not measured", ALWAYS)
        ]
    if way.sharding == "fsdp":
        return _fsdp(part, setup)
    bucket, formula = times((setup.width, "bytes"), (min(_BUCKET, trained), "parameters in a bucket"))
    lines = [_buffer("reduce bucket", bucket, formula, _DEEPSPEED, (BACKWARD, END))]
    if way.sharding == "zero3":
        live = min(_LIVE, part.parameters)
        size, formula = times((setup.width, "bytes"), (live, "parameters gathered at once"))
        lines.append(_buffer("gathered weights", size, formula, _DEEPSPEED, (FORWARD, LOSS, BACKWARD, END)))
    if setup.precision != "fp32" and not way.offload:
        size, formula = times(
            (4, "bytes"), (trained, "gradients in fp32"), (1 / way.data, f"(1 of {way.data} ranks)")
        )
        lines.append(_buffer("the part's gradients in fp32", size, formula, ZERO, (STEP,)))
    return lines


def _fsdp(part: Part, setup: Setup) -> list[Line]:
    """Units gathered at once: the root (embeddings, head) from start to end, and the layer at work.

    The head's gradient is spread with its unit, at the end, so it lies there whole until then. Beside four-bit
    weights four more bytes per adapter parameter were measured, on both models, in both formats; why isn't known.
    """
    root, root_formula = times((setup.width, "bytes"), (part.root, "parameters outside layers"))
    per_parameter = 0.5 if setup.method == "qlora" else setup.width
    layer, layer_formula = times((per_parameter, "bytes"), (part.layer, "parameters of a layer"))
    lines = [
        _buffer("gathered root unit", root, root_formula, MEASURED, (FORWARD, LOSS, BACKWARD, END)),
        _buffer("gathered layer", layer, layer_formula, MEASURED, (FORWARD, BACKWARD, END)),
    ]
    if setup.method == "full":
        down = part.architecture.projections[-1].parameters // part.tensor
        head = part.head or part.architecture.embedding // part.tensor
        size, formula = times(
            (setup.width, "bytes"), (head + down, "gradients of the head and of a layer's matrix")
        )
        lines.append(_buffer("gradients not yet spread", size, formula, MEASURED, (END,)))
    if setup.method == "qlora":
        size, formula = times((4, "bytes"), (trained_parameters(part, setup), "adapter parameters"))
        lines.append(_buffer("adapters beside the units", size, formula, MEASURED, (END,)))
    return lines


def _buffer(what: str, size: int, formula: str, source: str, at: tuple[str, ...]) -> Line:
    return Line(component="buffers", what=what, bytes=size, formula=formula, source=source, at=at)
