"""A diagnosis's directory in, diagnose.html out.

Reads, lays out section by section, and shows less of what is long where the page would be too large.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftloop.core.rundir import telling_name
from sftloop.report.diagnose_figures import change_rows, figure_rows
from sftloop.report.diagnose_outcome import diagnosis_outcome, shown_suggestions, threshold_statements
from sftloop.report.diagnose_pictures import (
    calibration_picture,
    coverage_picture,
    label_picture,
    trap_examples,
    trap_table,
    trap_titles,
)
from sftloop.report.fact import Fact
from sftloop.report.page import frame, write_page
from sftloop.report.saved_result import SavedResult, read_result
from sftloop.report.wording import Words, report_words
from sftloop.report.wording.diagnose_chinese import CHINESE
from sftloop.report.wording.diagnose_english import ENGLISH
from sftloop.report.wording.diagnose_words import DiagnoseWords

DIAGNOSE = "diagnose.json"
DIAGNOSE_PAGE = "diagnose.html"

_KEYS = ("scenario", "language", "model", "split", "n", "tasks", "compared", "suggestions", "records")
_WORDS: Mapping[str, DiagnoseWords] = {"en": ENGLISH, "zh": CHINESE}


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnoseLimits:
    """How much of what can be long is shown."""

    suggestions: int
    characters: int
    """Of one text."""
    labels: int
    """Of one task."""


_LIMITS = (
    DiagnoseLimits(suggestions=60, characters=3000, labels=60),
    DiagnoseLimits(suggestions=20, characters=600, labels=30),
    DiagnoseLimits(suggestions=8, characters=160, labels=10),
)


def build_diagnose_page(run_directory: Path) -> Path:
    """Write `diagnose.html` from `diagnose.json` in a diagnosis's directory, and return its path.

    The page holds everything it shows and needs neither network nor scripts; the same files give the same
    bytes. It stays below 2 MB: what is long is cut, and the page says where the rest is.

    Raises:
        UsageError: the directory holds no diagnosis.
        DataError: a saved file is malformed.
        ExternalError: the page can't be written.
    """
    run_directory = Path(run_directory)
    saved = read_result(run_directory, DIAGNOSE, "diagnose hallucination", _KEYS)
    return write_page(
        run_directory / DIAGNOSE_PAGE, "diagnose.html", (_context(saved, limits) for limits in _LIMITS)
    )


def _context(saved: SavedResult, limits: DiagnoseLimits) -> dict[str, Any]:
    result = saved.result
    shared, words = report_words(result["language"]), _WORDS[result["language"]]
    return {
        **frame(saved, shared),
        "d": words,
        "title": words.title.format(scenario=result["scenario"]),
        "eyebrow": words.eyebrow,
        "meta": _meta(result, shared, words),
        "outcome": diagnosis_outcome(result, shared, words),
        "suggestions": shown_suggestions(
            result, shared, words, most=limits.suggestions, characters=limits.characters
        ),
        "tasks": [
            _task(name, index, result, shared, words, limits)
            for index, name in enumerate(result["tasks"], start=1)
        ],
    }


def _meta(result: Mapping[str, Any], shared: Words, words: DiagnoseWords) -> list[Fact]:
    facts = [Fact(name=shared.model, value=result["model"])]
    if result.get("adapter"):
        facts.append(Fact(name=words.adapter, value=telling_name(Path(result["adapter"]))))
    if compared := result["compared"]:
        adapter = compared.get("adapter")
        other = [compared["model"], *([telling_name(Path(adapter))] if adapter else [])]
        facts.append(Fact(name=words.compared_with, value=" + ".join(other)))
    return [*facts, Fact(name=words.split, value=result["split"])]


def _task(
    name: str,
    index: int,
    result: Mapping[str, Any],
    shared: Words,
    words: DiagnoseWords,
    limits: DiagnoseLimits,
) -> dict[str, Any]:
    task = result["tasks"][name]
    compared = result["compared"]
    before = compared["tasks"].get(name) if compared else None
    titles = trap_titles(task, result["language"], words)
    found = task.get("threshold")
    return {
        "name": name,
        "anchor": f"task-{index}",
        "kind": shared.task.kinds.get(task["kind"], task["kind"]),
        "note": shared.task.few_records.of(task["n"]) if task.get("note") else "",
        "figures": figure_rows(task, before, shared, words),
        "figures_caption": words.figures.format(task=name),
        "compared": before is not None,
        "threshold_heading": words.threshold.heading.format(label=found["label"]) if found else "",
        "threshold": threshold_statements(task, shared, words),
        "labels": label_picture(name, task, before, shared, words, most=limits.labels),
        "pictures": [
            picture
            for picture in (coverage_picture(task, before, words), calibration_picture(task, before, words))
            if picture is not None
        ],
        "traps": trap_table(task, before, titles, shared, words),
        "examples": trap_examples(
            task, result["records"], titles, shared, words, characters=limits.characters
        ),
        "tests": change_rows(name, compared["tests"], shared, words) if compared else (),
    }
