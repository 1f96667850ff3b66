"""Scoring heads are taught on the model as it is, before anything beneath them moves.

A head that starts from noise sends noise into the model beneath it, and the first steps spoil what the model
knew; one that reads the untouched features well lets them be refined (linear probing, then fine-tuning: Kumar et
al. 2022, arXiv:2202.10054). It costs one forward pass over the records.

Shapes: `B` records of a task, `H` hidden size.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sftloop.core.progress import say
from sftloop.core.seeds import derive_seed
from sftloop.models import ScoringHead, heads_of, last_hidden_state, load_heads, save_heads
from sftloop.train.examples import Example
from sftloop.train.forward_each import forward_each
from sftloop.train.objective import HeadObjective, last_hidden_states

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MOST_RECORDS = 2000
"""Records of one task whose features are computed."""
_STEPS, _FOLDS, _REACH = 300, 5, 0.5


def start_heads(
    model: PreTrainedModel,
    examples: Sequence[Example],
    objective: HeadObjective,
    *,
    precision: torch.dtype | None,
    micro_batch_tokens: int,
    seed: int,
    saved: Path,
) -> None:
    """Teach each task's head by its own loss and dropout; the model beneath it stays as it is.

    Args:
        model: carries the heads.
        examples: the training set; of more than `MOST_RECORDS` of a task, as many are drawn.
        objective: the heads' losses.
        precision: dtype of the model's matrix products, None for the weights' own.
        micro_batch_tokens: suffix tokens per forward pass; bounds memory, not the result.
        seed: of draw and dropout.
        saved: where the taught heads are kept: an interrupted training takes them up from there.
    """
    heads = heads_of(model)
    with torch.random.fork_rng():  # a head draws its first weights, also one that is loaded
        earlier = load_heads(saved, model.config.get_text_config().hidden_size)
    if earlier:
        for task, head in heads.items():
            head.load_state_dict(earlier[task].state_dict())
        return
    chosen = taught(examples, seed)
    say(f"Teaching the heads on the model as it is: {sum(map(len, chosen.values()))} records")
    for task, own in chosen.items():
        rows = forward_each(
            model,
            own,
            behind=lambda context, micro: last_hidden_states(context, micro).unbind(),
            in_full=lambda whole, example: last_hidden_state(whole, example.prefix + example.prompt)[0],
            precision=precision,
            micro_batch_tokens=micro_batch_tokens,
        )
        wanted = torch.tensor([example.wanted for example in own], device=model.device)
        with torch.random.fork_rng():
            torch.manual_seed(derive_seed(seed, f"head of {task}"))
            _teach(heads[task], torch.stack(rows).float().clone(), wanted, objective)
    saved.mkdir(parents=True, exist_ok=True)
    save_heads(heads, saved)


def taught(examples: Sequence[Example], seed: int) -> dict[str, list[Example]]:
    """Return task → the examples whose features are computed."""
    by_task: dict[str, list[Example]] = {}
    for example in examples:
        by_task.setdefault(example.task, []).append(example)
    for task, own in by_task.items():
        if len(own) > MOST_RECORDS:
            draw = random.Random(derive_seed(seed, f"records for the head of {task}"))
            by_task[task] = draw.sample(own, MOST_RECORDS)
    return by_task


def _teach(head: ScoringHead, features: Tensor, wanted: Tensor, objective: HeadObjective) -> None:
    """Fit a head to features (B, H), as far as records that it doesn't see gain from it."""
    head.standardise(features)
    stop = _enough(head, features, wanted, objective) if len(features) > 1 else 0
    for step in _fit(head, features, wanted, objective):
        if step == stop:
            break
    head.zero_grad()


def _enough(head: ScoringHead, features: Tensor, wanted: Tensor, objective: HeadObjective) -> int:
    """Return the first step whose loss on held-out records, in five folds, is within a standard error of the best.

    The one-standard-error rule of Breiman et al. (1984). A head that fits every record reads what little the
    features differ in, and whatever moves beneath it then throws it off.
    """
    count = len(features)
    losses = features.new_zeros(_STEPS + 1, count)
    fold_of = torch.randperm(count).to(features.device) % _FOLDS
    for fold in range(min(_FOLDS, count)):
        out = fold_of == fold
        pupil = copy.deepcopy(head)
        for step in _fit(pupil, features[~out], wanted[~out], objective):
            with torch.no_grad():
                losses[step, out] = objective.each(pupil.eval(), features[out], wanted[out])
    means = losses.mean(1)
    best = int(means.argmin())
    limit = means[best] + losses[best].std() / count**0.5
    return int((means <= limit).nonzero()[0])


def _fit(head: ScoringHead, features: Tensor, wanted: Tensor, objective: HeadObjective) -> Iterator[int]:
    """Fit a head step by step, all records at once; yields how many steps were made, from 0 on.

    As the features have norm 1, an Adam step moves an output by at most `_REACH`.
    """
    optimizer = torch.optim.Adam(head.parameters(), lr=_REACH * features.shape[-1] ** -0.5)
    for step in range(_STEPS):
        yield step
        optimizer.zero_grad()
        objective.each(head.train(), features, wanted).mean().backward()
        optimizer.step()
    yield _STEPS
