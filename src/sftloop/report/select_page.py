"""A selection's directory in, select.html out.

Reads, lays out section by section, and shows less of what is long where the page would be too large.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftloop.core.errors import DataError, nearest
from sftloop.report.fact import Fact
from sftloop.report.page import frame, write_page
from sftloop.report.saved_curation import SELECT, read_selection
from sftloop.report.saved_result import SavedResult
from sftloop.report.select_changes import (
    coverage_curve,
    label_changes,
    overlap_table,
    record_ends,
    stage_table,
)
from sftloop.report.select_how import chosen_by, trained_with
from sftloop.report.select_outcome import baseline_name, proofs_of, selection_outcome
from sftloop.report.select_proof import proof_section
from sftloop.report.wording import report_words
from sftloop.report.wording.select_chinese import CHINESE
from sftloop.report.wording.select_english import ENGLISH
from sftloop.report.wording.select_words import SelectWords

SELECT_PAGE = "select.html"

_WORDS: Mapping[str, SelectWords] = {"en": ENGLISH, "zh": CHINESE}


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectLimits:
    """How much of what can be long is shown."""

    records: int
    """At each end."""
    characters: int
    """Of one text."""
    labels: int
    """Of one task."""


_LIMITS = (
    SelectLimits(records=20, characters=3000, labels=120),
    SelectLimits(records=10, characters=800, labels=60),
    SelectLimits(records=5, characters=200, labels=15),
)


def build_select_page(run_directory: Path) -> Path:
    """Write `select.html` from `select.json` in a selection's directory, and return its path.

    The page holds everything it shows and needs neither network nor scripts; the same files give the same
    bytes. It stays below 2 MB: what is long is cut, and the page says where the rest is.

    Raises:
        UsageError: the directory holds no selection.
        DataError: a saved file is malformed.
        ExternalError: the page can't be written.
    """
    run_directory = Path(run_directory)
    saved = read_selection(run_directory)
    if saved.result["mode"] not in ENGLISH.modes:
        raise DataError(
            f"{run_directory / SELECT}: no page knows the mode '{saved.result['mode']}'. "
            f"{nearest(str(saved.result['mode']), ENGLISH.modes)}"
        )
    return write_page(
        run_directory / SELECT_PAGE, "select.html", (_context(saved, limits) for limits in _LIMITS)
    )


def _context(saved: SavedResult, limits: SelectLimits) -> dict[str, Any]:
    selection = saved.result
    shared, words = report_words(selection["language"]), _WORDS[selection["language"]]
    return {
        **frame(saved, shared),
        "s": words,
        "title": words.title.format(scenario=selection["scenario"]),
        "eyebrow": f"{words.eyebrow} · {words.modes[selection['mode']].name}",
        "meta": [Fact(name=shared.model, value=_model(selection))] if _model(selection) else [],
        "outcome": selection_outcome(selection, shared, words),
        "proofs": [proof_section(proof, shared, words) for proof in proofs_of(selection)],
        "how": chosen_by(selection, words.how),
        "trained": trained_with(selection, shared, words.how),
        "curve": coverage_curve(selection, words),
        "stages": stage_table(selection, shared, words),
        "labels": label_changes(selection, shared, words, most=limits.labels),
        "overlap": overlap_table(selection, shared, words),
        "ends": record_ends(selection, shared, words, most=limits.records, characters=limits.characters),
        "files": _files(selection, words),
    }


def _model(selection: Mapping[str, Any]) -> str:
    """Return the model that chose, or else the one that was trained."""
    return str(selection.get("model") or (selection.get("trained") or {}).get("model") or "")


def _files(selection: Mapping[str, Any], words: SelectWords) -> list[Fact]:
    files = [(words.selected, selection.get("selected")), (words.scores, selection.get("scores"))]
    files += [(baseline_name(name, words), path) for name, path in (selection.get("baselines") or {}).items()]
    return [Fact(name=name, value=str(path)) for name, path in files if path]
