"""Which training records move a model towards a target: LESS (Xia et al. 2024, arXiv:2402.04333).

At each checkpoint i of a warm-up, a record's influence on sub-task j is the cosine of two projected gradients;
they add up with the epochs' mean learning rates ηᵢ, and the best sub-task counts (definition 3.1, section 4):

    score(z) = max_j Σᵢ ηᵢ cos(mean of ∇ℓ/|∇ℓ| over target records of j, Γ(z)) / Σᵢ ηᵢ

Γ is the direction of Adam's step, the target's gradients are plain. Departures: target records count alike, as in
the authors' code (the paper's equation averages ∇ℓ itself, so that the records that go worst decide); rates are
divided by their sum, so that scores are cosines; of what flows through the shared prefix, most goes back
(`through_prefix`).

Every record's features go to disk at once; a kill loses a block. Knows examples; doesn't know scenarios.

Shapes: `N` training records, `J` sub-tasks, `d` numbers per projected gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sftloop.core.errors import DataError
from sftloop.core.progress import Progress
from sftloop.core.seeds import derive_seed
from sftloop.curate.attribute.gradient_store import Bits, GradientStore
from sftloop.curate.attribute.projection import Projection
from sftloop.curate.attribute.warm_up import Adam, adam_direction, warm_up, warm_up_share
from sftloop.models import choose_device, fingerprint
from sftloop.train import Example, LoraMethod, Trainable, prepare
from sftloop.train.fused import fuse
from sftloop.train.record_gradients import record_gradients


@dataclass(frozen=True, slots=True, kw_only=True)
class LessOptions:
    """How influence is measured; the defaults are the paper's unless said otherwise."""

    checkpoints: int = 4
    """Epochs of the warm-up; each leaves one."""
    warm_up_share: float = 0.05
    """Share of the training records that the warm-up learns."""
    warm_up_records: int = 256
    """At least so many, or all: a twentieth of a small set teaches nothing."""
    batch_size: int = 16
    """Records per step of the warm-up; 128 in the paper, whose warm-up has 13,500 records."""
    rank: int = 16
    """Of the adapters; 128 in the paper. Cost and memory of gradients grow with it."""
    learning_rate: float | None = None
    """None: the method's own for the model's size."""
    adam: bool = True
    """Training gradients as Adam would step; plain ones otherwise."""
    through_prefix: float = 0.9
    """See `record_gradients`; 1 is exact. On banking77-15, 0.9 ranks records as exact gradients do (Spearman 0.99)
    in less than half the time; at 0, an eighth of the time, it is 0.97 and three of the ten best change."""
    sub_tasks: Literal["task", "label"] = "task"
    """What a mean of target gradients is over. With `label` a record has to help one label only: what is off topic
    falls behind further, but a record with a wrong label looks like a good one of that label."""
    dimensions: int = 8_064
    """Numbers kept of a gradient; just below the paper's 8,192, so that 270,000 records take 1.1 GB."""
    bits: Bits = 1
    """Per number on disk."""


GRADIENT_COSINE = LessOptions(checkpoints=1, adam=False, sub_tasks="label")
"""The cheap variant to compare with: plain gradients after one epoch, where labels are best told apart."""


class Attribution(NamedTuple):
    """How much each training record helps; below zero it harms."""

    scores: NDArray[np.float32]
    """(N,), from −1 to 1."""
    by_sub_task: NDArray[np.float32]
    """(N, J)."""
    sub_tasks: list[str]
    bytes: int
    """Features on disk."""


def less_scores(
    base: Path,
    train: Sequence[Example],
    target: Sequence[Example],
    *,
    directory: Path,
    options: LessOptions | None = None,
    seed: int = 0,
) -> Attribution:
    """Score training records by their influence on target records.

    Args:
        base: the model's folder.
        train: the records to be scored; a share of them is learned first.
        target: records of what the model should become good at.
        directory: gets checkpoints and features; an interrupted call goes on.
        options: None: the defaults.
        seed: for the adapters' start, the warm-up's share and order, and the projection.

    Raises:
        DataError: no records, or `directory` holds features of something else.
    """
    if not train or not target:
        raise DataError(
            f"Influence needs training and target records; there are {len(train)} and {len(target)}.",
            hint="The target is the validation split, or records given as examples of what is wanted.",
        )
    chosen = options or LessOptions()
    facts = {"base": fingerprint(base), "records": _digest(train), "seed": seed, **asdict(chosen)}
    stores = [
        GradientStore(
            directory / f"features-{number + 1}",
            rows=len(train),
            dimensions=chosen.dimensions,
            bits=chosen.bits,
            facts=facts,
        )
        for number in range(chosen.checkpoints)
    ]
    method = LoraMethod(rank=chosen.rank, alpha=2 * chosen.rank)
    trainable = prepare(base, method, device=choose_device(), seed=seed)
    fuse(trainable.model)
    checkpoints = warm_up(
        trainable,
        method,
        warm_up_share(train, share=chosen.warm_up_share, at_least=chosen.warm_up_records, seed=seed),
        directory=directory,
        epochs=chosen.checkpoints,
        batch_size=chosen.batch_size,
        learning_rate=chosen.learning_rate or method.default_learning_rate(trainable.parameters),
        seed=seed,
    )
    project = Projection(chosen.dimensions, seed=derive_seed(seed, "less"))
    groups = _sub_tasks(target, chosen.sub_tasks)
    total = np.zeros((len(train), len(groups)), dtype=np.float32)
    for checkpoint, store in zip(checkpoints, stores, strict=True):
        adam = checkpoint.load(trainable.model, method)
        _fill(store, trainable, train, project, adam if chosen.adam else None, chosen.through_prefix)
        towards = _target_means(trainable, target, list(groups.values()), project, chosen.through_prefix)
        total += checkpoint.rate * store.cosines(towards)
    total /= sum(checkpoint.rate for checkpoint in checkpoints)
    return Attribution(total.max(axis=1), total, list(groups), sum(store.bytes for store in stores))


def _fill(
    store: GradientStore,
    trainable: Trainable,
    train: Sequence[Example],
    project: Projection,
    adam: Adam | None,
    through_prefix: float,
) -> None:
    """Write the features that are missing."""
    missing = store.missing()

    def keep(places: list[int], features: NDArray[np.float32]) -> None:
        store.write(missing[places].tolist(), features)

    wanted = [train[place] for place in missing]
    with Progress("Gradients of training records", store.rows, done=store.rows - len(missing)) as progress:
        _features(trainable, wanted, project, adam, through_prefix, keep, progress)


def _target_means(
    trainable: Trainable,
    target: Sequence[Example],
    groups: Sequence[Sequence[int]],
    project: Projection,
    through_prefix: float,
) -> NDArray[np.float32]:
    """Return the mean direction of every sub-task's projected gradients, (J, d)."""
    rows = np.empty((len(target), project.dimensions), dtype=np.float32)

    def keep(places: list[int], features: NDArray[np.float32]) -> None:
        rows[places] = features

    with Progress("Gradients of target records", len(target)) as progress:
        _features(trainable, target, project, None, through_prefix, keep, progress)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True).clip(np.finfo(np.float32).tiny)
    return np.stack([rows[list(group)].mean(axis=0) for group in groups])


def _features(
    trainable: Trainable,
    examples: Sequence[Example],
    project: Projection,
    adam: Adam | None,
    through_prefix: float,
    keep: Callable[[list[int], NDArray[np.float32]], None],
    progress: Progress,
) -> None:
    blocks = record_gradients(
        trainable.model, examples, precision=trainable.precision, through_prefix=through_prefix
    )
    for places, gradients in blocks:
        found = project(gradients if adam is None else adam_direction(gradients, adam))
        keep(places, found.cpu().numpy())
        progress.advance(len(places))


def _sub_tasks(target: Sequence[Example], by: Literal["task", "label"]) -> dict[str, list[int]]:
    """Return the places of each sub-task's records; without labels a task is one."""
    groups: dict[str, list[int]] = {}
    for place, example in enumerate(target):
        with_label = by == "label" and example.label is not None
        groups.setdefault(f"{example.task}/{example.label}" if with_label else example.task, []).append(place)
    return groups


def _digest(examples: Sequence[Example]) -> str:
    """Return a hash of what the features are made from, prefixes counted once."""
    digest = sha256()
    prefixes: dict[tuple[int, ...], int] = {}
    for example in examples:
        number = prefixes.setdefault(example.prefix, len(prefixes))
        row = (example.record_id, example.task, number, example.prompt, example.target)
        digest.update(repr(row).encode())
    digest.update(repr(list(prefixes)).encode())
    return digest.hexdigest()
