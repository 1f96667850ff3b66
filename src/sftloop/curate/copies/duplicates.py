"""Records that repeat or contradict each other within a task, and what to do about each group.

Compares inputs and answers; doesn't know splits (`leaks.py`) and judges no single record.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from sftloop.curate.copies.inputs import (
    answer_key,
    input_keys,
    is_checked,
    shown_answer,
    worth_keeping,
    writes_freely,
)
from sftloop.curate.finding import DataFinding, Sentence
from sftloop.curate.quote import clipped, clipped_input
from sftloop.records import Record

_DUPLICATE = Sentence(
    why="{count} records have the same input and answer: “{quote}”.",
    mend="Keep {keep} and drop the rest: each copy counts like one more epoch on this example.",
    why_zh="{count} 条记录的输入和答案都相同：“{quote}”。",
    mend_zh="保留 {keep}，删掉其余：每多一份，就等于多训练一遍这个例子。",
)
_CONFLICT = Sentence(
    why="One input has {count} different answers ({answers}): “{quote}”.",
    mend="Decide which answer is right and give it to all; where the text leaves it open, define it.",
    why_zh="同一输入有 {count} 种不同答案（{answers}）：“{quote}”。",
    mend_zh="确定哪个答案正确并统一；如果文本本身判断不了，请在定义里写明该怎么判。",
)
_CONFLICT_SETTLED = _CONFLICT._replace(
    mend="{support} for “{answer}”: correct or drop the others.",
    mend_zh="{support_zh}“{answer}”：请更正或删除其余记录。",
)
_SEVERAL_TEXTS = Sentence(
    why="One input has {count} different texts as answers: “{quote}”.",
    mend="Keep them if several answers are meant; otherwise keep the best.",
    why_zh="同一输入有 {count} 个不同的回答：“{quote}”。",
    mend_zh="如果本来就允许多种回答，可以保留；否则只留最好的一个。",
)
_TEXT_CHARACTERS = 200
_CHECKED = ("A record checked by hand stands", "人工核对过的记录支持")
_MAJORITY = ("Most records stand", "多数记录支持")


def find_duplicates(records: Sequence[Record]) -> list[DataFinding]:
    """Return a finding for each group of one task with the same normalised input and the same answer."""
    findings = []
    for same_input in _by_input(records):
        for group in _by_answer(same_input).values():
            if len(group) > 1:
                findings.append(_duplicate(group))
    return findings


def find_conflicts(records: Sequence[Record]) -> list[DataFinding]:
    """Return a finding for each normalised input with different answers within one task.

    Generated texts that differ are a note: several can be right.
    """
    return [
        _conflict(answers)
        for same_input in _by_input(records)
        if len(answers := list(_by_answer(same_input).values())) > 1
    ]


def _by_input(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Yield the records that share task and input, in the order of their first."""
    groups: dict[tuple[str, tuple[str, ...]], list[Record]] = defaultdict(list)
    for record, key in zip(records, input_keys(records), strict=True):
        groups[record.task, key].append(record)
    yield from (group for group in groups.values() if len(group) > 1)


def _by_answer(records: Sequence[Record]) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        groups[answer_key(record)].append(record)
    return groups


def _duplicate(group: Sequence[Record]) -> DataFinding:
    keep = worth_keeping(group)
    return DataFinding.of(
        "duplicate",
        "warning",
        _DUPLICATE,
        task=keep.task,
        records=[record.id for record in group],
        evidence={"keep": keep.id, "drop": [record.id for record in group if record is not keep]},
        count=len(group),
        keep=keep.id,
        quote=clipped_input(keep),
    )


def _conflict(answers: Sequence[list[Record]]) -> DataFinding:
    right, support = _settled(answers)
    free = all(writes_freely(group[0]) for group in answers)
    ordered = sorted(answers, key=lambda group: group is right)
    shown = [shown_answer(group[0]) for group in answers]
    evidence = {
        "text": clipped_input(answers[0][0], _TEXT_CHARACTERS),
        "answers": [
            {"answer": text, "records": [record.id for record in group]}
            for text, group in zip(shown, answers, strict=True)
        ],
        "suggested": shown_answer(right[0]) if right and not free else None,
    }
    return DataFinding.of(
        "conflict",
        "note" if free else "error",
        _SEVERAL_TEXTS if free else _CONFLICT_SETTLED if right else _CONFLICT,
        task=answers[0][0].task,
        records=[record.id for group in ordered for record in group],
        evidence=evidence,
        count=len(answers),
        answers=clipped(" / ".join(shown)),
        quote=clipped_input(answers[0][0]),
        answer=evidence["suggested"],
        support=support[0],
        support_zh=support[1],
    )


def _settled(answers: Sequence[list[Record]]) -> tuple[list[Record] | None, tuple[str, str]]:
    """Return the answer that checked records agree on, else the one of more than half of the records."""
    checked = [group for group in answers if any(is_checked(record) for record in group)]
    if len(checked) == 1:
        return checked[0], _CHECKED
    sizes = Counter({place: len(group) for place, group in enumerate(answers)})
    place, most = sizes.most_common(1)[0]
    if not checked and 2 * most > sizes.total():
        return answers[place], _MAJORITY
    return None, ("", "")
