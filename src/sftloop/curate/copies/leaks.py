"""Inputs of one split that stand, exactly or nearly, in a later one: what is trained on must not be tested on.

Knows splits by name and order; what is the same within a split is for `duplicates.py` and `near_records.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from sftloop.curate.copies.inputs import InputKey, context_fields, input_keys, own_text
from sftloop.curate.copies.near_duplicates import THRESHOLD, NearPair, near_pairs_across
from sftloop.curate.copies.split_order import in_order
from sftloop.curate.finding import DataFinding, Sentence
from sftloop.curate.quote import clipped_input
from sftloop.curate.similarity.jaccard import similarities
from sftloop.records import Record
from sftloop.records.identity import input_texts

_EXACT = Sentence(
    why="An input of {split} stands in {others} too: “{quote}”.",
    mend="Take it out of {split}: a score on a text that was seen before says nothing about new ones.",
    why_zh="{split} 的一条输入也出现在 {others} 中：“{quote}”。",
    mend_zh="从 {split} 中删掉它：在见过的文本上得的分，说明不了模型对新文本的表现。",
)
_NEAR = Sentence(
    why="{split} ({count}) and {others} hold nearly the same input (similarity ≥ {similarity:.2f}): “{quote}”.",
    mend="Drop the listed records from {split}, unless new data will be just as much alike.",
    why_zh="{split}（{count} 条）与 {others} 的输入几乎相同（相似度 ≥ {similarity:.2f}）：“{quote}”。",
    mend_zh="从 {split} 中删掉所列记录；除非将来的数据本来就会这样相似。",
)

_TEXT_CHARACTERS = 200


class _Text(NamedTuple):
    """A distinct input of one split and the records that have it."""

    split: int
    key: InputKey
    records: list[Record]


def find_leaks(
    splits: Mapping[str, Sequence[Record]], *, threshold: float = THRESHOLD, seed: int = 0
) -> list[DataFinding]:
    """Return a finding for each group of inputs that should leave a split, whatever their tasks.

    Each split is compared with the later ones: train with validation and test, validation with test. A finding's
    `records` are those of the earlier split. The same input is an error, a near one a warning.

    Args:
        splits: name → records; other names than train, validation and test come last, in the order given.
        threshold: least similarity of a near leak, with and without fields that are context (`context_fields`).
        seed: of the search.

    Raises:
        UsageError: the threshold isn't above 0 and at most 1.
    """
    names = in_order(splits)
    texts = _texts([splits[name] for name in names])
    exact = list(_exact(texts))
    leaked = {(early.split, early.key) for early, _ in exact}
    contexts = context_fields(record for records in splits.values() for record in records)
    own = [own_text(text.records[0], contexts) for text in texts]
    pairs = near_pairs_across(own, [text.split for text in texts], threshold=threshold, seed=seed)
    if any(contexts.values()):
        within = _pairs_within_contexts(texts, own, contexts, threshold, seed)
        every = {(pair.left, pair.right): pair for pair in (*pairs, *within)}
        pairs = _near_as_a_whole(texts, list(every.values()), threshold)
    pairs = [pair for pair in pairs if (texts[pair.left].split, texts[pair.left].key) not in leaked]
    return [
        *(_exact_finding(names, early, late) for early, late in exact),
        *(_near_finding(names, texts, group) for group in _groups(texts, pairs)),
    ]


def _pairs_within_contexts(
    texts: Sequence[_Text],
    own: Sequence[str],
    contexts: Mapping[str, frozenset[str]],
    threshold: float,
    seed: int,
) -> Iterator[NearPair]:
    """Yield the near pairs among texts of one context.

    Where the same questions are asked about many documents, each has hundreds of near texts, and the search over
    all compares it with some of them only.
    """
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        record = text.records[0]
        if fields := contexts.get(record.task):
            shared = {name: value for name, value in record.input.items() if name in fields}
            alike[record.task, *input_texts(shared)].append(place)
    for places in alike.values():
        sides = [texts[place].split for place in places]
        if len(set(sides)) > 1:
            asked = [own[place] for place in places]
            for pair in near_pairs_across(asked, sides, threshold=threshold, seed=seed):
                yield pair._replace(left=places[pair.left], right=places[pair.right])


def _near_as_a_whole(texts: Sequence[_Text], pairs: Sequence[NearPair], threshold: float) -> list[NearPair]:
    """Keep the pairs whose whole inputs are near, too, with that similarity."""
    whole = [text.records[0].text() for text in texts]
    found = similarities(whole, [(pair.left, pair.right) for pair in pairs])
    return [
        pair._replace(similarity=float(similarity))
        for pair, similarity in zip(pairs, found, strict=True)
        if similarity >= threshold
    ]


def _texts(splits: Sequence[Sequence[Record]]) -> list[_Text]:
    """Return the distinct inputs of each split, split by split."""
    texts = []
    for place, records in enumerate(splits):
        same: dict[InputKey, list[Record]] = defaultdict(list)
        for record, key in zip(records, input_keys(records), strict=True):
            same[key].append(record)
        texts += [_Text(place, key, found) for key, found in same.items()]
    return texts


def _exact(texts: Sequence[_Text]) -> Iterator[tuple[_Text, list[_Text]]]:
    """Yield each input of a split with the same input of later splits."""
    by_key: dict[InputKey, list[_Text]] = defaultdict(list)
    for text in texts:
        by_key[text.key].append(text)
    for text in texts:
        if late := [other for other in by_key[text.key] if other.split > text.split]:
            yield text, late


def _groups(texts: Sequence[_Text], pairs: Sequence[NearPair]) -> Iterator[list[NearPair]]:
    """Yield the pairs of one earlier split that hang together, in the order of their first text."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    by_split = sorted(pairs, key=lambda pair: texts[pair.left].split)
    for _, same_split in groupby(by_split, key=lambda pair: texts[pair.left].split):
        mine = sorted(same_split)
        ends = np.array([pair[:2] for pair in mine]).T
        graph = coo_array((np.ones(len(mine)), (ends[0], ends[1])), shape=(len(texts), len(texts)))
        component = connected_components(graph, directed=False)[1]
        found: dict[int, list[NearPair]] = defaultdict(list)
        for pair in mine:
            found[component[pair.left]].append(pair)
        yield from found.values()


def _exact_finding(names: Sequence[str], early: _Text, late: Sequence[_Text]) -> DataFinding:
    return DataFinding.of(
        "leak",
        "error",
        _EXACT,
        task=_task([early]),
        records=_ids([early]),
        evidence={
            **_sides(names, early, late),
            "exact": True,
            "similarity": 1.0,
            "texts": _shown(early, late[0]),
        },
        **_facts(names, early, late),
    )


def _near_finding(names: Sequence[str], texts: Sequence[_Text], group: Sequence[NearPair]) -> DataFinding:
    """Fill a finding; its similarity is what every leaking input reaches with at least one text."""
    best: dict[int, float] = defaultdict(float)
    for pair in group:
        best[pair.left] = max(best[pair.left], pair.similarity)
    early = [texts[place] for place in sorted(best, key=lambda place: -best[place])]
    late = [texts[place] for place in sorted({pair.right for pair in group})]
    closest = max(group, key=lambda pair: pair.similarity)
    similarity = min(best.values())
    return DataFinding.of(
        "leak",
        "warning",
        _NEAR,
        task=_task(early),
        records=_ids(early),
        evidence={
            **_sides(names, early[0], late),
            "exact": False,
            "similarity": round(similarity, 4),
            "texts": _shown(texts[closest.left], texts[closest.right]),
        },
        count=len(early),
        similarity=similarity,
        **_facts(names, early[0], late),
    )


def _sides(names: Sequence[str], early: _Text, late: Sequence[_Text]) -> dict[str, Any]:
    against = [
        {"split": names[split], "records": _ids(list(mine))}
        for split, mine in groupby(late, key=lambda text: text.split)
    ]
    return {"split": names[early.split], "against": against}


def _shown(early: _Text, late: _Text) -> list[str]:
    return [clipped_input(text.records[0], _TEXT_CHARACTERS) for text in (early, late)]


def _facts(names: Sequence[str], early: _Text, late: Sequence[_Text]) -> dict[str, str]:
    return {
        "split": names[early.split],
        "others": " + ".join(dict.fromkeys(names[text.split] for text in late)),
        "quote": clipped_input(early.records[0]),
    }


def _ids(texts: Sequence[_Text]) -> list[str]:
    return [record.id for text in texts for record in text.records]


def _task(texts: Sequence[_Text]) -> str | None:
    tasks = {record.task for text in texts for record in text.records}
    return tasks.pop() if len(tasks) == 1 else None
