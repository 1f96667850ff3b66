"""The directory of `prompt improve --formats` in, formats.html out.

Reads, and shows fewer formats where the page would be too large.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sftloop.report.fact import Fact
from sftloop.report.formats_told import FORMATS_WORDS, formats_told
from sftloop.report.page import frame, write_page
from sftloop.report.saved_result import SavedResult, read_result
from sftloop.report.wording import report_words

FORMATS = "formats.json"
FORMATS_PAGE = "formats.html"
_KEYS = ("scenario", "language", "model", "variants", "rounds", "effects", "finalists", "decision", "test")
_MOST_FORMATS = (200, 40)


def build_formats_page(run_directory: Path) -> Path:
    """Write `formats.html` from `formats.json` in a run's directory, and return its path.

    The page holds everything it shows and needs neither network nor scripts; the same files give the same bytes.

    Raises:
        UsageError: the directory holds no such result.
        DataError: the saved file is malformed.
        ExternalError: the page can't be written.
    """
    directory = Path(run_directory)
    saved = read_result(directory, FORMATS, "prompt improve --formats", _KEYS)
    return write_page(
        directory / FORMATS_PAGE, "trainings.html", (_context(saved, most) for most in _MOST_FORMATS)
    )


def _context(saved: SavedResult, most: int) -> dict[str, Any]:
    result = saved.result
    shared, words = report_words(result["language"]), FORMATS_WORDS[result["language"]]
    told = formats_told(result, shared, words, most)
    return {
        **frame(saved, shared),
        "t": words,
        "title": words.title.format(scenario=result["scenario"]),
        "eyebrow": words.eyebrow,
        "meta": [Fact(name=shared.model, value=result["model"])],
        "told": told,
        "files": [Fact(name=name, value=value) for name, value in told.files],
    }
