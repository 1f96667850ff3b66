"""Proposed rewrites as a file that the user may edit: read, checked, added to.

A line taken out, or an `after` changed, holds from then on. Knows records and answers; doesn't ask a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import DataError
from sftloop.core.jsonl import read_jsonl, write_jsonl
from sftloop.records import Record, check_record
from sftloop.scenario import Answer, Scenario

if TYPE_CHECKING:
    from sftloop.curate.finding import DataFinding

Key = tuple[str, str, str]
"""Task, record's id, part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One answer written again."""

    record: str
    task: str
    part: str
    feature: str
    before: Answer
    after: Answer

    def to_json(self) -> dict[str, Any]:
        """Return a line of `rewrites.jsonl`."""
        return {
            "id": self.record,
            "task": self.task,
            "part": self.part,
            "feature": self.feature,
            "before": self.before.to_json(),
            "after": self.after.to_json(),
        }

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.task, self.record, self.part


def read_proposals(path: Path, scenario: Scenario, records: Sequence[Record]) -> list[Proposal]:
    """Return the proposals of a file, checked against the records; none where there is no file.

    Raises:
        DataError: a line isn't a proposal for one of the records, changes more than its text, or doesn't fit the
            task; names file and line.
    """
    if not path.exists() or not path.read_text(encoding="utf-8").strip():
        return []
    by_id = {record.id: record for record in records}
    return [
        _proposal(row, f"{path}:{number}", scenario, by_id)
        for number, row in read_jsonl(path, what="rewrites")
    ]


def with_rewrites(findings: Sequence[DataFinding], proposals: Sequence[Proposal]) -> list[DataFinding]:
    """Return the findings, those about style with the rewrites of their records."""
    found: dict[Key, Proposal] = {proposal.key: proposal for proposal in proposals}
    return [
        replace(finding, rewrites=rewrites) if (rewrites := tuple(_of_finding(finding, found))) else finding
        for finding in findings
    ]


def _of_finding(finding: DataFinding, found: Mapping[Key, Proposal]) -> Iterator[dict[str, Any]]:
    from sftloop.curate.style.rewrite_checks import text_of

    if finding.kind != "format_outlier":
        return
    for name in finding.records:
        proposal = found.get((finding.task or "", name, finding.evidence["part"]))
        if proposal is not None:
            yield {
                "record": name,
                "before": text_of(proposal.before, proposal.part),
                "after": text_of(proposal.after, proposal.part),
            }


class ProposalFile:
    """The file of proposals, written anew and whole with each one that is added: an editor may have been at it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, proposal: Proposal) -> None:
        """Add one, unless a kill came between the last one and its reply's line."""
        filled = self.path.exists() and self.path.read_text(encoding="utf-8").strip()
        rows = [row for _, row in read_jsonl(self.path, what="rewrites")] if filled else []
        row = proposal.to_json()
        if not any(all(row[key] == old.get(key) for key in ("id", "task", "part")) for old in rows):
            write_jsonl(self.path, [*rows, row])


def _proposal(
    row: Mapping[str, Any], where: str, scenario: Scenario, records: Mapping[str, Record]
) -> Proposal:
    from sftloop.curate.style.rewrite_checks import PARTS, same_but_for_text

    for key in ("id", "task", "part", "feature", "before", "after"):
        if key not in row:
            raise DataError(f"{where}: the rewrite has no '{key}'.", hint="Restore the line or take it out.")
    if row["part"] not in PARTS:
        raise DataError(
            f"{where}: an answer has no part '{row['part']}'.", hint=f"It is one of: {', '.join(PARTS)}."
        )
    record = records.get(row["id"])
    if record is None or record.task != row["task"]:
        raise DataError(
            f"{where}: the audited data hold no record '{row['id']}' of task '{row['task']}'.",
            hint="Take the line out.",
        )
    try:
        before, after = Answer.from_json(row["before"]), Answer.from_json(row["after"])
    except DataError as error:
        raise DataError(f"{where}: {error.message}", hint=error.hint) from None
    if before != record.answer or not same_but_for_text(before, after, row["part"]):
        raise DataError(
            f"{where}: the rewrite of '{row['id']}' changes more than the text of its {row['part']}.",
            hint="Keep `before` as it is, and everything in `after` but that text.",
        )
    if problem := check_record(replace(record, answer=after), scenario):
        raise DataError(f"{where}: {problem}", hint="Correct `after` or take the line out.")
    return Proposal(
        record=record.id,
        task=record.task,
        part=row["part"],
        feature=row["feature"],
        before=before,
        after=after,
    )
