"""An audit's directory in, audit.html out.

Reads, lays out section by section, and shows less of what is long where the page would be too large.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftloop.report.audit_findings import FindingLimits, finding_groups
from sftloop.report.audit_pictures import balance_table, task_pictures
from sftloop.report.audit_verdict import audit_verdict
from sftloop.report.fact import Fact
from sftloop.report.page import frame, write_page
from sftloop.report.saved_curation import read_audit
from sftloop.report.saved_result import SavedResult
from sftloop.report.wording import report_words
from sftloop.report.wording.audit_chinese import CHINESE
from sftloop.report.wording.audit_english import ENGLISH
from sftloop.report.wording.audit_words import AuditWords

AUDIT_PAGE = "audit.html"

_WORDS: Mapping[str, AuditWords] = {"en": ENGLISH, "zh": CHINESE}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLimits:
    """How much of what can be long is shown."""

    findings: FindingLimits
    rows: int
    """Labels, and traits of style, of one task."""


def _limits(cards: int, lines: int, records: int, characters: int, rows: int) -> AuditLimits:
    findings = FindingLimits(cards=cards, lines=lines, records=records, characters=characters)
    return AuditLimits(findings=findings, rows=rows)


_LIMITS = (
    _limits(5, 300, 4, 3000, 120),
    _limits(5, 100, 4, 800, 80),
    _limits(4, 30, 3, 300, 30),
    _limits(2, 5, 2, 120, 10),
)


def build_audit_page(run_directory: Path) -> Path:
    """Write `audit.html` from `audit.json` in an audit's directory, and return its path.

    The page holds everything it shows and needs neither network nor scripts; the same files give the same
    bytes. It stays below 2 MB: what is long is cut, and the page says where the rest is.

    Raises:
        UsageError: the directory holds no audit.
        DataError: a saved file is malformed.
        ExternalError: the page can't be written.
    """
    run_directory = Path(run_directory)
    saved = read_audit(run_directory)
    return write_page(
        run_directory / AUDIT_PAGE, "audit.html", (_context(saved, limits) for limits in _LIMITS)
    )


def _context(saved: SavedResult, limits: AuditLimits) -> dict[str, Any]:
    audit = saved.result
    shared, words = report_words(audit["language"]), _WORDS[audit["language"]]
    tasks = audit["summary"]["tasks"]
    return {
        **frame(saved, shared),
        "a": words,
        "title": words.title.format(scenario=audit["scenario"]),
        "eyebrow": words.eyebrow,
        "meta": [Fact(name=shared.model, value=audit["model"])] if audit.get("model") else [],
        "verdict": audit_verdict(audit, shared, words),
        "groups": finding_groups(audit, shared, words, limits.findings),
        "balance": balance_table(tasks, shared, words),
        "tasks": [
            task_pictures(name, index, task, shared, words, rows=limits.rows)
            for index, (name, task) in enumerate(tasks.items(), start=1)
        ],
        "not_checked": [_gap(gap, audit["language"]) for gap in audit.get("not_checked") or ()],
    }


def _gap(gap: Mapping[str, Any], language: str) -> tuple[str, str]:
    """Return what was not checked, and why, in the page's language where it is there."""
    said = gap.get(language) or gap
    return str(said["what"]), str(said.get("why") or "")
