"""A group on two sides of a split is told, once per earlier split, with the records of both sides."""

from __future__ import annotations

from sftloop.curate.copies import find_group_leaks
from sftloop.records import Record
from sftloop.scenario import Answer


def record(identifier: str, group: str | None) -> Record:
    return Record(id=identifier, task="t", input={"text": identifier}, answer=Answer(label="a"), group=group)


def test_groups_on_two_sides() -> None:
    splits = {
        "test": [record("s1", "ann"), record("s2", "dan"), record("s3", None)],
        "train": [record("r1", "ann"), record("r2", "ann"), record("r3", "bob"), record("r4", None)],
        "validation": [record("v1", "bob"), record("v2", "dan"), record("v3", "eve")],
    }
    train, validation = find_group_leaks(splits)
    assert (train.kind, train.severity, train.records) == ("leak", "warning", ("r1", "r2", "r3"))
    assert train.evidence == {
        "split": "train",
        "against": [{"split": "validation", "records": ["v1"]}, {"split": "test", "records": ["s1"]}],
        "exact": False,
        "groups": ["ann", "bob"],
    }
    assert "2 groups (3 records) of train stand in validation + test" in train.why
    assert "2 个分组（3 条记录）" in train.why_zh
    assert validation.records == ("v2",) and validation.evidence["groups"] == ["dan"]


def test_one_side_each_is_fine() -> None:
    assert find_group_leaks({"train": [record("r1", "ann")], "test": [record("s1", "bob")]}) == []
    assert find_group_leaks({"train": [record("r1", None)], "test": [record("s1", None)]}) == []
