"""A run directory in, report.html out.

Reads, lays out section by section, renders, and makes the page smaller where it would be too large.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftloop.report.costs import cost_section
from sftloop.report.page import write_page
from sftloop.report.reproduce import reproduce_section
from sftloop.report.saved import SavedRun, read_run
from sftloop.report.tasks import task_section
from sftloop.report.training import has_head, method_name, training_section
from sftloop.report.verdict import overall_verdict
from sftloop.report.wording import report_words
from sftloop.report.wrong_answers import wrong_answers

REPORT = "report.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of what can be long is shown."""

    characters: int
    """Of one text of a wrong answer."""
    cards: int
    """Wrong answers per task."""
    rows: int
    """Of a table of labels or fields."""


_LIMITS = (
    Limits(characters=6000, cards=10, rows=120),
    Limits(characters=1500, cards=10, rows=60),
    Limits(characters=400, cards=5, rows=30),
    Limits(characters=120, cards=1, rows=10),
)


def build_report(run_directory: Path) -> Path:
    """Write `report.html` from what `sftloop run` saved, and return its path.

    The page holds everything it shows and needs neither network nor scripts; the same files give the same
    bytes. It stays below 2 MB: where it would not, long texts are cut, and the page says so.

    Raises:
        UsageError: the directory holds no finished run.
        DataError: a saved file is malformed.
        ExternalError: the page can't be written.
    """
    run_directory = Path(run_directory)
    run = read_run(run_directory)
    return write_page(run_directory / REPORT, "page.html", (_context(run, limits) for limits in _LIMITS))


def _context(run: SavedRun, limits: Limits) -> dict[str, Any]:
    summary = run.summary
    words = report_words(summary["language"])
    tasks = summary["tasks"]
    return {
        "w": words,
        "scenario": summary["scenario"],
        "model": summary["model"],
        "method": method_name(summary["method"], words, head=has_head(summary)),
        "started": str(run.manifest.get("started") or "")[:10],
        "verdict": overall_verdict(tasks, words),
        "tasks": [
            task_section(name, index, task, words, rows=limits.rows)
            for index, (name, task) in enumerate(tasks.items(), start=1)
        ],
        "training": training_section(summary, run.history, words),
        "wrong": wrong_answers(run.wrong_answers, words, most=limits.cards, characters=limits.characters),
        "costs": cost_section(summary, words),
        "reproduce": reproduce_section(run.manifest, summary, words),
    }
