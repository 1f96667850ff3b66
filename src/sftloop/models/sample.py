"""Short answers to raw prompts, greedy or sampled.

What all prompts begin with runs once, what some begin with once per batch, and a prompt's samples branch off it;
prompts with different beginnings still go through the model together. A sample's random numbers belong to its
prompt and its number, so neither the batch nor the order changes it.

Knows token ids and a model; doesn't know what was asked or whether an answer is right.

Shapes: `N` branches (answers being written), `V` vocabulary, `K` tokens that can be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sftloop.core.seeds import derive_seed
from sftloop.models.encode import PromptEncoder, common_prefix_length
from sftloop.models.in_full import last_logits
from sftloop.models.local import inference
from sftloop.models.packed import PackedContext, PackedTokens, why_not_shareable
from sftloop.models.prompt_groups import Ids, bounded, groups_by_prefix
from sftloop.models.sampling import GREEDY, Sampling, draw

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_BATCH_TOKENS = 2048
"""Tokens behind a shared prefix that run in one pass."""
_LOGIT_ROWS = 192
"""Answers written side by side: bounds memory at rows × V."""


@dataclass(frozen=True, slots=True)
class _Ending:
    """When an answer is over."""

    encoder: PromptEncoder
    stop: str | None
    limit: int

    def reached(self, written: list[int]) -> bool:
        return len(written) >= self.limit or self.by_itself(written)

    def by_itself(self, written: list[int]) -> bool:
        """Whether the answer was over before its room was."""
        return written[-1] in self.encoder.stop_ids or (
            self.stop is not None and self.stop in self.encoder.decode(written).lstrip()
        )

    def text(self, written: list[int]) -> str:
        """The answer without its stop; white space in front is none."""
        text = self.encoder.decode(written).strip()
        return text if self.stop is None else text.partition(self.stop)[0].rstrip()


@dataclass(slots=True, eq=False)
class _Branch:
    """One answer on its way."""

    prompt: int
    cut: int
    """Tokens of the prompt that its group shares."""
    group: int
    column: int
    """Its place among its prompt's answers."""
    draw: np.random.Generator
    written: list[int] = field(default_factory=list)


class Written(NamedTuple):
    """One answer."""

    text: str
    ended: bool
    """Whether the model ended it; else it ran out of room."""


def write_answers(
    model: PreTrainedModel,
    encoder: PromptEncoder,
    prompts: Sequence[Ids],
    *,
    numbers: Sequence[Sequence[int]] | None = None,
    sampling: Sampling = GREEDY,
    stop: str | None = "\n",
    limit: int = 32,
    seed: int = 0,
) -> list[list[Written]]:
    """Write answers behind raw prompts.

    Args:
        model: any causal language model.
        encoder: its tokenizer.
        prompts: token ids, none empty.
        numbers: per prompt the numbers of the samples wanted, so that more can be drawn later without
            repeating any; None writes one for each prompt.
        sampling: greedy unless told otherwise.
        stop: an answer ends in front of this text, if any, or at a token that ends a turn.
        limit: most tokens per answer.
        seed: of all draws.

    Returns:
        Per prompt its answers in the order of `numbers`, their texts without the stop or white space at the ends.
    """
    wanted = [[0]] * len(prompts) if numbers is None else numbers
    ending = _Ending(encoder, stop, limit)
    answers = [[Written("", ended=False)] * len(own) for own in wanted]
    with inference(model):
        branches = [
            _Branch(index, len(prefix), group, column, _draws(seed, prompts[index], number))
            for group, (prefix, members) in enumerate(groups_by_prefix(model, prompts))
            for index in members
            for column, number in enumerate(wanted[index])
        ]
        _write(model, prompts, branches, sampling, ending)
    for branch in branches:
        answers[branch.prompt][branch.column] = Written(
            ending.text(branch.written), ending.by_itself(branch.written)
        )
    return answers


def _draws(seed: int, prompt: Ids, number: int) -> np.random.Generator:
    return np.random.default_rng(derive_seed(seed, *prompt, number))


def _write(
    model: PreTrainedModel,
    prompts: Sequence[Ids],
    branches: list[_Branch],
    sampling: Sampling,
    ending: _Ending,
) -> None:
    """Write all answers, a batch at a time."""
    shared = not why_not_shareable(model.config, training=False)
    common = list(prompts[0][: common_prefix_length(prompts)]) if shared and prompts else []
    base = PackedContext.from_prefix(model, common) if shared and branches else None
    started: set[int] = set()

    def size(branch: _Branch) -> tuple[int, int]:
        own = len(prompts[branch.prompt]) - branch.cut if branch.column == 0 else 1
        new = branch.cut - len(common) if branch.group not in started else 0
        started.add(branch.group)
        return own + new, 1

    for batch in bounded(branches, size, (_BATCH_TOKENS, _LOGIT_ROWS)):
        steps = _InFull(model, prompts) if base is None else _Packed(base, len(common), prompts, batch)
        logits, going = steps.begin(batch), batch
        while True:
            for branch, token in zip(going, _choose(logits, going, sampling), strict=True):
                branch.written.append(token)
            going = [branch for branch in going if not ending.reached(branch.written)]
            if not going:
                break
            logits = steps.go_on(going)


class _Piece(NamedTuple):
    """Tokens that lie behind each other in one prompt or answer."""

    ids: Ids
    group: int
    node: int
    """-1: seen by the whole group."""
    start: int
    """Where the first stands in its prompt."""


class _Packed:
    """Steps with everything in one row: groups as records, their prompts and answers as nodes of a tree.

    Args:
        base: what all prompts begin with.
        common: its own tokens, without virtual ones.
        prompts: all of them.
        batch: the answers to write.
    """

    def __init__(
        self, base: PackedContext, common: int, prompts: Sequence[Ids], batch: list[_Branch]
    ) -> None:
        self.context, self.common, self.prompts = base.fork(), common, prompts
        self.offset = base.length - common
        self.device = base.model.device
        self.segments = {group: n for n, group in enumerate(dict.fromkeys(b.group for b in batch))}
        self.asked = {branch.prompt: branch for branch in reversed(batch)}
        """Per prompt one of its branches."""
        self.prompt_nodes = {prompt: node for node, prompt in enumerate(self.asked)}
        self.nodes = {branch: node for node, branch in enumerate(batch, start=len(self.asked))}
        self.sees = torch.eye(len(self.asked) + len(batch), dtype=torch.bool, device=self.device)
        for branch in batch:
            self.sees[self.nodes[branch], self.prompt_nodes[branch.prompt]] = True

    def begin(self, batch: list[_Branch]) -> Tensor:
        """Run the prompts and return the logits for each branch's first token, (N, V)."""
        firsts = {branch.group: branch for branch in reversed(batch)}
        shared = [
            _Piece(
                self.prompts[firsts[group].prompt][self.common : firsts[group].cut], group, -1, self.common
            )
            for group in self.segments
        ]
        own = [
            _Piece(self.prompts[prompt][branch.cut :], branch.group, self.prompt_nodes[prompt], branch.cut)
            for prompt, branch in self.asked.items()
        ]
        ends = torch.tensor([len(piece.ids) for piece in (*shared, *own)]).cumsum(0)[len(shared) :] - 1
        logits = self.context.extend(self._row([*shared, *own]), ends.to(self.device), self.sees)
        return logits[[self.prompt_nodes[branch.prompt] for branch in batch]]

    def go_on(self, going: list[_Branch]) -> Tensor:
        """Run each branch's newest token and return the logits behind it, (N, V)."""
        pieces = [
            _Piece(b.written[-1:], b.group, self.nodes[b], len(self.prompts[b.prompt]) + len(b.written) - 1)
            for b in going
        ]
        return self.context.extend(self._row(pieces), torch.arange(len(going), device=self.device), self.sees)

    def _row(self, pieces: Sequence[_Piece]) -> PackedTokens:
        ids = [token for piece in pieces for token in piece.ids]
        segments = [self.segments[piece.group] for piece in pieces for _ in piece.ids]
        places = [self.offset + piece.start + n for piece in pieces for n in range(len(piece.ids))]
        nodes = [piece.node for piece in pieces for _ in piece.ids]
        columns = (torch.tensor(column, device=self.device) for column in (ids, segments, places, nodes))
        return PackedTokens(*columns)


class _InFull:
    """Steps of a model that can't share: every answer by itself, from its first token, again and again."""

    def __init__(self, model: PreTrainedModel, prompts: Sequence[Ids]) -> None:
        self.model, self.prompts = model, prompts

    def begin(self, batch: list[_Branch]) -> Tensor:
        """Return the logits behind each branch's prompt, (N, V)."""
        return self.go_on(batch)

    def go_on(self, going: list[_Branch]) -> Tensor:
        """Return the logits behind what each branch has written, (N, V)."""
        so_far = ([*self.prompts[branch.prompt], *branch.written] for branch in going)
        return torch.cat([last_logits(self.model, ids, 1) for ids in so_far])


def _choose(logits: Tensor, branches: list[_Branch], sampling: Sampling) -> list[int]:
    """Return one token per branch."""
    if not sampling.temperature:
        greedy: list[int] = logits.argmax(-1).tolist()
        return greedy
    return draw(logits, [branch.draw.random() for branch in branches], sampling)
