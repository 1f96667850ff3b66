"""Exact probabilities of a task's labels: a tree of their tokens scored below every record at once.

The score of a label is the product of the model's probabilities of its tokens (closing token included),
divided by the sum over all labels. Shared leading tokens are computed once. The figures are those of scoring
each label's text by itself; a search leaves out labels below e^−16 of the best one.

Knows token ids and a packed context; doesn't know where the labels come from.

Shapes: `B` records, `M` tree nodes, `V` vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sftloop.models.label_tree import LabelTree
from sftloop.models.packed import PackedContext, PackedTokens

IntArray = npt.NDArray[np.int64]

_LOGIT_ROWS = 512
"""Rows of logits in memory at once: bounds memory at rows × V."""
_MARGIN_NATS = 16.0
_SMALL_TREE, _LARGE_TREE = 12, 1024
"""Inner nodes: always run whole up to the first, never beyond the second."""
_SEARCH_BELOW = 0.4
"""Share of the tree that matters, below which searching is cheaper than running it whole."""


class LabelScores(NamedTuple):
    """What a label tree says of B records."""

    log_probabilities: Tensor
    """Normalised over the labels, shape (B, labels)."""
    greedy: list[list[int]]
    """Per record the tokens that greedy generation begins with, as far as the nodes that were run tell."""
    needed: float
    """Share of the tree's inner nodes that could matter to these records."""


def run_whole(tree: LabelTree, needed: float | None) -> bool:
    """Is running every node cheaper than searching, when the last records needed this share of the tree?"""
    inner = len(tree.inner)
    return inner <= _SMALL_TREE or (inner <= _LARGE_TREE and (needed is None or needed > _SEARCH_BELOW))


@torch.no_grad()
def score_labels(
    context: PackedContext, tree: LabelTree, root_logits: Tensor, ends: Sequence[int], *, whole: bool
) -> LabelScores:
    """Score every label behind every record.

    The whole tree is run below each record, or searched: then each record first follows its likeliest path to
    a label, and only those branches are run that can still reach e^−16 of that label's probability. What is
    left out adds at most 1.2e-7 of that per label to the sum, and gets probability 0.

    Args:
        context: prefix and prompts of B records, packed as segments 0 … B-1; left as it was.
        tree: the labels.
        root_logits: logits at the end of each prompt, shape (B, V).
        ends: each prompt's length in tokens, prefix included.
        whole: run every node instead of searching.
    """
    search = _Search(context, tree, ends)
    search.enter(root_logits)
    if whole:
        search.run_all()
    else:
        search.run_trunk()
        search.follow_likeliest()
        while search.expand():
            pass
    return LabelScores(torch.log_softmax(search.label_totals(), dim=1), search.greedy(), search.needed())


class _Search:
    """Log-probabilities of tree nodes for B records, run as far as they can matter."""

    def __init__(self, context: PackedContext, tree: LabelTree, ends: Sequence[int]) -> None:
        self.context, self.branch, self.tree = context, context.fork(), tree
        self.ends = np.array(ends)
        self.totals = np.full((len(ends), len(tree.tokens)), -np.inf)
        """Per record and node: log-probability from the end of the prompt down to the node."""
        self.best = np.full(len(ends), -np.inf)
        """Per record: that of the likeliest whole label so far."""
        self.likeliest = np.full((len(ends), len(tree.tokens) + 1), -1)
        """Per record and node that was run: the likeliest next token of all; the end of the prompt is last."""
        self.open = np.zeros(self.totals.shape, dtype=bool)
        """Nodes that have a total and children, and were not run yet."""
        self.tokens, self.depths = np.array(tree.tokens), np.array(tree.depths)
        self.inner = np.array(tree.inner, dtype=np.int64)
        self.has_children = np.isin(np.arange(len(tree.tokens)), self.inner)
        self.leaves = np.array([path[-1] for path in tree.paths])
        self.ancestors = tree.ancestors.to(context.model.device)

    def enter(self, root_logits: Tensor) -> None:
        """Take the first tokens' log-probabilities."""
        records = np.arange(len(self.ends))
        self._take(root_logits, records, np.full(len(records), -1))

    def run_all(self) -> None:
        """Run every inner node below every record, some records at a time, and keep no keys and values."""
        size = max(1, _LOGIT_ROWS // max(1, len(self.inner)))
        for start in range(0, len(self.ends) if len(self.inner) else 0, size):
            records = np.arange(start, min(start + size, len(self.ends)))
            count = len(self.inner)
            self._run(self.context.fork(), records.repeat(count), np.tile(self.inner, len(records)))

    def run_trunk(self) -> None:
        """Run what all labels begin with, for every record in one pass."""
        trunk, count = np.array(self.tree.trunk, dtype=np.int64), len(self.ends)
        if len(trunk):
            self._run(self.branch, np.arange(count).repeat(len(trunk)), np.tile(trunk, count))

    def follow_likeliest(self) -> None:
        """Run each record's likeliest child again and again, from the first fork down to a label."""
        fork = self.tree.trunk[-1] if self.tree.trunk else -1
        at = np.array([self._likeliest_child(record, fork) for record in range(len(self.ends))])
        while (going := self.has_children[at]).any():
            records = np.flatnonzero(going)
            self._run(self.branch, records, at[records])
            for record in records:
                at[record] = self._likeliest_child(int(record), int(at[record]))

    def expand(self) -> bool:
        """Run all open nodes that can still matter; return whether there were any."""
        records, nodes = np.nonzero(self.open & self._matters())
        for start in range(0, len(records), _LOGIT_ROWS):
            part = slice(start, start + _LOGIT_ROWS)
            self._run(self.branch, records[part], nodes[part])
        return len(records) > 0

    def label_totals(self) -> Tensor:
        """Return the labels' log-probabilities, shape (B, labels)."""
        return torch.from_numpy(self.totals[:, self.leaves]).float()

    def needed(self) -> float:
        """Return the share of inner nodes that a search would have run."""
        return float(self._matters()[:, self.inner].mean()) if len(self.inner) else 1.0

    def greedy(self) -> list[list[int]]:
        """Follow each record's likeliest tokens from the end of the prompt until they leave the known nodes."""
        return [self._greedy(record) for record in range(len(self.ends))]

    def _greedy(self, record: int) -> list[int]:
        written: list[int] = []
        node = -1
        while (token := int(self.likeliest[record, node])) >= 0:
            written.append(token)
            below = [child for child in self.tree.children.get(node, ()) if self.tokens[child] == token]
            if not below:
                break
            node = below[0]
        return written

    def _matters(self) -> npt.NDArray[np.bool_]:
        return self.totals >= self.best[:, None] - _MARGIN_NATS

    def _likeliest_child(self, record: int, node: int) -> int:
        return max(self.tree.children[node], key=lambda child: float(self.totals[record, child]))

    def _run(self, branch: PackedContext, records: IntArray, nodes: IntArray) -> None:
        device = branch.model.device
        row = PackedTokens(
            torch.from_numpy(self.tokens[nodes]).to(device),
            torch.from_numpy(records).to(device),
            torch.from_numpy(self.ends[records] + self.depths[nodes]).to(device),
            torch.from_numpy(nodes).to(device),
        )
        logits = branch.extend(row, torch.arange(len(nodes), device=device), self.ancestors)
        self._take(logits, records, nodes)

    def _take(self, logits: Tensor, records: IntArray, nodes: IntArray) -> None:
        """Give the children of each (record, node) their totals from the node's logits."""
        self.likeliest[records, nodes] = logits.argmax(1).cpu().numpy()
        below = [self.tree.children[node] for node in nodes.tolist()]
        rows = np.arange(len(nodes)).repeat([len(own) for own in below])
        children = np.array([child for own in below for child in own])
        picked = logits[torch.from_numpy(rows), torch.from_numpy(self.tokens[children])].float()
        norms = logits.float().logsumexp(1)
        gains = (picked.cpu().double() - norms.cpu().double()[torch.from_numpy(rows)]).numpy()
        owners, above = records[rows], nodes[rows]
        for depth in np.unique(self.depths[children]):
            now = self.depths[children] == depth
            start = self.totals[owners[now], above[now]] if depth else 0.0
            self.totals[owners[now], children[now]] = start + gains[now]
        self.open[records[nodes >= 0], nodes[nodes >= 0]] = False
        self.open[owners, children] = self.has_children[children]
        self.best = np.maximum(self.best, self.totals[:, self.leaves].max(1))
