"""The audit's first screen: what stands in the way, how much of it, and what was looked at.

Counts findings to choose a sentence; knows nothing of their evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sftloop.curate.finding import OF_OTHER_SPLITS, SEVERITIES
from sftloop.report.figures import Figures
from sftloop.report.wording import Words
from sftloop.report.wording.audit_words import AuditWords

Found = Sequence[Mapping[str, Any]]
"""Kinds whose records aren't among those that were audited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityCount:
    """How many findings of one severity."""

    severity: str
    count: str
    name: str
    means: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCount:
    """One line of the overview."""

    name: str
    anchor: str
    severity: str
    badge: str
    findings: str
    records: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """The first screen."""

    state: str
    """The worst severity found, or `clean`."""
    headline: str
    lead: str
    counts: tuple[SeverityCount, ...]
    kinds: tuple[KindCount, ...]


def audit_verdict(audit: Mapping[str, Any], shared: Words, words: AuditWords) -> AuditVerdict:
    """Return the first screen of an audit."""
    found: Found = audit["findings"]
    counts: dict[str, int] = {
        severity: sum(f["severity"] == severity for f in found) for severity in SEVERITIES
    }
    return AuditVerdict(
        state=next((severity for severity in SEVERITIES if counts[severity]), "clean"),
        headline=_headline(found, counts, words),
        lead=_lead(audit, shared, words),
        counts=tuple(
            SeverityCount(
                severity=severity,
                count=f"{count:,}",
                name=words.verdict.severities[severity].of(count),
                means=words.verdict.severity_means[severity],
            )
            for severity, count in counts.items()
        ),
        kinds=tuple(_kind(kind, own, words) for kind, own in by_kind(found).items()),
    )


def by_kind(found: Found) -> dict[str, list[Mapping[str, Any]]]:
    """Return the findings by kind, kinds in the order of their first finding."""
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for finding in found:
        kinds.setdefault(finding["kind"], []).append(finding)
    return kinds


def kind_anchor(kind: str) -> str:
    """Return the id of a kind's findings on the page."""
    return "kind-" + "".join(char if char.isalnum() else "-" for char in kind)


def kind_name(kind: str, words: AuditWords) -> str:
    """Return a kind's name on the page; an unknown one keeps its own."""
    known = words.findings.kinds.get(kind)
    return kind.replace("_", " ") if known is None else known.name


def worst(found: Found) -> str:
    """Return the worst severity of some findings."""
    present = {str(finding["severity"]) for finding in found}
    return next((severity for severity in SEVERITIES if severity in present), "note")


def records_of(found: Found) -> set[str]:
    """Return the ids of all records that some findings name."""
    return {str(record) for finding in found for record in finding["records"]}


def _kind(kind: str, found: Found, words: AuditWords) -> KindCount:
    severity = worst(found)
    return KindCount(
        name=kind_name(kind, words),
        anchor=kind_anchor(kind),
        severity=severity,
        badge=words.verdict.badges[severity],
        findings=f"{len(found):,}",
        records=f"{len(records_of(found)):,}",
    )


def _headline(found: Found, counts: Mapping[str, int], words: AuditWords) -> str:
    errors, said = counts["error"], words.verdict
    if not errors:
        return said.warnings.of(counts["warning"]) if counts["warning"] else said.clean
    records = len(records_of([finding for finding in found if finding["severity"] == "error"]))
    if not records:
        return said.errors.of(errors)
    form = "-".join("one" if n == 1 else "many" for n in (errors, records))
    return said.errors_in[form].format(errors=f"{errors:,}", records=f"{records:,}")


def _lead(audit: Mapping[str, Any], shared: Words, words: AuditWords) -> str:
    said, figures, stop = words.verdict, Figures(shared.figures), shared.verdict.stop
    split = str(audit.get("split") or "train")
    checked = said.checked.of(audit["n"], split=said.splits.get(split, split))
    if audit.get("model"):
        checked += said.checked_with.format(model=audit["model"])
    if audit.get("seconds") is not None:
        checked += said.seconds.format(duration=figures.duration(audit["seconds"]))
    sentences = [checked + stop]
    own = [finding for finding in audit["findings"] if finding["kind"] not in OF_OTHER_SPLITS]
    if touched := len(records_of(own)):
        sentences.append(said.touched.of(touched))
    if missing := len(audit.get("not_checked") or ()):
        sentences.append(said.unchecked.of(missing))
    return shared.verdict.sentence_join.join(sentences)
