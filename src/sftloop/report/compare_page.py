"""A comparison's directory in, compare.html out.

Reads, lays out section by section, and shows fewer records where the page would be too large. A short script moves
between records by keyboard; everything else works without it, the filters too.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sftloop.report.compare_decision import COMPARE_WORDS, decision_said
from sftloop.report.compare_matrix import matrix
from sftloop.report.compare_pairs import pair_tables
from sftloop.report.compare_records import records_section
from sftloop.report.page import frame, templates, write_page
from sftloop.report.saved_comparison import SavedComparison, read_comparison
from sftloop.report.wording import report_words
from sftloop.report.wording.compare_words import CompareWords

COMPARE_PAGE = "compare.html"
_SCRIPT = "compare.js"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareLimits:
    """How much of what can be long is shown."""

    records: int
    characters: int
    """Of one text."""


_LIMITS = (
    CompareLimits(records=600, characters=1200),
    CompareLimits(records=400, characters=600),
    CompareLimits(records=200, characters=400),
    CompareLimits(records=50, characters=200),
    CompareLimits(records=0, characters=0),
)


def build_compare_page(run_directory: Path) -> Path:
    """Write `compare.html` from a comparison's saved files and return its path.

    The page holds everything it shows and needs no network; the same files give the same bytes. It stays below
    2 MB: long texts are cut, records left out, and the page says so.

    Raises:
        UsageError: the directory holds no comparison.
        DataError: a saved file is malformed.
        ExternalError: the page can't be written.
    """
    saved = read_comparison(run_directory)
    contexts = (_context(saved, limits) for limits in _LIMITS)
    return write_page(Path(run_directory) / COMPARE_PAGE, "compare.html", contexts)


def _context(saved: SavedComparison, limits: CompareLimits) -> dict[str, Any]:
    result = saved.result
    shared, words = report_words(result["language"]), COMPARE_WORDS[result["language"]]
    script = _script()
    return {
        **frame(saved, shared),
        "c": words,
        "title": words.title.format(scenario=result["scenario"]),
        "asked": words.asked.of(result["n"], split=result["split"]),
        "count": words.systems.of(len(result["systems"])),
        "decision": decision_said(result, result["language"]),
        "undecided": result["decision"]["choice"] is None,
        "left_out": [_left_out(one, result["language"], words) for one in result.get("left_out") or ()],
        "matrix": matrix(result, shared, words),
        "pairs": pair_tables(result, shared, words),
        "all_tests": words.pairs.all_tests.of(len(result["pairs"])),
        "records": records_section(
            result, saved.records, shared, words, most=limits.records, characters=limits.characters
        ),
        "script": Markup(script),
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }


def _left_out(one: Mapping[str, Any], language: str, words: CompareWords) -> str:
    said = one[language] if language in one else one
    return words.left_out.format(what=said["what"], why=said["why"])


def _script() -> str:
    """Return the script, whose hash lets the page run it and no other."""
    environment = templates()
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, _SCRIPT)
    return source
