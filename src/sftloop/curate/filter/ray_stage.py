"""The first stage on Ray Data: each worker reads its files, the driver adds up and merges.

The functions are those of the local path, so the result is the same. A file is one unit of work: a pool for a
cluster comes in many files. Ray is optional; nothing of it is imported before it is asked for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sftloop.core.errors import DataError, MissingDependency
from sftloop.curate.filter.candidate import Candidate
from sftloop.curate.filter.first_stage import Bests, FirstStage, PoolStatistics, TextScores
from sftloop.curate.filter.pool import Pool, PoolCounts, PoolRow, blocks, file_names
from sftloop.curate.filter.target import Target
from sftloop.curate.similarity.bm25 import Occurrences

Batch = dict[str, NDArray[Any]]
"""Columns of Ray Data's numpy format."""


def search_pool_on_ray(pool: Pool, target: Target, keep: int) -> tuple[list[Candidate], PoolCounts]:
    """Do what `search_pool` does on the running Ray cluster, or on one that Ray starts here.

    Every worker must see the pool's files under the same paths, and have this package.

    Raises:
        MissingDependency: Ray is not installed.
        DataError: as `search_pool`.
    """
    data = _ray_data()
    stage = FirstStage(target)
    files = [
        {"path": str(path), "name": name}
        for path, name in zip(pool.files, file_names(pool.files), strict=True)
    ]
    sources = data.from_items(files, override_num_blocks=len(files))
    counts, statistics = PoolCounts(), stage.count(())
    for row in sources.map_batches(_counted, fn_args=(pool, stage), batch_size=1).iter_rows():
        statistics = statistics.plus(_added(counts, row))
    if not statistics.occurrences.texts:
        raise DataError(f"The pool has {counts.rows} rows and no text.", hint="Name the columns with text.")
    bests = Bests(keep)
    scored = sources.map_batches(_scored, fn_args=(pool, stage, statistics, keep), batch_size=1)
    for batch in scored.iter_batches(batch_format="numpy", batch_size=None):
        bests.offer(*_from_columns(batch))
    return bests.fused(), counts


def _counted(file: Batch, pool: Pool, stage: FirstStage) -> Batch:
    """Return one row: what a file adds to the statistics and the counts."""
    counts, statistics = PoolCounts(), stage.count(())
    for block in blocks(pool.file_rows(Path(file["path"][0]), str(file["name"][0]), counts)):
        statistics = statistics.plus(stage.count([row.text for row in block]))
    seen = statistics.occurrences
    return {
        "features": statistics.features[None],
        "holding": seen.holding[None],
        "counts": np.array(
            [[seen.texts, seen.terms, counts.rows, counts.blank, counts.bad, statistics.known]]
        ),
        "first_bad": np.array([json.dumps(counts.first_bad)]),
    }


def _added(counts: PoolCounts, row: dict[str, Any]) -> PoolStatistics:
    """Add a file's counts to `counts` and return its statistics."""
    texts, terms, rows, blank, bad, known = (int(value) for value in row["counts"])
    first_bad = json.loads(row["first_bad"])
    counts.add(PoolCounts(rows=rows, blank=blank, bad=bad, known=known, first_bad=first_bad))
    occurrences = Occurrences(texts, terms, np.asarray(row["holding"]))
    return PoolStatistics(np.asarray(row["features"]), occurrences, known)


def _scored(file: Batch, pool: Pool, stage: FirstStage, statistics: PoolStatistics, keep: int) -> Batch:
    """Return the best rows of a file."""
    bests = Bests(keep)
    for block in blocks(pool.file_rows(Path(file["path"][0]), str(file["name"][0]), PoolCounts())):
        bests.offer(*stage.score_new(block, statistics))
    rows, scores = bests.held()
    return {
        "id": np.array([row.id for row in rows], object),
        "text": np.array([row.text for row in rows], object),
        "row": np.array([json.dumps(row.row) for row in rows], object),
        "place": np.array([row.place for row in rows], object),
        **scores._asdict(),
    }


def _from_columns(batch: Batch) -> tuple[list[PoolRow], TextScores]:
    columns = (batch[name] for name in ("id", "text", "row", "place"))
    rows = [
        PoolRow(str(name), str(text), json.loads(row), str(place))
        for name, text, row, place in zip(*columns, strict=True)
    ]
    return rows, TextScores(*(batch[name] for name in TextScores._fields))


def _ray_data() -> Any:
    try:
        from ray import data
    except ImportError:
        raise MissingDependency(
            "Filtering on a cluster needs Ray, which is not installed.",
            hint="Run: pip install 'sftloop[ray]'",
        ) from None
    return data
