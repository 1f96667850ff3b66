"""Records of one task whose inputs are nearly the same: which to keep, and where the difference may matter.

Knows records and groups of texts (`near_duplicates.py`); exact copies are for `duplicates.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from sftloop.curate.copies.inputs import (
    InputKey,
    answer_key,
    context_fields,
    input_keys,
    own_text,
    shown_answer,
    worth_keeping,
)
from sftloop.curate.copies.near_duplicates import THRESHOLD, near_duplicate_groups
from sftloop.curate.finding import DataFinding, Sentence
from sftloop.curate.quote import clipped_input
from sftloop.curate.similarity.jaccard import similarities
from sftloop.records import Record

_NEAR = Sentence(
    why="{count} inputs are nearly the same (similarity ≥ {similarity:.2f}): “{quote}”.",
    mend="Keep {keep} and drop the rest, unless the small differences are meant to be learned.",
    why_zh="{count} 条输入几乎相同（相似度 ≥ {similarity:.2f}）：“{quote}”。",
    mend_zh="保留 {keep}，删掉其余；除非这些细微差别正是要学的。",
)
_MINIMAL_PAIR = Sentence(
    why="{count} inputs are nearly the same (similarity ≥ {similarity:.2f}) but answered differently: “{quote}”.",
    mend="Check the answers. If the small difference decides, keep all: such pairs teach the boundary.",
    why_zh="{count} 条输入几乎相同（相似度 ≥ {similarity:.2f}），答案却不同：“{quote}”。",
    mend_zh="请核对答案。如果正是这点差别决定答案，就都保留：这样的对照最能教会模型分清边界。",
)
_TEXTS_SHOWN = 5
_TEXT_CHARACTERS = 200


def find_near_duplicates(
    records: Sequence[Record], *, threshold: float = THRESHOLD, seed: int = 0
) -> list[DataFinding]:
    """Return a finding for each group of near duplicates within one task; exact copies count as one text.

    Args:
        records: of any tasks.
        threshold: least similarity to the text that stands for the group, with and without the fields that are
            context (`context_fields`).
        seed: of the search.

    Raises:
        UsageError: the threshold isn't above 0 and at most 1.
    """
    contexts = context_fields(records)
    groups = []
    for task, texts in _distinct(records).items():
        found = _near_groups(texts, [own_text(r, contexts) for r in texts], threshold, seed)
        if contexts[task]:
            found = [
                part
                for group in found
                for part in _near_groups(group, [r.text() for r in group], threshold, seed)
            ]
        groups += found
    kept = [worth_keeping(group) for group in groups]
    return [
        _finding(group, keep, lowest)
        for group, keep, lowest in zip(groups, kept, _lowest_similarities(groups, kept), strict=True)
    ]


def _distinct(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return per task one record for each normalised input, the one worth keeping."""
    same: dict[tuple[str, InputKey], list[Record]] = defaultdict(list)
    for record, key in zip(records, input_keys(records), strict=True):
        same[record.task, key].append(record)
    tasks: dict[str, list[Record]] = defaultdict(list)
    for (task, _), copies in same.items():
        tasks[task].append(worth_keeping(copies))
    return tasks


def _near_groups(
    records: Sequence[Record], texts: Sequence[str], threshold: float, seed: int
) -> list[list[Record]]:
    groups = near_duplicate_groups(texts, threshold=threshold, seed=seed)
    return [[records[place] for place in group] for group in groups]


def _lowest_similarities(groups: Sequence[Sequence[Record]], kept: Sequence[Record]) -> list[float]:
    """Return per group how similar the member least similar to the kept one is."""
    texts: list[str] = []
    pairs: list[tuple[int, int]] = []
    bounds = [0]
    for group, keep in zip(groups, kept, strict=True):
        centre = len(texts)
        texts += [keep.text(), *(record.text() for record in group if record is not keep)]
        pairs += [(centre, place) for place in range(centre + 1, len(texts))]
        bounds.append(len(pairs))
    found = similarities(texts, pairs)
    return [min(found[begin:end]) for begin, end in pairwise(bounds)]


def _finding(group: Sequence[Record], keep: Record, lowest: float) -> DataFinding:
    others = [record for record in group if record is not keep]
    differ = len({answer_key(record) for record in group}) > 1
    drop = [record.id for record in others]
    evidence = {
        "keep": keep.id,
        "drop": drop,
        "similarity": round(lowest, 4),
        "answers_differ": differ,
        "texts": [
            {
                "record": record.id,
                "text": clipped_input(record, _TEXT_CHARACTERS),
                "answer": shown_answer(record),
            }
            for record in (keep, *others[: _TEXTS_SHOWN - 1])
        ],
    }
    return DataFinding.of(
        "near_duplicate",
        "note" if differ else "warning",
        _MINIMAL_PAIR if differ else _NEAR,
        task=keep.task,
        records=[keep.id, *drop],
        evidence=evidence,
        count=len(group),
        similarity=lowest,
        keep=keep.id,
        quote=clipped_input(keep),
    )
