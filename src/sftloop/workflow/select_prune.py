"""`sftloop select prune`: drop what is redundant in a training set."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from sftloop.core.errors import UsageError
from sftloop.records import load_split
from sftloop.scenario import load_scenario
from sftloop.workflow.selecting import (
    Asked,
    base_of,
    baselines_of,
    compared_by,
    open_selection,
    proof_of,
    rows_of,
    text_vectors,
    trained_of,
)
from sftloop.workflow.selection import Selection, ends, finish, label_counts


def prune_scenario(
    directory: Path, asked: Asked, *, size: int | None = None, coverage: float | None = None
) -> dict[str, Any]:
    """Drop redundant training records and return what `select prune --json` prints.

    Args:
        directory: the scenario's directory.
        asked: what all modes share.
        size: keep so many; None: as few as reach `coverage`.
        coverage: None: the default of `curate.prune`.

    Raises:
        UsageError: both are given, or the size is not below the number of records.
    """
    from sftloop.curate.filter import target_of_definitions
    from sftloop.curate.prune import COVERAGE, prune

    if size is not None and coverage is not None:
        raise UsageError("--n and --coverage contradict each other.", hint="Give one of them.")
    began = time.monotonic()
    scenario = load_scenario(directory)
    records = load_split(scenario, "train", tasks=asked.tasks, skip_bad=asked.skip_bad)
    if size is not None and size >= len(records):
        raise UsageError(
            f"--n {size} keeps all of the {len(records)} records.", hint="Give a smaller number."
        )
    base = base_of(scenario, asked)
    run = open_selection("prune", scenario, asked, base, ["train"], {"n": size, "coverage": coverage})
    reader = None if asked.no_model else base
    vectors = text_vectors(run, [r.text() for r in records], scenario, reader, asked.seed)
    pruned = prune(
        records, vectors, n=size, coverage=COVERAGE if coverage is None else coverage, seed=asked.seed
    )
    kept = set(pruned.kept)
    chosen = [record for record in records if record.id in kept]
    by_id = {record.id: record for record in records}
    described = target_of_definitions(scenario, asked.tasks or ()).texts
    drawn = baselines_of(records, pruned.n, described, asked)
    gains = [(by_id[row.id], row.gain) for row in pruned.ranked]
    top, bottom = ends(gains, scenario)
    return finish(
        run,
        scenario,
        Selection(
            mode="prune",
            model=(asked.model or scenario.model) if reader else None,
            n_in=len(records),
            chosen=[record.to_json() for record in chosen],
            scores=(
                {**row._asdict(), "rank": rank, "kept": rank <= pruned.n}
                for rank, row in enumerate(pruned.ranked, start=1)
            ),
            baselines=rows_of(drawn[0]),
            curve=[point._asdict() for point in pruned.curve],
            labels=label_counts(records, chosen),
            top=top,
            bottom=bottom,
            how={
                "method": "facility_location",
                "compared_by": compared_by(scenario, asked, reader),
                "seed": asked.seed,
            },
            proof=proof_of(run, scenario, chosen, drawn, asked, base),
            trained=trained_of(run, scenario, asked),
            facts={"protected_dropped": pruned.protected_dropped},
        ),
        began,
    )
