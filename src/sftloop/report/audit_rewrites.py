"""Proposed rewrites of answers out of style: before and after, and what became of the others.

Lays saved proposals out; judges none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sftloop.report.cut import cut
from sftloop.report.figures import Figures
from sftloop.report.wording import Words
from sftloop.report.wording.rewrite_words import RewriteWords


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRewrite:
    """One proposal."""

    id: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRewrites:
    """The proposals of one finding."""

    heading: str
    rows: tuple[ShownRewrite, ...]
    more: str


def shown_rewrites(
    finding: Mapping[str, Any], shared: Words, words: RewriteWords, *, most: int, characters: int
) -> ShownRewrites | None:
    """Return a finding's proposals, at most so many, each text cut to so many characters."""
    rewrites = finding.get("rewrites") or ()
    if not rewrites:
        return None
    rows = tuple(
        ShownRewrite(
            id=str(one["record"]),
            before=cut(str(one["before"]), shared, characters),
            after=cut(str(one["after"]), shared, characters),
        )
        for one in rewrites[:most]
    )
    left = len(rewrites) - len(rows)
    return ShownRewrites(heading=words.heading, rows=rows, more=words.more.of(left) if left else "")


def rewrite_notes(audit: Mapping[str, Any], shared: Words, words: RewriteWords) -> tuple[str, ...]:
    """Return what became of asking, in sentences; none where nothing could be asked."""
    counts = (audit.get("summary") or {}).get("rewrites")
    if not counts or not (counts["asked"] or counts["not_asked"]):
        return ()
    sentences = []
    if counts["asked"]:
        sentences.append(words.asked.of(counts["asked"], proposed=f"{counts['proposed']:,}"))
    for key, template in (("dropped", words.dropped), ("not_asked", words.not_asked)):
        if counts[key]:
            sentences.append(template.format(reasons=_reasons(counts[key], shared, words)))
    if counts["left"]:
        sentences.append(words.left.of(counts["left"]))
    if counts.get("applied"):
        sentences.append(words.applied.format(file=counts["applied"]))
    hint = [words.hint.format(file=counts["file"])] if counts["proposed"] else []
    return (shared.verdict.sentence_join.join(sentences), *hint)


def _reasons(counts: Mapping[str, int], shared: Words, words: RewriteWords) -> str:
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    said = [
        words.reason.format(reason=words.reasons.get(name, name.replace("_", " ")), n=f"{n:,}")
        for name, n in ranked
    ]
    return Figures(shared.figures).names(said)
