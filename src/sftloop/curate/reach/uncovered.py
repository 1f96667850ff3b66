"""Records of other splits that no training record is like: what is asked there wasn't taught.

Each record's likeness to its nearest training record is held against that of the training records to their
nearest fellow: of its own label, since some labels are more varied than others; of all, for labels of which
train has too few records to tell, which stand together. Were the splits drawn alike, both would be distributed
alike. What is reported is clearly lower by the Mann-Whitney test, with Holm's correction over labels. Of such
labels those records are named that are farther than nine tenths of the training records are.

Knows vectors of texts and labels; where the vectors come from is for the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sftloop.curate.finding import DataFinding, Sentence, Severity
from sftloop.curate.quote import clipped_input
from sftloop.curate.reach.nearest import nearest_in, nearest_other
from sftloop.evaluate.holm import holm
from sftloop.records import Record

Vectors = NDArray[np.float32]

FAR = 0.1
"""Share of the training records that are as far from their fellows."""
_CHANCE = 0.001
"""Level of the test over all labels. The training records' likenesses depend on each other, so that more is found
by chance: at 0.01 in 5 of 240 draws from banking77, at this level in none."""
_WARNING = 0.1
"""Share of a task's records behind which uncovered ones are more than a note."""
_SHOWN, _EXAMPLES = 5, 3

_SENTENCE = Sentence(
    why="{far} of {n} {where} records of task '{name}' have no training record like them; chance would give "
    '{expected}. {labels}For example "{example}".',
    mend="Add training records {of_labels}like the ones named; until then they measure what wasn't taught.",
    why_zh="任务“{name}”的{where_zh}有 {n} 条记录，其中 {far} 条在训练集里找不到相似的，随机划分时应约为 "
    "{expected} 条。{labels_zh}例如“{example}”。",
    mend_zh="补充{of_labels_zh}与所列记录相似的训练记录；在此之前，这些记录测的是没有教过的内容。",
)
_SPLITS_ZH = {"train": "训练集", "validation": "验证集", "test": "测试集"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReach:
    """How well one task's training records cover another split."""

    task: str
    split: str
    n: int
    covered: float
    """Share of its records that are near, over the share expected of splits drawn alike; at most 1."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"n": self.n, "covered": round(self.covered, 4)}


class Reach(NamedTuple):
    """What was found, and how well each split is covered."""

    findings: list[DataFinding]
    facts: list[TaskReach]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """The records of one label, of all labels that are hardly taught, or of a task without labels."""

    labels: tuple[str, ...]
    places: list[int]
    """Among the task's records of other splits."""
    share: float
    """How many of them would be far if the splits were drawn alike."""
    far: list[int]
    """Those of them that are far."""
    chance: float
    """p-value."""


class _Compared(NamedTuple):
    """One task's records of other splits."""

    task: str
    others: list[tuple[str, Record]]
    """Split and record."""
    similarity: NDArray[np.float32]
    far: NDArray[np.bool_]
    groups: list[_Group]


def find_uncovered(
    splits: Mapping[str, Sequence[Record]],
    embed: Callable[[Sequence[str]], Vectors],
    *,
    train: str = "train",
) -> Reach:
    """Find records of other splits that are unlike any training record.

    Args:
        splits: all splits there are; the order of their records plays no part.
        embed: texts of one task → vectors of length 1, (texts, size).
        train: the split that is to cover the others.
    """
    tasks = dict.fromkeys(record.task for record in splits[train])
    compared = [found for task in tasks if (found := _compare(task, splits, train, embed)) is not None]
    groups = [group for each in compared for group in each.groups]
    adjusted = dict(zip(map(id, groups), holm([group.chance for group in groups]), strict=True))
    findings, facts = [], []
    for each in compared:
        certain = [group for group in each.groups if adjusted[id(group)] < _CHANCE]
        if certain:
            findings.append(_finding(each, certain))
        facts += _facts(each)
    return Reach(findings, facts)


def _compare(
    task: str,
    splits: Mapping[str, Sequence[Record]],
    train: str,
    embed: Callable[[Sequence[str]], Vectors],
) -> _Compared | None:
    order = list(splits)
    taught = sorted((r for r in splits[train] if r.task == task), key=lambda r: r.id)
    others = sorted(
        ((split, r) for split in splits if split != train for r in splits[split] if r.task == task),
        key=lambda pair: (order.index(pair[0]), pair[1].id),
    )
    if len(taught) * FAR < 1 or not others:
        return None
    vectors = embed([r.text() for r in (*taught, *(r for _, r in others))])
    among, similarity = (
        nearest_other(vectors[: len(taught)]),
        nearest_in(vectors[len(taught) :], vectors[: len(taught)]),
    )
    groups = _groups(taught, [r for _, r in others], among, similarity)
    far = np.zeros(len(others), bool)
    for group in groups:
        far[group.far] = True
    return _Compared(task, others, similarity, far, groups)


def _groups(
    taught: Sequence[Record],
    others: Sequence[Record],
    among: NDArray[np.float32],
    similarity: NDArray[np.float32],
) -> list[_Group]:
    """Return a group per label, one for all labels that are hardly taught; of a task without labels the whole."""
    own: dict[str, list[float]] = {}
    for record, value in zip(taught, among.tolist(), strict=True):
        for label in record.labels() or ("",):
            own.setdefault(label, []).append(value)
    members: dict[str, list[int]] = {}
    for place, record in enumerate(others):
        for label in record.labels() or ("",):
            members.setdefault(label, []).append(place)
    taught_well = {label for label, values in own.items() if _far_rank(len(values))}
    groups = [
        _group((label,) if label else (), places, own[label], similarity)
        for label, places in sorted(members.items())
        if label in taught_well
    ]
    untaught = sorted(label for label in members if label not in taught_well)
    if untaught:
        places = sorted({place for label in untaught for place in members[label]})
        groups.append(_group(tuple(filter(None, untaught)), places, among.tolist(), similarity))
    return groups


def _group(
    labels: tuple[str, ...], places: list[int], reference: Sequence[float], similarity: NDArray[np.float32]
) -> _Group:
    from scipy.stats import mannwhitneyu

    ranked = sorted(reference)
    below = _far_rank(len(ranked))
    far = [place for place in places if below and similarity[place] < ranked[below - 1]]
    test = mannwhitneyu(similarity[places], ranked, alternative="less") if far else None
    return _Group(
        labels=labels,
        places=places,
        share=below / (len(ranked) + 1),
        far=far,
        chance=1.0 if test is None else float(test.pvalue),
    )


def _far_rank(count: int) -> int:
    """Return how many of so many training records count as far; 0: too few to tell."""
    return int(FAR * (count + 1))


def _facts(compared: _Compared) -> list[TaskReach]:
    facts = []
    near_by_chance = np.ones(len(compared.others))
    for group in compared.groups:
        near_by_chance[group.places] *= 1 - group.share
    for split in dict.fromkeys(split for split, _ in compared.others):
        mine = np.array([own == split for own, _ in compared.others])
        near = (1 - float(compared.far[mine].mean())) / float(near_by_chance[mine].mean())
        facts.append(TaskReach(task=compared.task, split=split, n=int(mine.sum()), covered=min(1.0, near)))
    return facts


def _finding(compared: _Compared, groups: Sequence[_Group]) -> DataFinding:
    far = {place for group in groups for place in group.far}
    places = sorted(far, key=lambda place: float(compared.similarity[place]))
    touched = {place for group in groups for place in group.places}
    splits = list(dict.fromkeys(compared.others[place][0] for place in sorted(touched)))
    labels = _of_labels(compared, groups, far)
    severity: Severity = "warning" if len(touched) >= _WARNING * len(compared.others) else "note"
    example = clipped_input(compared.others[places[0]][1])
    return DataFinding.of(
        "uncovered",
        severity,
        _SENTENCE,
        task=compared.task,
        records=[compared.others[place][1].id for place in places],
        evidence={
            "splits": splits,
            "labels": labels,
            "examples": [clipped_input(compared.others[place][1]) for place in places[:_EXAMPLES]],
        },
        name=compared.task,
        far=len(places),
        n=len(touched),
        where=" and ".join(splits),
        where_zh="和".join(_SPLITS_ZH.get(split, split) for split in splits),
        expected=round(sum(group.share * len(group.places) for group in groups)),
        example=example,
        **_named(list(labels)),
    )


def _of_labels(
    compared: _Compared, groups: Sequence[_Group], far: Collection[int]
) -> dict[str, dict[str, int]]:
    """Return how many records of each label there are, and how many are far; the most first."""
    table = {}
    for label in (label for group in groups for label in group.labels):
        mine = [place for place, (_, record) in enumerate(compared.others) if label in record.labels()]
        table[label] = {"n": len(mine), "far": sum(place in far for place in mine)}
    return dict(sorted(table.items(), key=lambda item: (-item[1]["far"], item[0])))


def _named(labels: Sequence[str]) -> dict[str, str]:
    """Return the labels in words."""
    if not labels:
        return dict.fromkeys(("labels", "of_labels", "labels_zh", "of_labels_zh"), "")
    names, more = labels[:_SHOWN], len(labels) - _SHOWN
    listed = ", ".join(f"'{name}'" for name in names) + (f" and {more} more" if more > 0 else "")
    listed_zh = "、".join(f"“{name}”" for name in names) + (f"等 {len(labels)} 个标签" if more > 0 else "")
    return {
        "labels": f"Their labels: {listed}. ",
        "of_labels": f"of {listed}, ",
        "labels_zh": f"标签为{listed_zh}。",
        "of_labels_zh": f"{listed_zh}中",
    }
