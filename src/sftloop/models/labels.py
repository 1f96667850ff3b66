"""Exact probabilities of a task's labels: a tree of their tokens scored below every record at once.

The score of a label is the product of the model's probabilities of its tokens (closing token included),
divided by the sum over all labels. Shared leading tokens are computed once. No approximation: the same
figures as scoring each label's text by itself.

Knows token ids and a packed context; doesn't know where the labels come from.

Shapes: `B` records, `M` tree nodes, `V` vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sftloop.models.packed import PackedContext, PackedTokens

_LOGIT_ROWS = 512
"""Rows of logits in memory at once: bounds memory at rows × V."""


@dataclass(frozen=True, slots=True)
class LabelTree:
    """The token sequences of all labels, merged where they begin alike.

    Nodes are numbered so that a parent comes before its children; node -1 is the end of the prompt.
    """

    labels: tuple[str, ...]
    tokens: tuple[int, ...]
    """Token of each node."""
    parents: tuple[int, ...]
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

    @property
    def inner(self) -> tuple[int, ...]:
        """Nodes that have children: only these have to be run through the model."""
        return tuple(sorted({parent for parent in self.parents if parent >= 0}))

    def ancestors(self, nodes: Sequence[int], device: torch.device) -> Tensor:
        """Boolean (M', M') over `nodes`: may a node see another (itself and those above it)?"""
        place = {node: index for index, node in enumerate(nodes)}
        seen = torch.zeros(len(nodes), len(nodes), dtype=torch.bool)
        for index, node in enumerate(nodes):
            at = node
            while at >= 0:
                seen[index, place[at]] = True
                at = self.parents[at]
        return seen.to(device)


@torch.no_grad()
def label_log_probabilities(
    context: PackedContext, tree: LabelTree, root_logits: Tensor, ends: Sequence[int]
) -> Tensor:
    """Score every label behind every record.

    Args:
        context: prefix and prompts of B records, packed as segments 0 … B-1; left as it was.
        tree: the labels.
        root_logits: logits at the end of each prompt, shape (B, V).
        ends: each prompt's length in tokens, prefix included.

    Returns:
        Log-probabilities normalised over the labels, shape (B, labels).
    """
    device = root_logits.device
    batch, inner = len(ends), tree.inner
    place = {node: index for index, node in enumerate(inner)}
    gains = torch.full((batch, len(tree.tokens)), float("nan"), device=device)
    _take(gains, root_logits, [node for node, parent in enumerate(tree.parents) if parent < 0], tree)
    if inner:
        row = _tree_row(tree, inner, ends, device)
        children: dict[int, list[int]] = {}
        for node, parent in enumerate(tree.parents):
            children.setdefault(parent, []).append(node)
        branch = context.fork()
        logits = branch.extend(
            row, torch.arange(len(row.ids), device=device), tree.ancestors(inner, device)
        ).view(batch, len(inner), -1)
        for node in inner:
            _take(gains, logits[:, place[node]], children[node], tree)
    totals = torch.stack([gains[:, list(path)].sum(1) for path in tree.paths], dim=1)
    return torch.log_softmax(totals, dim=1)


def _take(gains: Tensor, logits: Tensor, nodes: list[int], tree: LabelTree) -> None:
    """Write the log-probabilities of `nodes` (children of one node) into `gains`."""
    tokens = torch.tensor([tree.tokens[node] for node in nodes], device=logits.device)
    for start in range(0, len(logits), _LOGIT_ROWS):
        rows = logits[start : start + _LOGIT_ROWS].float()
        gains[start : start + _LOGIT_ROWS, nodes] = rows[:, tokens] - rows.logsumexp(1, keepdim=True)


def _tree_row(
    tree: LabelTree, inner: Sequence[int], ends: Sequence[int], device: torch.device
) -> PackedTokens:
    batch, size = len(ends), len(inner)
    ids = torch.tensor([tree.tokens[node] for node in inner], device=device).repeat(batch)
    depth = torch.tensor([tree.depths[node] for node in inner], device=device)
    position = torch.tensor(list(ends), device=device)[:, None] + depth[None, :]
    segment = torch.arange(batch, device=device).repeat_interleave(size)
    node = torch.arange(size, device=device).repeat(batch)
    return PackedTokens(ids, segment, position.reshape(-1), node)
