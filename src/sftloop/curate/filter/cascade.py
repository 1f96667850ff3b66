"""From a pool of any size to the n documents that serve a target: cheap stages first, dear ones for what is left.

1. `importance` and `bm25` over the whole pool in a stream (`first_stage`); keeps `first` × n.
2. `affinity` of vectors to the target texts, round-robin (`round_robin`), `target` being the place of the
   text that a document was chosen for, and `chance` the hint that it is meant (`likeness`); keeps n, or
   `second` × n if another stage follows. Definitions are worded unlike documents, so their order is fused
   with that of the first stage; their vectors should be hashed n-grams, since hidden states put wording
   first.
3. `loss_drop`, where a scorer is given: how much a model's loss on a text fell while it learned the target
   (TACS, arXiv:2605.09404); keeps n.

Every stage's result is a file in the run's directory, complete or absent: after a kill the same call goes on
behind the last one. That the directory belongs to the same pool, target and settings is for the caller to see
to. Doesn't know models: vectors and losses come from functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sftloop.core.errors import DataError, UsageError
from sftloop.core.files import atomic_write_json, read_json
from sftloop.curate.filter.candidate import Candidate, read_candidates, write_candidates
from sftloop.curate.filter.first_stage import search_pool
from sftloop.curate.filter.likeness import likeness
from sftloop.curate.filter.pool import Pool, PoolCounts
from sftloop.curate.filter.rank_fusion import fused_ranks
from sftloop.curate.filter.round_robin import affinities, round_robin
from sftloop.curate.filter.target import Target
from sftloop.curate.quota import few_of

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""One vector per text, shape (texts, size); called once, the target's texts in front."""
Score = Callable[[Sequence[str]], NDArray[np.floating[Any]]]
"""One number per text, the higher the better."""
ReadPool = Callable[[Pool, Target, int], tuple[list[Candidate], PoolCounts]]
"""The first stage: `search_pool` or `search_pool_on_ray`."""

_CURVE_POINTS = 20
_MOST_QUERIES = 500
"""Target texts that documents are compared with one by one: beside 50,000 candidates a table of 200 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many documents go through each stage.

    Raises:
        UsageError: a number below 1.
    """

    n: int
    """Wanted in the end."""
    first: int = 5
    """Times n behind the first stage: what the vectors are computed for."""
    second: int = 2
    """Times n behind the second stage: what the losses are computed for."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 1:
                raise UsageError(f"'{name}' of the filter's budget must be at least 1, got {value}.")


class Filtered(NamedTuple):
    """What a cascade chose."""

    chosen: list[Candidate]
    """At most n, the best first."""
    counts: PoolCounts
    meant: float | None
    """At most about so many of the candidates are like the target's examples; None without enough examples."""
    curve: list[dict[str, float]]
    """For some twenty sizes `n`: `coverage`, the share of the meant that is among the first n, and `precision`,
    the share of the first n that is meant. Hints (`likeness`); empty without enough examples or their like."""


def run_cascade(
    pool: Pool,
    target: Target,
    directory: Path,
    *,
    budget: Budget,
    embed: Embed,
    loss_drop: Score | None = None,
    read_pool: ReadPool = search_pool,
) -> Filtered:
    """Choose from the pool, or go on with what an earlier call left in the directory.

    Args:
        pool: files.
        target: what the documents should serve.
        directory: of this run; gets `stage1.jsonl` and so on, and `pool.json`, `meant.json`.
        budget: how many go through.
        embed: hidden states of a model, or hashed n-grams.
        loss_drop: the third stage's score; without it there is none.
        read_pool: the first stage, here or on a cluster.

    Raises:
        DataError: as `search_pool`, or the pool has no text that isn't known.
        ExternalError: the directory can't be written.
    """
    candidates, counts = _first(pool, target, directory, budget.first * budget.n, read_pool)
    kept = budget.n * (budget.second if loss_drop else 1)
    chosen, meant = _second(candidates, target, directory, kept, embed)
    if loss_drop is not None:
        chosen = _third(chosen, directory, loss_drop)
    return Filtered(chosen[: budget.n], counts, meant, _curve(chosen[: budget.n], meant))


def _first(
    pool: Pool, target: Target, directory: Path, keep: int, read_pool: ReadPool
) -> tuple[list[Candidate], PoolCounts]:
    result, facts = directory / "stage1.jsonl", directory / "pool.json"
    if not result.exists():
        candidates, counts = read_pool(pool, target, keep)
        if not candidates:
            raise DataError(
                f"The pool has nothing to choose from: of {counts.rows} rows {counts.known} stand in the scenario "
                f"already, {counts.blank} are blank, {counts.bad} can't be read.",
                hint="Give a pool with other texts.",
            )
        atomic_write_json(facts, asdict(counts))
        write_candidates(result, candidates)
    return read_candidates(result), PoolCounts(**read_json(facts, "what the pool holds"))


def _second(
    candidates: list[Candidate], target: Target, directory: Path, keep: int, embed: Embed
) -> tuple[list[Candidate], float | None]:
    result, facts = directory / "stage2.jsonl", directory / "meant.json"
    if not result.exists():
        asking = few_of(target.texts, _MOST_QUERIES)
        queries = [target.texts[place] for place in asking]
        vectors = embed([*queries, *(candidate.text for candidate in candidates)])
        near = affinities(vectors[: len(queries)], vectors[len(queries) :])
        best = near.candidates.max(axis=0)
        hint = likeness(near.held_out, best) if target.examples else None
        choice = round_robin(near.candidates, keep if target.examples else len(candidates))
        turns = dict(zip(choice.order.tolist(), choice.target.tolist(), strict=True))
        places = list(turns) if target.examples else list(fused_ranks(range(len(candidates)), turns))
        chosen = [
            candidates[place].with_scores(
                affinity=float(best[place]),
                target=asking[turns[place]],
                chance=float(hint.chances[place]) if hint else None,
            )
            for place in places[:keep]
        ]
        atomic_write_json(facts, {"meant": hint.meant if hint else None})
        write_candidates(result, chosen)
    meant: float | None = read_json(facts, "how many are meant")["meant"]
    return read_candidates(result), meant


def _third(candidates: list[Candidate], directory: Path, loss_drop: Score) -> list[Candidate]:
    result = directory / "stage3.jsonl"
    if not result.exists():
        drops = np.asarray(loss_drop([candidate.text for candidate in candidates]), np.float64)
        order = np.argsort(-drops, kind="stable").tolist()
        write_candidates(
            result, [candidates[place].with_scores(loss_drop=float(drops[place])) for place in order]
        )
    return read_candidates(result)


def _curve(chosen: Sequence[Candidate], meant: float | None) -> list[dict[str, float]]:
    if not chosen or not meant:
        return []
    found = np.cumsum([candidate.scores["chance"] or 0.0 for candidate in chosen]).tolist()
    sizes = np.unique(np.linspace(1, len(chosen), _CURVE_POINTS).round().astype(int)).tolist()
    return [
        {"n": n, "coverage": min(found[n - 1] / meant, 1.0), "precision": found[n - 1] / n} for n in sizes
    ]
