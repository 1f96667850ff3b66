"""What an audit counts: records of the audited split, not those of others that findings name."""

from __future__ import annotations

from sftloop.curate.finding import DataFinding, Sentence
from sftloop.workflow.audit import _summary
from sftloop.workflow.audit_checks import Checked

SENTENCE = Sentence(why="w", mend="m", why_zh="w", mend_zh="m")


def test_records_of_other_splits_are_not_counted_as_touched() -> None:
    named = {"duplicate": ("r1", "r2"), "label_error": ("r2", "r3"), "uncovered": ("v1", "v2", "r1")}
    findings = [
        DataFinding.of(kind, "note", SENTENCE, task="t", records=ids, evidence={})  # type: ignore[arg-type]
        for kind, ids in named.items()
    ]
    found = _summary(findings, Checked())
    assert found["records_touched"] == 3
    assert {kind: facts["records"] for kind, facts in found["by_kind"].items()} == {
        "duplicate": 2,
        "label_error": 2,
        "uncovered": 3,
    }
