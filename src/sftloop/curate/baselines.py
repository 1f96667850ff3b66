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
from sftloop.curate.quota import few_of, proportional
from sftloop.curate.similarity.bm25 import Bm25
from sftloop.records import Record, sample_records

_MOST_QUERIES = 64


def baselines(
    records: Sequence[Record], n: int, *, targets: Sequence[str] = (), seeds: Sequence[int] = (0,)
) -> list[dict[str, list[str]]]:
    """Return, for each seed, the ids of `n` records under each baseline's name.

    Every choice depends on ids, contents and the seed, not on the records' order.

    Args:
        records: what is chosen from.
        n: how many; at most all of them.
        targets: texts that stand for what the records shall serve: a few dozen of its inputs, or its labels'
            definitions. Without them there is no `bm25`.
        seeds: of the random ones; the others are the same for all.
    """
    ranked = {"longest": _ids(sorted(records, key=lambda record: (-_length(record), record.id))[:n])}
    if targets:
        ranked["bm25"] = nearest_by_words(records, n, targets)
    return [
        {
            "random": _ids(sorted(records, key=lambda record: derive_seed("random", seed, record.id))[:n]),
            "balanced": balanced(records, n, seed=seed),
            **ranked,
        }
        for seed in seeds
    ]


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
    queries = [targets[place] for place in few_of(targets, _MOST_QUERIES)]
    scores = Bm25.of(documents).each(queries, documents)
    wishes = np.stack([np.argsort(-row, kind="stable")[:n] for row in scores])
    in_turns = dict.fromkeys(wishes.T.ravel().tolist())
    return [pool[place].id for place in list(in_turns)[:n]]


def _ids(records: Sequence[Record]) -> list[str]:
    return [record.id for record in records]


def _length(record: Record) -> int:
    """Return the characters of input and answer."""
    answer = json.dumps(record.answer.to_json(), ensure_ascii=False)
    return sum(map(len, record.documents())) + len(answer)
