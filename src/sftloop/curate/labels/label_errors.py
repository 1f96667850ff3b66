"""Labels that are likely wrong, for `choice` and, label by label, for `multi`.

Probabilities come from a linear model of the texts, or are passed in; the arithmetic is `confident.py`'s.
Doesn't know meaning: a label in doubt is for a person to read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from sftloop.core.errors import DataError
from sftloop.core.seeds import derive_seed
from sftloop.curate.finding import DataFinding, Sentence
from sftloop.curate.labels.confident import doubts
from sftloop.curate.labels.out_of_fold import FloatArray, IntArray, deal_folds, out_of_fold, text_features
from sftloop.curate.quote import clipped_input
from sftloop.records import Record
from sftloop.scenario import Language, Scenario, Task

Table = Mapping[str, Mapping[str, float]]
"""Record's id → label → probability."""

FEWEST = 5
"""A label with fewer records (`multi`: with or without it) is not judged."""
_TRUSTED = 0.7
"""Agreement below which a model's doubts are withheld: on hard tasks nearly all of them are its own mistakes."""
_FLOOR = 0.01
"""Added to probabilities before dividing: tiny ones are no surer than small ones."""

_SENTENCE = Sentence(
    why="\"{text}\" is labelled '{given}'; the other records say '{suggested}' "
    "({p_suggested:.0%} against {p_given:.0%}).",
    mend="Read it and correct the label if '{suggested}' is right; if both fit, sharpen the definitions.",
    why_zh="“{text}”标为“{given_zh}”，而从其他记录看应为“{suggested_zh}”"
    "（概率 {p_suggested:.0%} 对 {p_given:.0%}）。",
    mend_zh="请核对：若“{suggested_zh}”正确，改正标签；若两者都说得通，把标签定义写得更明确。",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelErrorFacts:
    """How one task's labels were judged."""

    task: str
    judged: int
    """Records with a label that has enough records."""
    flagged: int
    """Records whose label is in doubt; there are findings for them only if the model is `trusted`."""
    agreement: float
    """Micro F1 of the model's own answers against the given labels; for `choice` its accuracy."""
    noise_rate: float
    """Share of wrong labels (`multi`: of decisions) by the confident joint; too high where the model is weak."""
    trusted: bool
    """Whether the model agrees often enough for its doubts to be worth reading."""
    pairs: tuple[tuple[str | None, str | None, int], ...]
    """Given label, suggested label, flagged records; None: no label (`multi`)."""
    too_few: Mapping[str, int]
    """Labels that were not judged, with their records."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "pairs": [list(pair) for pair in self.pairs], "too_few": dict(self.too_few)}


class LabelErrors(NamedTuple):
    """Findings, the most doubtful label first, and one row of facts per judged task."""

    findings: list[DataFinding]
    facts: list[LabelErrorFacts]


class _Doubt(NamedTuple):
    record: Record
    given: str | None
    suggested: str | None
    p_given: float
    p_suggested: float

    @property
    def odds(self) -> float:
        return (self.p_suggested + _FLOOR) / (self.p_given + _FLOOR)


@dataclass(slots=True)
class _Judged:
    """What one question (`choice`: which label; `multi`: this label or not) found."""

    doubts: list[_Doubt]
    right: int
    """Predicted and given."""
    predicted: int
    given: int
    wrong: float
    """Records with a wrong label, estimated."""


def find_label_errors(
    records: Sequence[Record], scenario: Scenario, *, probabilities: Table | None = None, seed: int = 0
) -> LabelErrors:
    """Find labels that are likely wrong.

    Args:
        records: of any tasks; those without labels are skipped.
        scenario: knows the tasks.
        probabilities: from a model that didn't learn from the record itself (a language model, a classifier
            on embeddings); None: TF-IDF and logistic regression, out of fold.
        seed: deals the folds; the result doesn't depend on the records' order.

    Raises:
        DataError: `probabilities` lacks a record (id).
    """
    findings: list[DataFinding] = []
    facts: list[LabelErrorFacts] = []
    for task in scenario.tasks.values():
        mine = sorted((record for record in records if record.task == task.name), key=lambda r: r.id)
        if task.labels and mine:
            found, fact = _judge_task(mine, task, scenario.language, probabilities, seed)
            findings += found
            facts += [fact] if fact else []
    return LabelErrors(findings, facts)


def _judge_task(
    records: list[Record], task: Task, language: Language, table: Table | None, seed: int
) -> tuple[list[DataFinding], LabelErrorFacts | None]:
    judge = _judge_choice if task.kind == "choice" else _judge_multi
    kept, too_few = _enough(records, task)
    source = _Source(kept, language, table, seed)
    results = list(judge(kept, task, source, too_few))
    if not results:
        return [], None
    agreement = 2 * sum(r.right for r in results) / max(1, sum(r.predicted + r.given for r in results))
    found = [doubt for result in results for doubt in result.doubts]
    by_record: dict[str, list[_Doubt]] = {}
    for doubt in sorted(found, key=lambda doubt: (-doubt.odds, doubt.record.id)):
        by_record.setdefault(doubt.record.id, []).append(doubt)
    pairs = Counter((doubt.given, doubt.suggested) for doubt in found)
    fact = LabelErrorFacts(
        task=task.name,
        judged=len(kept),
        flagged=len(by_record),
        agreement=agreement,
        noise_rate=sum(result.wrong for result in results) / (len(kept) * len(results)),
        trusted=agreement >= _TRUSTED,
        pairs=tuple((*pair, count) for pair, count in sorted(pairs.items(), key=_by_count)),
        too_few=too_few,
    )
    return [_finding(mine, task) for mine in by_record.values() if fact.trusted], fact


def _by_count(item: tuple[tuple[str | None, str | None], int]) -> tuple[Any, ...]:
    (given, suggested), count = item
    return -count, given or "", suggested or ""


def _enough(records: list[Record], task: Task) -> tuple[list[Record], dict[str, int]]:
    """Return the records to judge and the labels that have too few of them."""
    counts = Counter(label for record in records for label in record.labels())
    rare = {label: counts[label] for label in task.labels if counts[label] < FEWEST}
    if task.kind == "choice":
        return [record for record in records if record.labels() and record.labels()[0] not in rare], rare
    plenty = {label: counts[label] for label in task.labels if len(records) - counts[label] < FEWEST}
    return records, {**rare, **plenty}


class _Source:
    """Where probabilities come from; features and folds are made once, when first needed."""

    def __init__(self, records: list[Record], language: Language, table: Table | None, seed: int) -> None:
        self.records, self.table, self.seed = records, table, seed
        if table is None and records:
            self.folds = deal_folds(records, derive_seed("label errors", seed))
            self.features = text_features(records, language)

    def ask(self, given: IntArray, names: list[str]) -> FloatArray | None:
        """Return [n, K] for the labels `names`; one name alone stands for [without, with]. None: can't say."""
        if self.table is not None:
            listed = np.array([[_probability(self.table, r, name) for name in names] for r in self.records])
            return np.hstack([1 - listed, listed]) if len(names) == 1 else listed
        spread = min(len(np.unique(self.folds[given == each])) for each in np.unique(given))
        if self.features is None or spread < 2:
            return None
        return out_of_fold(self.features, given, self.folds, self.seed)


def _probability(table: Table, record: Record, label: str) -> float:
    if record.id not in table:
        raise DataError(f"There are no probabilities for record '{record.id}' of task '{record.task}'.")
    return float(table[record.id].get(label, 0.0))


def _judge_choice(
    records: list[Record], task: Task, source: _Source, too_few: Mapping[str, int]
) -> Iterator[_Judged]:
    names = [label for label in task.labels if label not in too_few]
    if len(names) < 2:
        return
    given = np.array([names.index(record.labels()[0]) for record in records], dtype=np.int64)
    chances = source.ask(given, names)
    if chances is None:
        return
    result = doubts(given, chances)
    found = [
        _Doubt(
            records[row],
            names[given[row]],
            names[result.suggested[row]],
            float(chances[row, given[row]]),
            float(chances[row, result.suggested[row]]),
        )
        for row in np.flatnonzero(result.doubtful)
    ]
    right = int((chances.argmax(axis=1) == given).sum())
    wrong = float(1 - np.trace(result.joint)) * len(records)
    yield _Judged(found, right, len(records), len(records), wrong)


def _judge_multi(
    records: list[Record], task: Task, source: _Source, too_few: Mapping[str, int]
) -> Iterator[_Judged]:
    for label in task.labels:
        if label in too_few:
            continue
        given = np.array([label in record.labels() for record in records], dtype=np.int64)
        chances = source.ask(given, [label])
        if chances is None:
            continue
        result = doubts(given, chances)
        found = [
            _Doubt(
                records[row],
                label if given[row] else None,
                None if given[row] else label,
                float(chances[row, given[row]]),
                float(chances[row, 1 - given[row]]),
            )
            for row in np.flatnonzero(result.doubtful)
        ]
        said = chances[:, 1] >= 0.5
        wrong = float(1 - np.trace(result.joint)) * len(records)
        yield _Judged(found, int((said & (given == 1)).sum()), int(said.sum()), int(given.sum()), wrong)


def _finding(doubts_of_one: list[_Doubt], task: Task) -> DataFinding:
    first = doubts_of_one[0]
    given, suggested = _answers(doubts_of_one, task)
    return DataFinding.of(
        "label_error",
        "warning",
        _SENTENCE,
        task=task.name,
        records=[first.record.id],
        evidence={
            "given": given,
            "suggested": suggested,
            "p_given": round(first.p_given, 4),
            "p_suggested": round(first.p_suggested, 4),
        },
        text=clipped_input(first.record),
        given=_shown(given, ", "),
        given_zh=_shown(given, "、"),
        suggested=_shown(suggested, ", "),
        suggested_zh=_shown(suggested, "、"),
        p_given=first.p_given,
        p_suggested=first.p_suggested,
    )


def _answers(doubts_of_one: list[_Doubt], task: Task) -> tuple[Any, Any]:
    first = doubts_of_one[0]
    if task.kind == "choice":
        return first.given, first.suggested
    given = set(first.record.labels())
    turned = {doubt.given or doubt.suggested for doubt in doubts_of_one}
    listed = [[label for label in task.labels if label in wanted] for wanted in (given, given ^ turned)]
    return listed[0], listed[1]


def _shown(labels: str | list[str], joint: str) -> str:
    return labels if isinstance(labels, str) else joint.join(labels) or "–"
