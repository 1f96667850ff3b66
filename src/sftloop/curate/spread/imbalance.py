"""Tasks and labels that have too few or too many records, or none that lie between two labels.

Knows counts only (`task_counts.py`); doesn't know what the records say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sftloop.curate.difficulty.levels import Level
from sftloop.curate.finding import DataFinding, Sentence
from sftloop.curate.spread.task_counts import (
    BalanceFacts,
    count_task,
    label_counts,
    levels_of,
    task_caps,
)
from sftloop.records import Record, TaskCap
from sftloop.scenario import Scenario, Task

_WORKABLE = 10
"""Records from which a label can be learned, and its score on a few held-out ones be read at all."""
_RATIO = 10.0
"""Largest to smallest from which tasks or labels count as out of balance."""
_NAMED = 8
"""Labels named in one sentence."""
_HARD_SHARE = 0.1
"""Share of boundary and hard records below which a task lacks them."""

_NO_RECORDS = Sentence(
    why="Task '{name}' has no records; nothing teaches it.",
    mend="Add records, or take the task out of the scenario.",
    why_zh="任务“{name}”没有任何记录，模型学不到它。",
    mend_zh="补充记录，或者从场景中去掉这个任务。",
)
_TASKS = Sentence(
    why="Task '{most}' has {ratio:.0f} times as many records as task '{fewest}' ({high:,} to {low:,}); "
    "the larger one decides what is learned.",
    mend="Cap the larger task (`max_records`) or add records to the smaller one.",
    why_zh="任务“{most}”的记录数是任务“{fewest}”的 {ratio:.0f} 倍（{high:,} 对 {low:,}），训练会被前者主导。",
    mend_zh="给较大的任务设上限（`max_records`），或给较小的任务补充记录。",
)
_SCARCE = Sentence(
    why="Task '{name}' has fewer than {workable} records of: {labels}.",
    mend="Add records of these labels, or merge labels that nobody needs to tell apart.",
    why_zh="任务“{name}”的以下标签不足 {workable} 条记录：{labels_zh}。",
    mend_zh="为这些标签补充记录；若业务上无需区分，可以合并标签。",
)
_LABELS = Sentence(
    why="Label '{most}' of task '{name}' has {ratio:.0f} times as many records as '{fewest}' "
    "({high:,} to {low:,}); rare labels will be given too seldom.",
    mend="Add records of the rare labels, or set `max_records`: the cap gives labels equal shares.",
    why_zh="任务“{name}”中，标签“{most}”的记录数是“{fewest}”的 {ratio:.0f} 倍（{high:,} 对 {low:,}），"
    "稀少的标签会很少被预测到。",
    mend_zh="为稀少的标签补充记录，或设置 `max_records`：设上限后各标签的名额均等。",
)
_OVER_CAP = Sentence(
    why="Task '{name}' has {before:,} records; a cap of {limit:,} would drop {dropped:,} of them.",
    mend="Set `max_records: {limit}` unless a trial shows that more records help; see which ones would go.",
    why_zh="任务“{name}”有 {before:,} 条记录；按 {limit:,} 条的上限，会去掉 {dropped:,} 条。",
    mend_zh="除非试验表明更多记录确有帮助，否则请设置 `max_records: {limit}`，并查看会去掉哪些记录。",
)
_CAPPED = Sentence(
    why="Task '{name}' has {before:,} records; its `max_records` of {limit:,} drops {dropped:,} of them.",
    mend="Nothing, if these may go; else raise `max_records`.",
    why_zh="任务“{name}”有 {before:,} 条记录；其 `max_records` 为 {limit:,}，会去掉 {dropped:,} 条。",
    mend_zh="若这些记录可以不用，则无需处理；否则调高 `max_records`。",
)
_FEW_BOUNDARY = Sentence(
    why="{hard} of {n} records of task '{name}' are boundary or hard ({share:.0%}); near-misses teach most.",
    mend="Add records that lie between two labels, at least one in ten.",
    why_zh="任务“{name}”的 {n} 条记录中只有 {hard} 条是边界或困难样本（{share:.0%}），而这类样本最能教会模型。",
    mend_zh="补充介于两个标签之间的样本，至少占十分之一。",
)
_LABELS_LACK = Sentence(
    why="Task '{name}' has no boundary or hard record of: {labels}.",
    mend="Add, for each, inputs that look like it and aren't, and inputs that are it and don't look like it.",
    why_zh="任务“{name}”的以下标签没有边界或困难样本：{labels_zh}。",
    mend_zh="为每个标签补充两类样本：看似属于它其实不是的，以及属于它却不明显的。",
)


class Balance(NamedTuple):
    """Findings, and one row of facts per task of the scenario."""

    findings: list[DataFinding]
    facts: list[BalanceFacts]


def find_imbalance(
    records: Sequence[Record],
    scenario: Scenario,
    *,
    difficulty: Mapping[str, Level] | None = None,
    seed: int = 0,
) -> Balance:
    """Find tasks and labels that are out of balance, over the cap, or without boundary records.

    Args:
        records: of any tasks.
        scenario: knows the tasks, their labels and caps.
        difficulty: record's id → level, as measured; records that it lacks aren't counted, and what is
            lacking was told where it was measured (`difficulty.py`). None: from tags; in a task with such
            tags an untagged record counts as easy, in one without nothing is known.
        seed: which of equal records the cap would keep.
    """
    ordered = sorted(records, key=lambda record: record.id)
    caps = task_caps(ordered, scenario, seed)
    findings: list[DataFinding] = []
    facts = []
    for task in scenario.tasks.values():
        mine = [record for record in ordered if record.task == task.name]
        levels = levels_of(mine, difficulty)
        facts.append(count_task(task, mine, levels, caps.get(task.name)))
        findings += [*_label_findings(task, mine), *_cap_findings(task, caps.get(task.name))]
        findings += _boundary_findings(task, mine, levels) if difficulty is None else ()
    return Balance([*_task_findings(facts), *findings], facts)


def _task_findings(facts: Sequence[BalanceFacts]) -> Iterator[DataFinding]:
    for fact in facts:
        if not fact.n:
            yield DataFinding.of(
                "imbalance", "warning", _NO_RECORDS, task=fact.task, records=(), name=fact.task
            )
    yield from _uneven(_TASKS, {fact.task: fact.n for fact in facts}, None, ())


def _label_findings(task: Task, records: Sequence[Record]) -> Iterator[DataFinding]:
    counts = label_counts(task, records)
    if not counts or not records:
        return
    scarce = {label: count for label, count in counts.items() if count < _WORKABLE}
    if scarce:
        yield DataFinding.of(
            "imbalance",
            "warning",
            _SCARCE,
            task=task.name,
            records=_ids_of(records, scarce),
            evidence={"labels": scarce},
            name=task.name,
            workable=_WORKABLE,
            **_listed(scarce),
        )
    yield from _uneven(_LABELS, counts, task.name, records)


def _uneven(
    sentence: Sentence, counts: Mapping[str, int], task: str | None, records: Sequence[Record]
) -> Iterator[DataFinding]:
    """Yield a finding if the largest count is far above the smallest that isn't 0 (which is told apart)."""
    sizes = {name: count for name, count in counts.items() if count}
    if not sizes or max(sizes.values()) <= _RATIO * min(sizes.values()):
        return
    most, fewest = max(sizes, key=sizes.__getitem__), min(sizes, key=sizes.__getitem__)
    yield DataFinding.of(
        "imbalance",
        "warning",
        sentence,
        task=task,
        records=_ids_of(records, [fewest]),
        evidence={"most": most, "fewest": fewest, "ratio": round(sizes[most] / sizes[fewest], 1)},
        name=task,
        most=most,
        fewest=fewest,
        high=sizes[most],
        low=sizes[fewest],
        ratio=sizes[most] / sizes[fewest],
    )


def _cap_findings(task: Task, cap: TaskCap | None) -> Iterator[DataFinding]:
    if cap is None:
        return
    chosen = task.max_records is not None
    yield DataFinding.of(
        "over_cap",
        "note" if chosen else "warning",
        _CAPPED if chosen else _OVER_CAP,
        task=task.name,
        records=cap.dropped,
        evidence={
            "limit": cap.limit,
            "before": cap.before,
            "after": cap.before - len(cap.dropped),
            "labels": {label: list(pair) for label, pair in cap.labels.items() if label},
            "hard_dropped": cap.hard_dropped,
        },
        name=task.name,
        before=cap.before,
        limit=cap.limit,
        dropped=len(cap.dropped),
    )


def _boundary_findings(
    task: Task, records: Sequence[Record], levels: Mapping[str, Level]
) -> Iterator[DataFinding]:
    """Yield what the task lacks as a whole; only where it lacks nothing, the labels that do."""
    if not levels:
        return
    hard = sum(level != "easy" for level in levels.values())
    share = hard / len(levels)
    facts = {"name": task.name, "hard": hard, "n": len(levels), "share": share}
    if share < _HARD_SHARE:
        yield DataFinding.of(
            "few_boundary",
            "warning",
            _FEW_BOUNDARY,
            task=task.name,
            records=(),
            evidence={"n": len(levels), "hard": hard, "share": round(share, 4)},
            **facts,
        )
        return
    counts = Counter(label for record in records if record.id in levels for label in record.labels())
    served = {label for r in records if levels.get(r.id, "easy") != "easy" for label in r.labels()}
    lacking = {label: n for label, n in counts.items() if n >= _WORKABLE and label not in served}
    if lacking:
        yield DataFinding.of(
            "few_boundary",
            "warning",
            _LABELS_LACK,
            task=task.name,
            records=(),
            evidence={"labels": lacking},
            **_listed(lacking),
            **facts,
        )


def _ids_of(records: Sequence[Record], labels: Iterable[str]) -> list[str]:
    wanted = set(labels)
    return [record.id for record in records if wanted & set(record.labels())]


def _listed(counts: Mapping[str, int]) -> dict[str, str]:
    """Return labels with their records, the rarest first, in both languages."""
    ranked = sorted(counts.items(), key=lambda item: (item[1], item[0]))
    named, more = ranked[:_NAMED], len(ranked) - _NAMED
    english = ", ".join(f"'{label}' ({count})" for label, count in named)
    chinese = "、".join(f"“{label}”（{count}）" for label, count in named)
    if more > 0:
        english, chinese = f"{english} and {more} more", f"{chinese}等 {len(ranked)} 个"
    return {"labels": english, "labels_zh": chinese}
