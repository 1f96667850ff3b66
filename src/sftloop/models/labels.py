"""Exact probabilities of a task's labels: a tree of their tokens scored below every record at once.

The score of a label is the product of the model's probabilities of its tokens (closing token included),
divided by the sum over all labels. Shared leading tokens are computed once. The figures are those of scoring
each label's text by itself, to within e^−16: below that share of the best label, a label is left out.

Knows token ids and a packed context; doesn't know where the labels come from.

Shapes: `B` records, `M` tree nodes, `V` vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sftloop.models.packed import PackedContext, PackedTokens

IntArray = npt.NDArray[np.int64]

_LOGIT_ROWS = 512
"""Rows of logits in memory at once: bounds memory at rows × V."""
_WHOLE_TREE = 12
"""Inner nodes up to which one pass over the whole tree is cheaper than a search."""
_MARGIN_NATS = 16.0


@dataclass(frozen=True, slots=True)
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

    @property
    def inner(self) -> tuple[int, ...]:
        """Nodes that have children: only these have to be run through the model."""
        return tuple(sorted({parent for parent in self.parents if parent >= 0}))

    @property
    def trunk(self) -> tuple[int, ...]:
        """The inner nodes above the first fork: what all labels begin with."""
        return tuple(node for node in self.inner if all(node in path for path in self.paths))

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


class LabelScores(NamedTuple):
    """What one pass over a label tree says of B records."""

    log_probabilities: Tensor
    """Normalised over the labels, shape (B, labels)."""
    greedy: list[list[int]]
    """Per record the tokens that greedy generation begins with, as far as the nodes that were run tell."""


@torch.no_grad()
def score_labels(
    context: PackedContext, tree: LabelTree, root_logits: Tensor, ends: Sequence[int]
) -> LabelScores:
    """Score every label behind every record.

    A small tree is run whole. In a larger one each record first follows its likeliest path to a label; then
    only those branches are run that can still reach e^−16 of that label's probability. What is left out adds
    at most 1.2e-7 of that per label to the sum, and gets probability 0.

    Args:
        context: prefix and prompts of B records, packed as segments 0 … B-1; left as it was.
        tree: the labels.
        root_logits: logits at the end of each prompt, shape (B, V).
        ends: each prompt's length in tokens, prefix included.

    Returns:
        The labels' log-probabilities, and how each record's greedy answer begins.
    """
    search = _Search(context.fork(), tree, ends)
    search.enter(root_logits)
    if len(tree.inner) <= _WHOLE_TREE:
        search.run_everywhere(tree.inner)
    else:
        search.run_everywhere(tree.trunk)
        search.follow_likeliest()
        while search.expand():
            pass
    return LabelScores(torch.log_softmax(search.label_totals(), dim=1), search.greedy())


class _Search:
    """Log-probabilities of tree nodes for B records, run as far as they can matter."""

    def __init__(self, branch: PackedContext, tree: LabelTree, ends: Sequence[int]) -> None:
        self.branch, self.tree = branch, tree
        self.ends = list(ends)
        self.totals = np.full((len(ends), len(tree.tokens)), -np.inf)
        """Per record and node: log-probability from the end of the prompt down to the node."""
        self.best = np.full(len(ends), -np.inf)
        """Per record: that of the likeliest whole label so far."""
        self.likeliest = np.full((len(ends), len(tree.tokens) + 1), -1)
        """Per record and node that was run: the likeliest next token of all; the end of the prompt is last."""
        self.open = np.zeros(self.totals.shape, dtype=bool)
        """Nodes that have a total and children, and were not run yet."""
        self.children: dict[int, list[int]] = {}
        for node, parent in enumerate(tree.parents):
            self.children.setdefault(parent, []).append(node)
        self.leaves = np.array([path[-1] for path in tree.paths])
        everyone = range(len(tree.tokens))
        self.ancestors = tree.ancestors(everyone, branch.model.device)

    def enter(self, root_logits: Tensor) -> None:
        """Take the first tokens' log-probabilities."""
        records = np.arange(len(self.ends))
        self._take(root_logits, records, np.full(len(records), -1))

    def run_everywhere(self, nodes: Sequence[int]) -> None:
        """Run the same nodes (none without those above it) for every record in one pass."""
        if nodes:
            count = len(self.ends)
            self._run(np.repeat(np.arange(count), len(nodes)), np.tile(np.array(nodes), count))

    def follow_likeliest(self) -> None:
        """Run each record's likeliest child again and again, from the first fork down to a label."""
        fork = self.tree.trunk[-1] if self.tree.trunk else -1
        at = np.array([self._likeliest_child(record, fork) for record in range(len(self.ends))])
        while True:
            going = np.array([node in self.children for node in at])
            if not going.any():
                return
            records = np.flatnonzero(going)
            self._run(records, at[records])
            for record in records:
                at[record] = self._likeliest_child(int(record), int(at[record]))

    def expand(self) -> bool:
        """Run all open nodes that can still matter; return whether there were any."""
        worth = self.open & (self.totals >= self.best[:, None] - _MARGIN_NATS)
        records, nodes = np.nonzero(worth)
        for start in range(0, len(records), _LOGIT_ROWS):
            part = slice(start, start + _LOGIT_ROWS)
            self._run(records[part], nodes[part])
        return len(records) > 0

    def label_totals(self) -> Tensor:
        """Return the labels' log-probabilities, shape (B, labels)."""
        return torch.from_numpy(self.totals[:, self.leaves]).float()

    def greedy(self) -> list[list[int]]:
        """Follow each record's likeliest tokens from the end of the prompt until they leave the known nodes."""
        return [self._greedy(record) for record in range(len(self.ends))]

    def _greedy(self, record: int) -> list[int]:
        written: list[int] = []
        node = -1
        while (token := int(self.likeliest[record, node])) >= 0:
            written.append(token)
            below = [child for child in self.children.get(node, ()) if self.tree.tokens[child] == token]
            if not below:
                break
            node = below[0]
        return written

    def _likeliest_child(self, record: int, node: int) -> int:
        return max(self.children[node], key=lambda child: float(self.totals[record, child]))

    def _run(self, records: IntArray, nodes: IntArray) -> None:
        device = self.branch.model.device
        tokens = [self.tree.tokens[node] for node in nodes]
        positions = [self.ends[r] + self.tree.depths[n] for r, n in zip(records, nodes, strict=True)]
        row = PackedTokens(
            torch.tensor(tokens, device=device),
            torch.from_numpy(records).to(device),
            torch.tensor(positions, device=device),
            torch.from_numpy(nodes).to(device),
        )
        logits = self.branch.extend(row, torch.arange(len(tokens), device=device), self.ancestors)
        self._take(logits, records, nodes)

    def _take(self, logits: Tensor, records: IntArray, nodes: IntArray) -> None:
        """Give the children of each (record, node) their totals from the node's logits, upper nodes first."""
        rows = logits.float()
        norms = rows.logsumexp(1)
        self.likeliest[records, nodes] = rows.argmax(1).cpu().numpy()
        for index, (record, node) in enumerate(zip(records, nodes, strict=True)):
            children = self.children[int(node)]
            tokens = [self.tree.tokens[child] for child in children]
            above = self.totals[record, node] if node >= 0 else 0.0
            gains = (rows[index, tokens] - norms[index]).cpu().double().numpy()
            self.totals[record, children] = above + gains
            self.open[record, node] = False
            self.open[record, children] = [child in self.children for child in children]
        reached = self.totals[:, self.leaves].max(1)
        self.best = np.maximum(self.best, reached)
