"""The directory of `plan search`, `plan learning-curve` or `plan shrink` in, plan.html out.

One page for the three: which result is told how is decided by its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sftloop.core.errors import DataError, UsageError, nearest
from sftloop.core.files import read_json
from sftloop.report.curve_told import curve_told
from sftloop.report.fact import Fact
from sftloop.report.page import frame, write_page
from sftloop.report.saved_result import SavedResult, read_manifest
from sftloop.report.search_told import search_told
from sftloop.report.shrink_told import shrink_told
from sftloop.report.trainings_section import Result, Told
from sftloop.report.wording import Words, report_words
from sftloop.report.wording.trainings_chinese import CHINESE
from sftloop.report.wording.trainings_english import ENGLISH
from sftloop.report.wording.trainings_words import TrainingsWords

TRAININGS = "trainings.json"
TRAININGS_PAGE = "plan.html"

_WORDS: Mapping[str, TrainingsWords] = {"en": ENGLISH, "zh": CHINESE}
_TOLD: Mapping[str, Callable[[Result, Words, TrainingsWords, int], Told]] = {
    "search": search_told,
    "learning_curve": curve_told,
    "shrink": shrink_told,
}
_MOST_TRIALS = (200, 20)


def build_trainings_page(run_directory: Path) -> Path:
    """Write `plan.html` from `trainings.json` in a run's directory, and return its path.

    The page holds everything it shows and needs neither network nor scripts; the same files give the same bytes.

    Raises:
        UsageError: the directory holds no such result.
        DataError: the saved file is malformed.
        ExternalError: the page can't be written.
    """
    path = Path(run_directory) / TRAININGS
    if not path.is_file():
        raise UsageError(
            f"'{run_directory}' holds no result of plan search, learning-curve or shrink: it has no {TRAININGS}.",
            hint="Give the directory that one of them wrote.",
        )
    result = read_json(path, "the trainings' result")
    kind = result.get("kind") if isinstance(result, dict) else None
    if kind not in _TOLD:
        raise DataError(f"{path}: no page knows the kind '{kind}'. {nearest(str(kind), _TOLD)}")
    saved = SavedResult(manifest=read_manifest(path.parent), result=result)
    contexts = (_context(saved, most) for most in _MOST_TRIALS)
    return write_page(path.parent / TRAININGS_PAGE, "trainings.html", contexts)


def _context(saved: SavedResult, most: int) -> dict[str, Any]:
    result = saved.result
    shared, words = report_words(result["language"]), _WORDS[result["language"]]
    kind = result["kind"]
    told = _TOLD[kind](result, shared, words, most)
    return {
        **frame(saved, shared),
        "t": words,
        "title": words.titles[kind].format(scenario=result["scenario"]),
        "eyebrow": words.eyebrows[kind],
        "meta": [Fact(name=shared.model, value=result["model"])] if result["model"] else [],
        "told": told,
        "files": [Fact(name=name, value=value) for name, value in told.files],
    }
