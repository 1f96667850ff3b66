"""Groups (one person, one thread) that stand on both sides of a split: what they share was seen before.

Knows splits by name and order, and groups by name; equal and near inputs are for `leaks.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sftloop.curate.copies.split_order import in_order
from sftloop.curate.finding import DataFinding, Sentence
from sftloop.records import Record

_GROUPS = Sentence(
    why="{count} groups ({records_n} records) of {split} stand in {others} too, for example “{example}”.",
    mend="Keep each group in one split: what its records share, a person's wording or a thread's story, is known "
    "by then.",
    why_zh="{split} 中有 {count} 个分组（{records_n} 条记录）也出现在 {others} 中，例如“{example}”。",
    mend_zh="让每个分组只留在一个数据集里：同一个人的措辞或同一会话的内容，模型此前已经见过。",
)
_NAMED = 20


def find_group_leaks(splits: Mapping[str, Sequence[Record]]) -> list[DataFinding]:
    """Return a finding per split that shares groups with later ones; its `records` are those of the earlier split.

    Args:
        splits: name → records; other names than train, validation and test come last, in the order given.
    """
    names = in_order(splits)
    found = []
    for place, split in enumerate(names):
        late: dict[str, list[Record]] = {}
        for other in names[place + 1 :]:
            for record in splits[other]:
                if record.group is not None:
                    late.setdefault(record.group, []).append(record)
        early = [record for record in splits[split] if record.group is not None and record.group in late]
        if early:
            found.append(_finding(split, early, late, splits, names[place + 1 :]))
    return found


def _finding(
    split: str,
    early: Sequence[Record],
    late: Mapping[str, Sequence[Record]],
    splits: Mapping[str, Sequence[Record]],
    others: Sequence[str],
) -> DataFinding:
    groups = list(dict.fromkeys(str(record.group) for record in early))
    shared = {record.id for group in groups for record in late[group]}
    against = [
        {"split": other, "records": ids}
        for other in others
        if (ids := [r.id for r in splits[other] if r.id in shared and r.group in groups])
    ]
    tasks = {record.task for record in early}
    return DataFinding.of(
        "leak",
        "warning",
        _GROUPS,
        task=tasks.pop() if len(tasks) == 1 else None,
        records=[record.id for record in early],
        evidence={"split": split, "against": against, "exact": False, "groups": groups[:_NAMED]},
        count=len(groups),
        records_n=len(early),
        split=split,
        others=" + ".join(str(row["split"]) for row in against),
        example=groups[0],
    )
