"""How well the training records cover the other splits: texts as vectors, and what is uncovered.

By hashed n-grams, or by the hidden states of the model at hand: of a sample where there are many records, since
each text has to be read, and compared with each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sftloop.core.files import sha256_json
from sftloop.core.progress import say
from sftloop.core.rundir import RunDirectory
from sftloop.records import Record, sample_records
from sftloop.scenario import Scenario
from sftloop.workflow.audit_checks import Checked
from sftloop.workflow.reading_texts import read_texts

if TYPE_CHECKING:
    from sftloop.models import LocalModel

MOST_READ = 500
"""Records of a task and split that the model reads: enough to tell a label of 15 that isn't taught."""
MOST_COUNTED = 20_000
"""The same for n-grams: comparing each with each takes seconds and 160 MB."""

Splits = Mapping[str, Sequence[Record]]
Embed = Callable[[Sequence[str]], Any]


def check_reach(
    run: RunDirectory,
    checked: Checked,
    scenario: Scenario,
    split: str,
    splits: Splits,
    *,
    local: LocalModel | None,
    seed: int,
) -> None:
    """Find records of other splits that no training record is like.

    Args:
        run: keeps what the model read.
        checked: gets findings and facts.
        scenario: of the records.
        split: what is audited; nothing is done unless it is the training data.
        splits: all splits there are.
        local: the model at hand, if any.
        seed: of everything drawn.
    """
    from sftloop.curate.reach import find_uncovered

    if split != "train" or len(splits) < 2:
        return
    splits = _sampled(splits, MOST_COUNTED if local is None else MOST_READ, seed)
    reach = find_uncovered(splits, _by_model(run, local) if local else _by_ngrams(scenario, seed))
    checked.findings += reach.findings
    tables: dict[str, dict[str, Any]] = {}
    for fact in reach.facts:
        tables.setdefault(fact.task, {})[fact.split] = fact.to_json()
    for task, table in tables.items():
        checked.tell(task, coverage={"by": local.name if local else "n-grams", "splits": table})


def _sampled(splits: Splits, most: int, seed: int) -> dict[str, list[Record]]:
    """Return at most so many records of each task and split, and say so where there are more."""
    drawn = {name: sample_records(list(records), most, seed=seed) for name, records in splits.items()}
    read, given = (sum(map(len, part.values())) for part in (drawn, splits))
    if read < given:
        say(f"Coverage: {read:,} of {given:,} records are read ({most:,} of each task and split)")
    return drawn


def _by_ngrams(scenario: Scenario, seed: int) -> Embed:
    from sftloop.curate.similarity.hashed_ngrams import hashed_ngrams

    return lambda texts: hashed_ngrams(texts, scenario.language, seed=seed)


def _by_model(run: RunDirectory, local: LocalModel) -> Embed:
    """Return what reads texts with the model once: a task's vectors are kept in the run."""
    from sklearn.preprocessing import normalize

    def embed(texts: Sequence[str]) -> Any:
        step = f"coverage-{sha256_json(list(texts))[:12]}"
        path = run.file(f"{step}.npy")
        if not run.step_done(step):
            np.save(path, read_texts(local, texts, "Coverage: reading texts"))
            run.mark_done(step)
        vectors = np.load(path)
        return normalize(vectors - vectors.mean(axis=0, keepdims=True), copy=False)

    return embed
