"""What every mode of `select` leaves behind: the selection, its scores, the baselines, a proof, a page.

Knows records and rows by id; doesn't know how a choice was made.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sftloop.core.files import atomic_write_json, sha256_json
from sftloop.core.jsonl import write_jsonl
from sftloop.core.rundir import RunDirectory
from sftloop.records import Record
from sftloop.scenario import Scenario
from sftloop.workflow.shown import shown

_ENDS, _CHARACTERS = 20, 400
"""Records shown at either end of the scores, and how much of each."""


@dataclass(slots=True, kw_only=True)
class Selection:
    """One choice, ready to be written."""

    mode: str
    model: str | None
    n_in: int
    chosen: Sequence[Mapping[str, Any]]
    """Rows with their ids, as they stood where they were chosen from."""
    scores: Iterable[Mapping[str, Any]]
    """One row per scored record."""
    baselines: Mapping[str, Sequence[Mapping[str, Any]]]
    """Name → rows of the same number."""
    curve: Sequence[Mapping[str, float]] = ()
    stages: Sequence[Mapping[str, Any]] = ()
    labels: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)
    top: Sequence[Mapping[str, Any]] = ()
    bottom: Sequence[Mapping[str, Any]] = ()
    how: Mapping[str, Any] = field(default_factory=dict)
    """What chose: `method`, `compared_by`, `target`, `seed`."""
    proof: Sequence[Mapping[str, Any]] | None = None
    trained: Mapping[str, Any] | None = None
    """What was trained for the proof."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What only this mode has to say."""


def finish(run: RunDirectory, scenario: Scenario, selection: Selection, began: float) -> dict[str, Any]:
    """Write all files and the page; return what `select --json` prints."""
    from sftloop.report import SELECT_PAGE, build_select_page

    write_jsonl(run.file("selected.jsonl"), selection.chosen)
    write_jsonl(run.file("scores.jsonl"), selection.scores)
    for name, rows in selection.baselines.items():
        write_jsonl(run.file(f"baselines/{name}.jsonl"), rows)
    contents = {_content(row) for row in selection.chosen}
    result = {
        "scenario": scenario.name,
        "language": scenario.language,
        "mode": selection.mode,
        "model": selection.model,
        "n_in": selection.n_in,
        "n_out": len(selection.chosen),
        "selected": str(run.file("selected.jsonl")),
        "scores": str(run.file("scores.jsonl")),
        "baselines": {name: str(run.file(f"baselines/{name}.jsonl")) for name in selection.baselines},
        "curve": list(selection.curve),
        "stages": list(selection.stages),
        "labels": selection.labels,
        "overlap": {
            name: sum(_content(row) in contents for row in rows) / max(1, len(selection.chosen))
            for name, rows in selection.baselines.items()
        },
        "top": list(selection.top),
        "bottom": list(selection.bottom),
        "how": dict(selection.how),
        "trained": selection.trained,
        "proof": list(selection.proof) if selection.proof is not None else None,
        **selection.facts,
        "seconds": round(time.monotonic() - began, 2),
        "page": str(run.file(SELECT_PAGE)),
    }
    atomic_write_json(run.file("select.json"), result)
    build_select_page(run.path)
    run.mark_done("select", seconds=result["seconds"])
    return result


def _content(row: Mapping[str, Any]) -> str:
    """Return what rows share that are the same but for the id: a pool's ids need not be its own."""
    return sha256_json({name: value for name, value in row.items() if name != "id"})


def label_counts(before: Sequence[Record], after: Sequence[Record]) -> dict[str, dict[str, dict[str, int]]]:
    """Return per task and label the records before and after; tasks without labels count under ""."""
    counts = [
        Counter((r.task, label) for r in side for label in r.labels() or ("",)) for side in (before, after)
    ]
    table: dict[str, dict[str, dict[str, int]]] = {}
    for task, label in counts[0]:
        kept = counts[1][task, label]
        table.setdefault(task, {})[label] = {"before": counts[0][task, label], "after": kept}
    return table


def ends(
    scored: Sequence[tuple[Record, float]], scenario: Scenario
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the records with the highest scores, and those with the lowest, as the page shows them."""
    order = sorted(scored, key=lambda pair: (-pair[1], pair[0].id))
    few = min(_ENDS, len(order) // 2)
    rows = [
        {"id": record.id, "score": score, "why": None, **shown(record, scenario, _CHARACTERS)}
        for record, score in (*order[:few], *order[::-1][:few])
    ]
    return rows[:few], rows[few:]
