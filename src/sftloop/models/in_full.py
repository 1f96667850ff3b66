"""Answers of models whose prompts can't share a prefix: every prompt is run in full, record by record.

Slow and always right: no padding in front, nothing carried from one record to the next. For architectures that
`packed` doesn't know, or whose layers carry state from token to token.

Knows token ids and a model; doesn't know prompts, labels' names or answers.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sftloop.models.label_tree import LabelTree
from sftloop.models.virtual_tokens import transformer

if TYPE_CHECKING:
    from transformers import PreTrainedModel


_TOKENS = 4096
"""Run in one pass: bounds memory where labels are many and prompts long."""


@torch.no_grad()
def label_scores(model: PreTrainedModel, tree: LabelTree, prompt: Sequence[int]) -> Tensor:
    """Score every label's tokens behind one prompt.

    Args:
        model: any causal language model.
        tree: the labels.
        prompt: all its tokens.

    Returns:
        Log-probabilities normalised over the labels, shape (labels,).
    """
    labels = [[tree.tokens[node] for node in path] for path in tree.paths]
    longest = max(map(len, labels))
    rows = [[*prompt, *label, *[0] * (longest - len(label))] for label in labels]
    real = [[1] * (len(prompt) + len(label)) + [0] * (longest - len(label)) for label in labels]
    device, keep = model.device, longest + 1
    at_once, totals = max(1, _TOKENS // len(rows[0])), []
    for start in range(0, len(rows), at_once):
        some = slice(start, start + at_once)
        output = model(
            input_ids=torch.tensor(rows[some], device=device),
            attention_mask=torch.tensor(real[some], device=device),
            use_cache=False,
            **keeping(model, keep),
        )
        logits = output.logits[:, -keep:-1].float().log_softmax(-1)
        totals += [
            logits[row, torch.arange(len(label)), torch.tensor(label)].sum()
            for row, label in enumerate(labels[some])
        ]
    return torch.stack(totals).log_softmax(0)


@torch.no_grad()
def write_greedily(
    model: PreTrainedModel, prompt: Sequence[int], *, stop: Collection[int], limit: int
) -> list[int]:
    """Write up to `limit` tokens behind one prompt, always the likeliest one; a stop token ends it and is kept."""
    from transformers import GenerationConfig

    ids = torch.tensor([list(prompt)], device=model.device)
    how = GenerationConfig(
        max_new_tokens=limit, do_sample=False, eos_token_id=sorted(stop), pad_token_id=min(stop, default=0)
    )
    running: Any = model
    body = transformer(model)
    usual, body.generation_config = body.generation_config, how  # what its file asks for would be mixed in
    try:
        out = running.generate(input_ids=ids, attention_mask=torch.ones_like(ids))
    finally:
        body.generation_config = usual
    written: list[int] = out[0, ids.shape[1] :].tolist()
    return written


@torch.no_grad()
def last_hidden_state(model: PreTrainedModel, prompt: Sequence[int]) -> Tensor:
    """Return the hidden state of a prompt's last token, shape (1, hidden)."""
    return hidden_states(model, prompt)[-1:]


def hidden_states(model: PreTrainedModel, ids: Sequence[int]) -> Tensor:
    """Return the last hidden states of one sequence, shape (T, hidden)."""
    body = transformer(model)
    run: Any = getattr(body, body.base_model_prefix)
    states: Tensor = run(input_ids=torch.tensor([list(ids)], device=model.device)).last_hidden_state
    return states[0]


def last_logits(model: PreTrainedModel, ids: Sequence[int], count: int) -> Tensor:
    """Return the logits at the last `count` places of one sequence, shape (count, V)."""
    whole = torch.tensor([list(ids)], device=model.device)
    logits: Tensor = model(input_ids=whole, use_cache=False, **keeping(model, count)).logits
    return logits[0, -count:]


def keeping(model: PreTrainedModel, which: int | Tensor) -> dict[str, int | Tensor]:
    """Return the argument for logits at the last so many places, or at those named, if the model takes one."""
    known = inspect.signature(transformer(model).forward).parameters
    return {"logits_to_keep": which} if "logits_to_keep" in known else {}
