"""Which part of a model a rank holds under pipeline and tensor parallelism, and what of it is trained.

Knows parameter counts; doesn't know bytes or data-parallel sharding.
"""

from __future__ import annotations

from dataclasses import dataclass

from sftloop.plan.architecture import Architecture, Projection
from sftloop.plan.setup import Setup, Targets

_TARGETED: dict[Targets, frozenset[str]] = {
    "all": frozenset({"q", "k", "v", "qkv", "o", "gate", "up", "gate_up", "down"}),
    "qkvo": frozenset({"q", "k", "v", "qkv", "o"}),
    "qv": frozenset({"q", "v", "qkv"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A rank's share of the model."""

    architecture: Architecture
    layers: int
    first: bool
    """Has the embeddings."""
    last: bool
    """Has the output matrix."""
    tensor: int
    """Ranks that share each matrix."""
    in_flight: int
    """Micro-batches whose activations are held at once."""

    @property
    def linear(self) -> int:
        """Parameters of one layer's matrices here."""
        return self.architecture.linear // self.tensor

    @property
    def layer(self) -> int:
        """Parameters of one layer here; norms are on every rank."""
        return self.linear + self.architecture.norms

    @property
    def head(self) -> int:
        """Parameters of the output matrix here: the embeddings' own where they are tied on one rank."""
        if not self.last:
            return 0
        whole = self.architecture.head or (0 if self.first else self.architecture.embedding)
        return whole // self.tensor

    @property
    def root(self) -> int:
        """Parameters outside the layers here."""
        embedding = self.architecture.embedding // self.tensor if self.first else 0
        return embedding + self.head + (self.architecture.last_norm if self.last else 0)

    @property
    def parameters(self) -> int:
        """All parameters here."""
        return self.layers * self.layer + self.root


def parts_of(architecture: Architecture, setup: Setup) -> tuple[Part, ...]:
    """Return the first and the last rank of a pipeline, between which the fullest one is found; else the only one.

    With one forward and one backward in turn (1F1B) the first of `p` stages holds `p` micro-batches, the last
    one (Narayanan et al. 2021, arXiv:2104.04473).
    """
    way = setup.parallel
    layers = -(-architecture.layers // way.pipeline)
    ends = [(True, way.pipeline == 1), *([(False, True)] if way.pipeline > 1 else [])]
    return tuple(
        Part(
            architecture=architecture,
            layers=layers,
            first=first,
            last=last,
            tensor=way.tensor,
            in_flight=1 if last else min(way.pipeline, setup.batch.accumulation),
        )
        for first, last in ends
    )


def targeted(architecture: Architecture, targets: Targets) -> tuple[Projection, ...]:
    """Return the matrices of a layer that get adapters."""
    return tuple(each for each in architecture.projections if each.name in _TARGETED[targets])


def trained_parameters(part: Part, setup: Setup) -> int:
    """Return how many parameters of a part are trained."""
    arch, rank, virtual = part.architecture, setup.adapter.rank, setup.virtual_tokens
    if setup.method == "full":
        return part.parameters
    if setup.adapters:
        pairs = (each.inputs + each.outputs for each in targeted(arch, setup.adapter.targets))
        return part.layers * rank * sum(pairs) // part.tensor
    if setup.method == "prefix":
        return virtual * part.layers * 2 * arch.keys // part.tensor
    network = 3 * (arch.hidden**2 + arch.hidden) if setup.method == "ptuning" else 0
    return virtual * arch.hidden + network if part.first else 0
