"""The two demo scenarios keep what they promise: sizes, balance, difficulty, evidence, no leaks between splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain, combinations
from pathlib import Path

import pytest
from sklearn.feature_extraction.text import CountVectorizer

from sftloop.records import SPLITS, Record, input_key, load_split
from sftloop.records.schema import unquoted_evidence
from sftloop.scenario import Scenario, lint, load_scenario

EXAMPLES = Path(__file__).parents[3] / "examples"
LEAST = {"train": 100, "validation": 30, "test": 80}
DIFFICULTIES = {"easy", "boundary", "hard"}
NEAR = 0.5
GRAM = 5

Splits = dict[str, list[Record]]


@pytest.fixture(scope="module", params=["support", "netizen"])
def example(request: pytest.FixtureRequest) -> tuple[Scenario, Splits]:
    scenario = load_scenario(EXAMPLES / request.param)
    return scenario, {split: load_split(scenario, split) for split in SPLITS}


def text(record: Record) -> str:
    return "\n".join(record.documents())


def near_duplicates(
    first: Sequence[str], second: Sequence[str], at_least: float = NEAR
) -> list[tuple[float, str, str]]:
    """Return pairs whose sets of character 5-grams overlap (Jaccard) by `at_least`, worst first.

    All intersections come from one sparse product; texts shorter than a 5-gram count as their own only gram.
    """
    count = CountVectorizer(analyzer=grams, binary=True)
    count.fit(chain(first, second))
    one, other = count.transform(first), count.transform(second)
    shared = (one @ other.T).tocoo()
    sizes = one.getnnz(axis=1), other.getnnz(axis=1)
    overlap = shared.data / (sizes[0][shared.row] + sizes[1][shared.col] - shared.data)
    pairs = zip(overlap, shared.row, shared.col, strict=True)
    return sorted(((float(o), first[i], second[j]) for o, i, j in pairs if o >= at_least), reverse=True)


def grams(raw: str) -> list[str]:
    plain = " ".join(raw.casefold().split())
    return [plain[start : start + GRAM] for start in range(max(1, len(plain) - GRAM + 1))]


def test_the_search_finds_what_it_should() -> None:
    order = "Where is my order 4711? It was due on Monday."
    changed = "Where is my order 4712? It was due on Tuesday."
    other = "The lamp flickers when it rains."
    [(overlap, found, _)] = near_duplicates([other, order], [changed])
    assert found == order
    mine, theirs = set(grams(order)), set(grams(changed))
    assert overlap == pytest.approx(len(mine & theirs) / len(mine | theirs))
    assert near_duplicates(["嗯"], ["嗯", "哦"]) == [(1.0, "嗯", "嗯")]


def test_enough_records_of_every_task(example: tuple[Scenario, Splits]) -> None:
    scenario, splits = example
    for split, least in LEAST.items():
        counts = Counter(record.task for record in splits[split])
        assert set(counts) == set(scenario.tasks)
        assert min(counts.values()) >= least, (split, counts)


def test_labels_are_balanced_within_one_to_two(example: tuple[Scenario, Splits]) -> None:
    scenario, splits = example
    for split, records in splits.items():
        for name, task in scenario.tasks.items():
            counts = Counter(label for r in records if r.task == name for label in r.labels())
            assert set(counts) == set(task.labels), (split, name)
            assert max(counts.values()) <= 2 * min(counts.values()), (split, name, counts)


def test_every_record_has_one_difficulty(example: tuple[Scenario, Splits]) -> None:
    scenario, splits = example
    for split, records in splits.items():
        odd = [
            r.id for r in records if len(DIFFICULTIES & set(r.tags)) != 1 or len(set(r.tags)) != len(r.tags)
        ]
        assert odd == []
        for name in scenario.tasks:
            levels = Counter(tag for r in records if r.task == name for tag in r.tags if tag in DIFFICULTIES)
            assert set(levels) == DIFFICULTIES, (split, name)


def test_evidence_is_quoted_word_for_word(example: tuple[Scenario, Splits]) -> None:
    _, splits = example
    records = list(chain.from_iterable(splits.values()))
    assert {r.id: unquoted_evidence(r) for r in records if unquoted_evidence(r)} == {}
    assert [r.id for r in records if "" in map(str.strip, r.answer.evidence or ())] == []


def test_answers_hold_what_their_task_asks_for(example: tuple[Scenario, Splits]) -> None:
    """A record to learn from needs its evidence (none for 'cannot tell') and its reason."""
    scenario, splits = example
    for record in chain.from_iterable(splits.values()):
        task = scenario.tasks[record.task]
        if task.answer.evidence:
            label = task.labels[record.answer.label or ""]
            assert bool(record.answer.evidence) != label.abstain, record.id
        if task.answer.reason:
            assert record.answer.reason, record.id


def test_ids_are_unique_in_the_whole_example(example: tuple[Scenario, Splits]) -> None:
    _, splits = example
    ids = Counter(record.id for record in chain.from_iterable(splits.values()))
    assert [name for name, count in ids.items() if count > 1] == []


def test_no_input_comes_twice_in_a_task(example: tuple[Scenario, Splits]) -> None:
    _, splits = example
    keys = Counter((r.task, input_key(r.input)) for r in chain.from_iterable(splits.values()))
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize("pair", list(combinations(SPLITS, 2)), ids="-".join)
def test_no_near_duplicates_between_splits(example: tuple[Scenario, Splits], pair: tuple[str, str]) -> None:
    """Between all tasks, not only within one: a text seen in training is not new to another task either."""
    _, splits = example
    first, second = ([text(record) for record in splits[name]] for name in pair)
    assert near_duplicates(first, second) == []


def test_lint_finds_no_error(example: tuple[Scenario, Splits]) -> None:
    scenario, splits = example
    findings = lint(scenario, list(chain.from_iterable(splits.values())))
    assert [finding for finding in findings if finding.severity == "error"] == []
