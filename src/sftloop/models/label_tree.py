"""A task's labels as a tree of tokens: what begins alike is there once.

Knows token ids; doesn't know where the labels come from or how they are scored.

Shapes: `M` tree nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class LabelTree:
    """The token sequences of all labels, merged where they begin alike.

    Nodes are numbered so that a parent comes before its children; node -1 is the end of the prompt.
    """

    labels: tuple[str, ...]
    tokens: tuple[int, ...]
    """Token of each node."""
    parents: tuple[int, ...]
    """Node above each node."""
    depths: tuple[int, ...]
    """0 for a first token."""
    paths: tuple[tuple[int, ...], ...]
    """Per label: its nodes from first to last."""

    @classmethod
    def build(cls, sequences: dict[str, Sequence[int]]) -> LabelTree:
        """Merge the labels' token sequences.

        Raises:
            ValueError: two labels have the same tokens.
        """
        index: dict[tuple[int, int], int] = {}
        tokens: list[int] = []
        parents: list[int] = []
        depths: list[int] = []
        paths: list[tuple[int, ...]] = []
        for sequence in sequences.values():
            at, path = -1, []
            for depth, token in enumerate(sequence):
                if (at, token) not in index:
                    index[at, token] = len(tokens)
                    tokens.append(token)
                    parents.append(at)
                    depths.append(depth)
                at = index[at, token]
                path.append(at)
            paths.append(tuple(path))
        if len(set(paths)) != len(paths):
            raise ValueError("two labels have the same tokens")
        return cls(tuple(sequences), tuple(tokens), tuple(parents), tuple(depths), tuple(paths))

    @cached_property
    def children(self) -> dict[int, tuple[int, ...]]:
        """Below each inner node, and below the end of the prompt (-1), the nodes that follow."""
        below: dict[int, list[int]] = {}
        for node, parent in enumerate(self.parents):
            below.setdefault(parent, []).append(node)
        return {node: tuple(own) for node, own in below.items()}

    @cached_property
    def inner(self) -> tuple[int, ...]:
        """Nodes that have children: only these have to be run through the model."""
        return tuple(sorted(node for node in self.children if node >= 0))

    @cached_property
    def trunk(self) -> tuple[int, ...]:
        """The inner nodes above the first fork: what all labels begin with."""
        return tuple(node for node in self.inner if all(node in path for path in self.paths))

    @cached_property
    def ancestors(self) -> Tensor:
        """Boolean (M, M): may a node see another (itself and those above it)?"""
        seen = torch.eye(len(self.tokens), dtype=torch.bool)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                seen[node] |= seen[parent]
        return seen
