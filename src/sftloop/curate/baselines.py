"""Selections of the same size that need no cleverness: what any selection must beat to have been worth it.

Random, the same with labels balanced, the longest records ("Long Is More for Alignment", Zhao et al. 2024,
arXiv:2402.04833), and those nearest to the target's texts by BM25. Knows records and words; trains nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import numpy as np

from sftloop.core.seeds import derive_seed
from sftloop.curate.quota import proportional
from sftloop.curate.similarity.bm25 import Bm25
from sftloop.records import Record, sample_records

_MOST_QUERIES = 64


def baselines(
    records: Sequence[Record], n: int, *, targets: Sequence[str] = (), seed: int = 0
) -> dict[str, list[str]]:
    """Return the ids of `n` records under each baseline's name: those drawn with a seed, then the others.

    Every choice depends on ids, contents and `seed`, not on the records' order.

    Args:
        records: what is chosen from.
        n: how many; at most all of them.
        targets: texts that stand for what the records shall serve: a few dozen of its inputs, or its labels'
            definitions. Without them there is no `bm25`.
        seed: of the random ones.
    """
    return {**drawn_baselines(records, n, seed=seed), **ranked_baselines(records, n, targets=targets)}


def drawn_baselines(records: Sequence[Record], n: int, *, seed: int = 0) -> dict[str, list[str]]:
    """Return those that chance decides; arguments as of `baselines`."""
    by_chance = sorted(records, key=lambda record: derive_seed("random", seed, record.id))
    return {"random": _ids(by_chance[:n]), "balanced": balanced(records, n, seed=seed)}


def ranked_baselines(
    records: Sequence[Record], n: int, *, targets: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Return those that are the same for every seed; arguments as of `baselines`."""
    found = {"longest": _ids(sorted(records, key=lambda record: (-_length(record), record.id))[:n])}
    if targets:
        found["bm25"] = nearest_by_words(records, n, targets)
    return found


def balanced(records: Sequence[Record], n: int, *, seed: int = 0) -> list[str]:
    """Return the ids of `n` records drawn at random: tasks in proportion, a task's labels in equal shares."""
    sizes = Counter(record.task for record in records)
    limits = proportional(sizes, min(n, len(records)))
    chosen = [
        kept
        for task, limit in limits.items()
        for kept in sample_records([record for record in records if record.task == task], limit, seed=seed)
    ]
    return _ids(chosen)


def nearest_by_words(records: Sequence[Record], n: int, targets: Sequence[str]) -> list[str]:
    """Return the ids of the `n` records most like the targets, each target choosing in turn.

    In turns because scores of different queries don't compare: a long one's are all high. Of many targets a few
    dozen speak for all.
    """
    pool = sorted(records, key=lambda record: record.id)
    documents = [record.text() for record in pool]
    queries = sorted(targets, key=lambda text: derive_seed("query", text))[:_MOST_QUERIES]
    scores = Bm25.of(documents).each([text for text in targets if text in set(queries)], documents)
    wishes = np.stack([np.argsort(-row, kind="stable")[:n] for row in scores])
    in_turns = dict.fromkeys(wishes.T.ravel().tolist())
    return [pool[place].id for place in list(in_turns)[:n]]


def _ids(records: Sequence[Record]) -> list[str]:
    return [record.id for record in records]


def _length(record: Record) -> int:
    """Return the characters of input and answer."""
    answer = json.dumps(record.answer.to_json(), ensure_ascii=False)
    return sum(map(len, record.documents())) + len(answer)
