"""Tasks and labels that lack boundary records, which teach a model where one answer ends and another begins.

Knows which records are boundary ones; doesn't know how that was measured.
"""

from __future__ import annotations

from collections.abc import Sequence

from sftloop.curate.finding import DataFinding, Sentence

FEW = 0.1
"""Share of boundary records below which a task or a label has few."""
_FEWEST = 20
"""Records from which a share says something: of fewer, one or two decide."""

Row = tuple[str, str, bool, tuple[str, ...]]
"""Record id, task, whether it is a boundary record, expected labels."""

_TASK = Sentence(
    why="Only {count} of {total} records of task '{name}' ({share:.0%}) are near-misses for the base model. It "
    "hardly sees where one answer ends and another begins, and what it answers already teaches it little.",
    mend="Add records that differ from an easy one in the decisive detail only, and records that were answered "
    "wrong in use; replace easy ones with them.",
    why_zh="任务“{name}”的 {total} 条记录中，只有 {count} 条（{share:.0%}）对基础模型而言是边界样本。"
    "模型很难由此学到不同答案之间的界线，而它本来就答得对的记录几乎不带来收获。",
    mend_zh="补充只在关键细节上与简单样本不同的记录，以及实际使用中答错的记录，用它们替换一部分简单样本。",
)
_LABEL = Sentence(
    why="Label '{label}' of task '{name}' has {count} near-misses among {total} records ({share:.0%}), the task "
    "as a whole {usual:.0%}: the border of this label is hardly shown.",
    mend="Add records that almost carry '{label}' but don't, and records that carry it against first appearances.",
    why_zh="任务“{name}”的标签“{label}”在 {total} 条记录中只有 {count} 条边界样本（{share:.0%}），"
    "而整个任务为 {usual:.0%}：数据几乎没有展示该标签的边界。",
    mend_zh="补充看似属于“{label}”而实际不属于的记录，以及表面不像而实际属于它的记录。",
)


def few_boundary(rows: Sequence[Row]) -> list[DataFinding]:
    """Return a finding per task, or per label of a task that has enough as a whole; records don't name a lack."""
    found = []
    for task in dict.fromkeys(row[1] for row in rows):
        own = [row for row in rows if row[1] == task]
        count, total = _counted(own)
        if total < _FEWEST:
            continue
        if count < FEW * total:
            found.append(_finding(_TASK, task, count, total))
            continue
        for label in sorted({label for row in own for label in row[3]}):
            few, among = _counted([row for row in own if label in row[3]])
            if among >= _FEWEST and few < FEW * among:
                found.append(_finding(_LABEL, task, few, among, label=label, usual=count / total))
    return found


def _counted(rows: Sequence[Row]) -> tuple[int, int]:
    return sum(row[2] for row in rows), len(rows)


def _finding(
    sentence: Sentence, task: str, count: int, total: int, *, label: str = "", usual: float = 0.0
) -> DataFinding:
    evidence = {"boundary": count, "of": total, **({"label": label} if label else {})}
    return DataFinding.of(
        "few_boundary",
        "note" if label else "warning",
        sentence,
        task=task,
        records=(),
        evidence=evidence,
        name=task,
        count=count,
        total=total,
        share=count / total,
        label=label,
        usual=usual,
    )
