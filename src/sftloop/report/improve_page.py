"""The directory of `prompt improve` in, improve.html out.

Reads, lays out section by section, and shows less of what is long where the page would be too large.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftloop.report.fact import Fact
from sftloop.report.figures import Figures
from sftloop.report.improve_proposals import proposal_rounds
from sftloop.report.page import frame, write_page
from sftloop.report.saved_improvement import read_improvement
from sftloop.report.saved_result import SavedResult
from sftloop.report.verdict import metric_name
from sftloop.report.wording import Words, report_words
from sftloop.report.wording.improve_chinese import CHINESE
from sftloop.report.wording.improve_english import ENGLISH
from sftloop.report.wording.improve_words import ImproveWords

IMPROVE_PAGE = "improve.html"

_WORDS: Mapping[str, ImproveWords] = {"en": ENGLISH, "zh": CHINESE}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImproveLimits:
    """How much of what can be long is shown."""

    groups: int
    """Of one round."""
    cases: int
    """Of one group."""
    characters: int
    """Of one text."""


_LIMITS = (
    ImproveLimits(groups=12, cases=6, characters=3000),
    ImproveLimits(groups=8, cases=4, characters=800),
    ImproveLimits(groups=4, cases=2, characters=200),
)


def build_improve_page(run_directory: Path) -> Path:
    """Write `improve.html` from `improve.json` in a run's directory, and return its path.

    The page holds everything it shows and needs neither network nor scripts; the same files give the same
    bytes. It stays below 2 MB: what is long is cut, and the page says where the rest is.

    Raises:
        UsageError: the directory holds no such result.
        DataError: the saved file is malformed.
        ExternalError: the page can't be written.
    """
    saved = read_improvement(Path(run_directory))
    contexts = (_context(saved, limits) for limits in _LIMITS)
    return write_page(Path(run_directory) / IMPROVE_PAGE, "improve.html", contexts)


def _context(saved: SavedResult, limits: ImproveLimits) -> dict[str, Any]:
    result = saved.result
    shared, words = report_words(result["language"]), _WORDS[result["language"]]
    meta = [Fact(name=shared.model, value=result["model"])]
    if result["writer"] != result["model"]:
        meta.append(Fact(name=words.writer, value=result["writer"]))
    return {
        **frame(saved, shared),
        "i": words,
        "title": words.title.format(scenario=result["scenario"]),
        "eyebrow": words.eyebrow,
        "meta": meta,
        "headline": headline(result, words),
        "lead": _lead(result, words),
        "notes": _notes(result, shared, words),
        "test_rows": _test_rows(result, shared, words),
        "test_intro": words.test_intro.of((result["test"] or {"n": 0})["n"]),
        "rounds": proposal_rounds(result, shared, words, characters=limits.characters),
        **_group_section(result, words, limits),
        "files": _files(result, words),
        "taken": bool(result["accepted"]),
        "apply": result.get("apply") if not result.get("applied") else None,
    }


def headline(result: Mapping[str, Any], words: ImproveWords) -> str:
    """Return the outcome in one line."""
    if result["accepted"]:
        return words.accepted.of(len(result["accepted"]))
    return words.none if result["proposals"] else words.nothing_wrong


def _lead(result: Mapping[str, Any], words: ImproveWords) -> str:
    return words.lead.format(
        asked=words.asked.of(result["asked"]),
        tested=words.tested.of(result["tested"]),
        seen=words.seen.of(result["n"]["seen"]),
        held_out=words.held_out.of(result["n"]["held_out"]),
    )


def _notes(result: Mapping[str, Any], shared: Words, words: ImproveWords) -> list[str]:
    """Return what couldn't be seen, what is missing, and what was done with the user's file."""
    figures, notes = Figures(shared.figures), []
    for task, found in result.get("reading", {}).items():
        if not found["reads"]:
            share = figures.percent(found["same"])
            notes.append(words.unread.format(task=task, share=share, n=figures.count(found["n"])))
    if not result["accepted"]:
        for task, smallest in result["detectable"].items():
            if smallest is None:
                continue
            facts = result["tasks"][task]
            shown = figures.difference(facts["metric"], smallest, signed=False)
            notes.append(words.blind.format(task=task, detectable=shown, n=figures.count(facts["held_out"])))
    if result["test"] and result["test"]["note"] == "no_test_file":
        notes.append(words.no_test_file)
    applied = result.get("applied")
    if applied and applied.get("held_back"):
        named = shared.figures.comma.join(applied["held_back"])
        notes.append(words.held_back.format(file=applied["file"], tasks=named))
    elif applied:
        notes.append(words.applied.format(file=applied["file"], backup=applied["backup"]))
    return notes


def _test_rows(result: Mapping[str, Any], shared: Words, words: ImproveWords) -> list[dict[str, Any]]:
    test, figures, rows = result["test"] or {"paired": {}}, Figures(shared.figures), []
    for task, paired in test["paired"].items():
        metric = paired["metric"]
        sides = [test[side][task] for side in ("before", "after")]
        rows.append(
            {
                "task": task,
                "metric": metric_name(metric, shared),
                "sides": [
                    (figures.value(metric, one["value"]), figures.range(metric, one["low"], one["high"]))
                    for one in sides
                ],
                "difference": figures.difference(metric, paired["difference"], signed=True),
                "interval": figures.interval(metric, paired["low"], paired["high"], signed=True),
                "p": figures.p_value(paired["p_adjusted"]),
                "verdict": paired["verdict"],
                "badge": words.verdicts[paired["verdict"]],
            }
        )
    return rows


def _group_section(result: Mapping[str, Any], words: ImproveWords, limits: ImproveLimits) -> dict[str, Any]:
    """Return the groups of the first round: those of later ones are what is left of them."""
    first = [group for group in result["groups"] if group["round"] == 1]
    left = len(first) - limits.groups
    return {
        "groups": [_group(one, words, limits) for one in first[: limits.groups]],
        "more_groups": words.more_groups.of(left) if left > 0 else "",
    }


def _group(group: Mapping[str, Any], words: ImproveWords, limits: ImproveLimits) -> dict[str, Any]:
    cases = group["cases"]
    counts = [
        counted.of(n) for counted, n in ((words.wrong, group["wrong"]), (words.unsure, group["unsure"])) if n
    ]
    left = len(cases) - limits.cases
    return {
        "title": words.group.format(
            task=group["task"],
            gold=group["gold"] or words.no_label,
            answered=group["answered"] or words.no_label,
        ),
        "counts": counts,
        "cases": [_case(one, words, limits.characters) for one in cases[: limits.cases]],
        "more": words.more_cases.of(left) if left > 0 else "",
    }


def _case(case: Mapping[str, Any], words: ImproveWords, characters: int) -> dict[str, Any]:
    answered = case["answered"] if case["wrong"] else words.barely.format(answered=case["answered"])
    lines: Sequence[tuple[str, str]] = (
        (words.gold, case["gold"]),
        (words.gold_reason, case["gold_reason"]),
        (words.answered, answered),
        (words.reason, case["reason"]),
    )
    return {
        "id": case["id"],
        "text": case["text"][:characters],
        "lines": [(name, text[:characters]) for name, text in lines if text],
        "region": words.region.format(id=case["id"]),
    }


def _files(result: Mapping[str, Any], words: ImproveWords) -> list[Fact]:
    named = (
        (words.improved, result.get("improved")),
        (words.difference_file, result.get("diff")),
        (words.history, result.get("history")),
    )
    return [Fact(name=name, value=str(path)) for name, path in named if path]
