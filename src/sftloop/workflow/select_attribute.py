"""`sftloop select attribute`: which training records help the scenario, and which harm it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import DataError, UsageError
from sftloop.core.rundir import RunDirectory
from sftloop.records import Record, load_split
from sftloop.scenario import Scenario, load_scenario
from sftloop.workflow.selecting import (
    Asked,
    base_of,
    baselines_of,
    open_selection,
    proof_of,
    rows_of,
    trained_of,
)
from sftloop.workflow.selection import Selection, ends, finish, label_counts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def attribute_scenario(
    directory: Path,
    asked: Asked,
    *,
    size: int | None = None,
    by: str = "loss-drop",
    target: str = "validation",
) -> dict[str, Any]:
    """Score training records by how much they help a split, and return what `select attribute --json` prints.

    Args:
        directory: the scenario's directory.
        asked: what all modes share.
        size: keep so many, of each label its share; None: half.
        by: `loss-drop`, `less` or `gradient-cosine`.
        target: the split that should gain.

    Raises:
        UsageError: without a model, or the size is not below the number of records.
    """
    from sftloop.curate.quota import best_of_each_label

    if asked.no_model:
        raise UsageError("Attribution needs a model.", hint="Leave --no-model out, or use `select prune`.")
    began = time.monotonic()
    scenario = load_scenario(directory)
    records = load_split(scenario, "train", tasks=asked.tasks, skip_bad=asked.skip_bad)
    wanted = load_split(scenario, target, tasks=asked.tasks, skip_bad=asked.skip_bad)
    size = max(1, len(records) // 2) if size is None else size
    if size >= len(records):
        raise UsageError(
            f"--n {size} keeps all of the {len(records)} records.", hint="Give a smaller number."
        )
    base = base_of(scenario, asked)
    assert base is not None
    run = open_selection(
        "attribute", scenario, asked, base, ["train", target], {"n": size, "by": by, "target": target}
    )
    scores = _kept(run, lambda: _help(run, scenario, base, records, wanted, by, asked.seed))
    order = sorted(range(len(records)), key=lambda place: (-scores[place], records[place].id))
    by_score = {record.id: float(score) for record, score in zip(records, scores, strict=True)}
    chosen = best_of_each_label(records, by_score, size)
    kept = {record.id for record in chosen}
    texts = [record.text() for record in wanted]
    drawn = baselines_of(records, size, texts, asked)
    top, bottom = ends([(record, by_score[record.id]) for record in records], scenario)
    return finish(
        run,
        scenario,
        Selection(
            mode="attribute",
            model=asked.model or scenario.model,
            n_in=len(records),
            chosen=[record.to_json() for record in chosen],
            scores=(
                {
                    "id": records[place].id,
                    "task": records[place].task,
                    "score": float(scores[place]),
                    "rank": rank,
                    "kept": records[place].id in kept,
                }
                for rank, place in enumerate(order, start=1)
            ),
            baselines=rows_of(drawn[0]),
            labels=label_counts(records, chosen),
            top=top,
            bottom=bottom,
            how={"method": by, "target": target, "seed": asked.seed},
            proof=proof_of(run, scenario, chosen, drawn, asked, base),
            trained=trained_of(run, scenario, asked),
            facts={"by": by, "target": target, "harmful": int((scores < 0).sum())},
        ),
        began,
    )


def _kept(run: RunDirectory, work: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the scores, worked out once for a run: what follows them may take hours and be interrupted."""
    import numpy as np

    path = run.file("help.npy")
    if not run.step_done("help"):
        np.save(path, work())
        run.mark_done("help")
    found: NDArray[np.float32] = np.load(path)
    return found


def _help(
    run: RunDirectory,
    scenario: Scenario,
    base: Path,
    records: Sequence[Record],
    wanted: Sequence[Record],
    by: str,
    seed: int,
) -> NDArray[np.float32]:
    """Return how much each record helps, the higher the more."""
    from sftloop.curate.attribute import GRADIENT_COSINE, less_scores, loss_drops
    from sftloop.models import PromptEncoder, TaskTokens
    from sftloop.train import encode_examples

    encoder = PromptEncoder.from_directory(base)
    tokens = {name: TaskTokens.of(scenario, name, encoder) for name in {r.task for r in (*records, *wanted)}}
    try:
        train, target = (
            encode_examples(side, tokens, context_tokens=encoder.context_tokens) for side in (records, wanted)
        )
    except DataError as error:
        raise DataError(error.message, hint="Mend or remove them: all are scored, each as a whole.") from None
    if by == "loss-drop":
        return loss_drops(base, target, train, seed=seed)
    options = GRADIENT_COSINE if by == "gradient-cosine" else None
    return less_scores(base, train, target, directory=run.file("less"), options=options, seed=seed).scores
