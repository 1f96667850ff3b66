"""How well a task's training records cover the other splits, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sftloop.report.figures import Figures
from sftloop.report.wording import Words
from sftloop.report.wording.audit_words import AuditWords


def reach_notes(task: Mapping[str, Any], shared: Words, words: AuditWords) -> tuple[str, ...]:
    """Return what was measured of one task; none where nothing was."""
    coverage = task.get("coverage")
    if not coverage:
        return ()
    said, figures = words.pictures, Figures(shared.figures)
    parts = [
        said.covered_split.format(
            split=words.verdict.splits.get(split, split), covered=figures.percent(one["covered"]), n=one["n"]
        )
        for split, one in coverage["splits"].items()
    ]
    by = said.by_ngrams if coverage["by"] == "n-grams" else said.by_model.format(model=coverage["by"])
    return (said.covered.format(splits=figures.names(parts), by=by),)
