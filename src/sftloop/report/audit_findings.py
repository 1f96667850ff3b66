"""The findings by kind: the first ones with their records side by side, the rest as lines.

They come in order of harm and stay in it. What is too long is cut, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sftloop.report.audit_evidence import evidence_facts, id_list, quote_heading, quoted_texts
from sftloop.report.audit_rewrites import ShownRewrites, rewrite_notes, shown_rewrites
from sftloop.report.audit_verdict import Found, by_kind, kind_anchor, kind_name, records_of, worst
from sftloop.report.cut import cut
from sftloop.report.fact import Fact
from sftloop.report.wording import Words
from sftloop.report.wording.audit_words import AuditWords

_TELLING = 30
"""Letters at a text's beginning by which a quoted text is told from the records shown."""
_OF_SETS = ("imbalance", "few_boundary", "over_cap", "uncovered")
"""Kinds that are about many records together, of which a few show nothing, or about those of other splits, whose
ids may stand for other records here."""
_LONGEST_SENTENCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLimits:
    """How much is shown."""

    cards: int
    """Findings of a kind that are shown with their records."""
    lines: int
    """Further findings of a kind, one line each."""
    records: int
    """Of one finding."""
    characters: int
    """Of one text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRecord:
    """One record of a finding."""

    id: str
    task: str
    tags: tuple[str, ...]
    text: str
    answer: str
    role: str
    """`keep`, `drop` or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCard:
    """One finding."""

    severity: str
    badge: str
    """Empty where the whole kind has this severity."""
    task: str
    why: str
    mend: str
    facts: tuple[Fact, ...]
    records: tuple[ShownRecord, ...]
    quotes: tuple[str, ...]
    """Texts that the evidence holds and no record shown does."""
    quote_heading: str
    more: str
    """The records not shown."""
    rewrites: ShownRewrites | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLine:
    """One finding in a line."""

    why: str
    ids: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KindGroup:
    """All findings of one kind."""

    anchor: str
    name: str
    means: str
    severity: str
    badge: str
    counted: str
    cards: tuple[FindingCard, ...]
    folded: str
    lines: tuple[FindingLine, ...]
    left_out: str
    notes: tuple[str, ...] = ()
    """What became of mending them with the model."""


def finding_groups(
    audit: Mapping[str, Any], shared: Words, words: AuditWords, limits: FindingLimits
) -> tuple[KindGroup, ...]:
    """Return the findings by kind, kinds in the order of their first finding."""
    records = audit.get("records") or {}
    kinds = by_kind(audit["findings"])
    groups = (_group(kind, own, records, shared, words, limits) for kind, own in kinds.items())
    notes = rewrite_notes(audit, shared, words.rewrites)
    style = kind_anchor("format_outlier")
    return tuple(replace(group, notes=notes) if group.anchor == style else group for group in groups)


def _group(
    kind: str,
    found: Found,
    records: Mapping[str, Any],
    shared: Words,
    words: AuditWords,
    limits: FindingLimits,
) -> KindGroup:
    said, severity = words.findings, worst(found)
    known = said.kinds.get(kind)
    counted = [said.counted.of(len(found))]
    if touched := len(records_of(found)):
        counted.append(said.in_records.of(touched))
    cards, rest = found[: limits.cards], found[limits.cards :]
    lines = rest[: limits.lines]
    return KindGroup(
        anchor=kind_anchor(kind),
        name=kind_name(kind, words),
        means="" if known is None else known.means,
        severity=severity,
        badge=words.verdict.badges[severity],
        counted=" · ".join(counted),
        cards=tuple(_card(finding, severity, records, shared, words, limits) for finding in cards),
        folded=said.folded.of(len(rest)) if rest else "",
        lines=tuple(_line(finding, shared, words) for finding in lines),
        left_out=said.left_out.of(len(rest) - len(lines)) if len(rest) > len(lines) else "",
    )


def _card(
    finding: Mapping[str, Any],
    usual: str,
    records: Mapping[str, Any],
    shared: Words,
    words: AuditWords,
    limits: FindingLimits,
) -> FindingCard:
    severity = str(finding["severity"])
    evidence = finding.get("evidence") or {}
    ids = [str(one) for one in finding["records"]]
    telling = [] if finding["kind"] in _OF_SETS else [one for one in ids if one in records]
    chosen = _most_different(telling, records)[: limits.records]
    shown = tuple(_record(one, records[one], evidence, shared, limits) for one in chosen)
    rest = [one for one in ids if one not in chosen]
    counted = words.findings.more_records if shown else words.findings.all_records
    return FindingCard(
        severity=severity,
        badge="" if severity == usual else words.verdict.badges.get(severity, severity),
        task=str(finding.get("task") or ""),
        why=_sentence(finding, "why", shared),
        mend=_sentence(finding, "mend", shared),
        facts=evidence_facts(finding, shared, words),
        records=shown,
        quotes=_quotes(finding, shown, shared, limits),
        quote_heading=quote_heading(finding, words),
        more=counted.of(len(rest), ids=id_list(rest, shared, words)) if rest else "",
        rewrites=shown_rewrites(
            finding, shared, words.rewrites, most=2 * limits.records, characters=limits.characters
        ),
    )


def _record(
    record_id: str,
    record: Mapping[str, Any],
    evidence: Mapping[str, Any],
    shared: Words,
    limits: FindingLimits,
) -> ShownRecord:
    drop = evidence.get("drop")
    dropped = isinstance(drop, list) and record_id in drop
    return ShownRecord(
        id=record_id,
        task=str(record.get("task") or ""),
        tags=tuple(str(tag) for tag in record.get("tags") or ()),
        text=cut(str(record.get("text") or ""), shared, limits.characters),
        answer=cut(str(record.get("answer") or ""), shared, limits.characters),
        role="keep" if evidence.get("keep") == record_id else "drop" if dropped else "",
    )


def _most_different(ids: Sequence[str], records: Mapping[str, Any]) -> list[str]:
    """Return the ids so that the first ones show every answer: one of each, then the others."""
    first: dict[str, str] = {}
    for one in ids:
        first.setdefault(str(records[one].get("answer")), one)
    leading = set(first.values())
    return [*first.values(), *(one for one in ids if one not in leading)]


def _quotes(
    finding: Mapping[str, Any], shown: Iterable[ShownRecord], shared: Words, limits: FindingLimits
) -> tuple[str, ...]:
    """Return the quoted texts that aren't shown already; of a leak's two sides, the other one."""
    texts = quoted_texts(finding.get("evidence") or {})
    if finding["kind"] == "leak":
        texts = texts[1:] or texts
    seen = [part for record in shown for part in (_letters(record.text), _letters(record.answer))]
    quotes = [text for text in texts if not any(_letters(text)[:_TELLING] in own for own in seen)]
    return tuple(cut(text, shared, limits.characters) for text in quotes[: limits.records])


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def _line(finding: Mapping[str, Any], shared: Words, words: AuditWords) -> FindingLine:
    ids = [str(one) for one in finding["records"]]
    return FindingLine(why=_sentence(finding, "why", shared), ids=id_list(ids, shared, words))


def _sentence(finding: Mapping[str, Any], key: str, shared: Words) -> str:
    """Return a sentence of a finding in the page's language."""
    own = finding.get("zh") if shared.code.startswith("zh") else None
    said = (own or {}).get(key) or finding[key]
    return cut(str(said), shared, _LONGEST_SENTENCE)
