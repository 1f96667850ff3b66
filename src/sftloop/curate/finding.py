"""One thing that is wrong with a data set: which records, the evidence, why it hurts, what mends it.

Knows words and record ids; how something is found is for the module that finds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

Kind = Literal[
    "untrainable",
    "leak",
    "conflict",
    "label_error",
    "unknown_knowledge",
    "duplicate",
    "near_duplicate",
    "uncovered",
    "format_outlier",
    "imbalance",
    "few_boundary",
    "over_cap",
]
Severity = Literal["error", "warning", "note"]

KINDS: tuple[Kind, ...] = get_args(Kind)
"""Every kind, the most harmful first."""
OF_OTHER_SPLITS = ("uncovered",)
"""Kinds whose records stand in other splits than the audited one."""
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""`error`: training or scores will be wrong; `warning`: worse than need be; `note`: worth knowing."""


class Sentence(NamedTuple):
    """Why something hurts and what mends it, in both languages; `{names}` stand for facts."""

    why: str
    mend: str
    why_zh: str
    mend_zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFinding:
    """One weakness of a data set."""

    kind: Kind
    severity: Severity
    task: str | None
    """None: it is about several tasks."""
    records: tuple[str, ...]
    """Ids, the most telling first."""
    why: str
    mend: str
    why_zh: str
    mend_zh: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """Plain data: the numbers and texts that it rests on."""
    rewrites: tuple[Mapping[str, str], ...] = ()
    """Proposed ones: `record`, and its text `before` and `after`."""

    @classmethod
    def of(
        cls,
        kind: Kind,
        severity: Severity,
        sentence: Sentence,
        *,
        task: str | None,
        records: Sequence[str],
        evidence: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> DataFinding:
        """Fill a sentence's names with facts.

        Args:
            kind: what was found.
            severity: how much it harms.
            sentence: the words.
            task: the task it is about.
            records: ids, the most telling first.
            evidence: plain data for readers of the file.
            facts: what stands for the names in the sentence.
        """
        why, mend, why_zh, mend_zh = (part.format_map(facts) for part in sentence)
        return cls(
            kind=kind,
            severity=severity,
            task=task,
            records=tuple(records),
            why=why,
            mend=mend,
            why_zh=why_zh,
            mend_zh=mend_zh,
            evidence=dict(evidence or {}),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain data; the Chinese words stand under `zh`."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "task": self.task,
            "records": list(self.records),
            "why": self.why,
            "mend": self.mend,
            "zh": {"why": self.why_zh, "mend": self.mend_zh},
            "evidence": dict(self.evidence),
            **({"rewrites": [dict(one) for one in self.rewrites]} if self.rewrites else {}),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> DataFinding:
        """Return the finding that `to_json` wrote."""
        return cls(
            kind=row["kind"],
            severity=row["severity"],
            task=row["task"],
            records=tuple(row["records"]),
            why=row["why"],
            mend=row["mend"],
            why_zh=row["zh"]["why"],
            mend_zh=row["zh"]["mend"],
            evidence=row["evidence"],
        )


def in_order_of_harm(findings: Sequence[DataFinding]) -> list[DataFinding]:
    """Sort by severity, then by kind, then by how many records are touched; else the order stays."""
    return sorted(
        findings, key=lambda f: (SEVERITIES.index(f.severity), KINDS.index(f.kind), -len(f.records))
    )
