"""Records of other splits that no training record is like: found where labels are left out, and only there."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from audit_cases import PUBLIC, needs_public_data, record

from sftloop.curate.reach import find_uncovered
from sftloop.curate.reach.nearest import nearest_in, nearest_other
from sftloop.curate.similarity.hashed_ngrams import hashed_ngrams


def by_ngrams(texts):
    return hashed_ngrams(texts, "en")


def test_nearest_by_hand():
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    np.testing.assert_allclose(nearest_other(vectors), [0.6, 0.8, 0.8], rtol=1e-6)
    np.testing.assert_allclose(nearest_in(vectors[2:], vectors[:2]), [0.8], rtol=1e-6)
    assert nearest_other(vectors[:1]).tolist() == [-1]
    np.testing.assert_allclose(nearest_other(vectors[[0, 0, 2]]), [0.6, 0.6, 0.6], rtol=1e-6)


def test_copies_in_train_make_nothing_uncovered():
    splits = planted("abcdefgh", "", 0)
    splits["train"] += [
        record(f"{row.id}-again", row.text(), label=row.answer.label) for row in splits["train"]
    ]
    assert find_uncovered(splits, by_ngrams).findings == []


def planted(labels, missing, seed, counts=(20, 5, 30)):
    """Return records of made-up subjects: each label has words of its own; train lacks some labels."""
    draw = random.Random(seed)
    splits = {}
    for split, count in zip(("train", "validation", "test"), counts, strict=True):
        splits[split] = [
            record(
                f"{split}-{label}-{n}",
                " ".join(
                    draw.choices(
                        [f"{label}word{k}" for k in range(25)] + [f"common{k}" for k in range(25)], k=8
                    )
                ),
                label=f"label {label}",
            )
            for label in labels
            for n in range(count)
            if split != "train" or label not in missing
        ]
    return splits


@pytest.mark.parametrize("seed", range(3))
def test_labels_left_out_are_found_and_no_others(seed):
    splits = planted("abcdefgh", "cf", seed)
    [finding] = find_uncovered(splits, by_ngrams).findings
    assert finding.kind == "uncovered" and finding.severity == "warning"
    assert set(finding.evidence["labels"]) == {"label c", "label f"}
    assert {name.split("-")[1] for name in finding.records} == {"c", "f"}
    assert {name.split("-")[0] for name in finding.records} == {"validation", "test"}
    assert "Their labels: 'label " in finding.why and "label c" in finding.mend
    assert "验证集" in finding.why_zh and "label c" in finding.mend_zh
    order = find_uncovered({name: rows[::-1] for name, rows in splits.items()}, by_ngrams)
    assert order.findings == [finding], "the order of the records plays no part"


def test_splits_drawn_alike_are_covered():
    for seed in range(4):
        found = find_uncovered(planted("abcdefgh", "", seed), by_ngrams)
        assert found.findings == []
        assert [(fact.split, fact.n) for fact in found.facts] == [("validation", 40), ("test", 240)]
        assert all(fact.covered > 0.9 for fact in found.facts)


def test_a_task_without_labels_is_looked_at_as_a_whole():
    splits = planted("abcd", "ab", 0)
    for rows in splits.values():
        rows[:] = [record(row.id, row.text(), text="answer") for row in rows]
    [finding] = find_uncovered(splits, by_ngrams).findings
    assert finding.evidence["labels"] == {} and "Their labels" not in finding.why
    assert sum(name.split("-")[1] in "ab" for name in finding.records) > 0.8 * len(finding.records)


@pytest.mark.parametrize("own", [4, 8, 12])
def test_labels_with_few_records_are_looked_at_together(own):
    splits = planted("abcde", "", 0, counts=(own, 0, 0))
    labels = sorted({row.answer.label for row in splits["train"]})
    draw = random.Random(0)
    splits["test"] = [
        record(
            f"test-{n}", " ".join(draw.choices([f"alien{k}" for k in range(25)], k=8)), label=labels[n % 5]
        )
        for n in range(40)
    ]
    found = find_uncovered({"train": splits["train"], "test": splits["test"]}, by_ngrams)
    assert found.findings[0].kind == "uncovered" and found.facts[0].covered < 0.2


def test_too_few_records_say_nothing():
    splits = planted("ab", "b", 0, counts=(5, 5, 5))
    assert find_uncovered(splits, by_ngrams) == ([], [])
    assert find_uncovered({"train": splits["train"]}, by_ngrams) == ([], [])


def banking15(seed, left_out):
    """Return 20 training and 40 test messages of each of 15 intents, drawn anew; train lacks some intents."""
    draw = random.Random(seed)
    splits = {}
    intents: list[str] = []
    for split, name, count in (("train", "train", 20), ("test", "test", 40)):
        path = Path(PUBLIC or "") / "banking77" / f"{name}.csv"
        by_intent = defaultdict(list)
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                by_intent[row["category"]].append(row["text"])
        intents = intents or draw.sample(sorted(by_intent), 15)
        splits[split] = [
            record(f"{split}-{intent}-{n}", text, label=intent)
            for intent in intents
            for n, text in enumerate(draw.sample(by_intent[intent], count))
        ]
    missing = set(draw.sample(intents, left_out))
    splits["train"] = [row for row in splits["train"] if row.answer.label not in missing]
    return splits, missing


@needs_public_data
@pytest.mark.parametrize("seed", range(3))
def test_intents_left_out_of_banking77_are_found(seed):
    splits, missing = banking15(seed, 4)
    [finding] = find_uncovered(splits, by_ngrams).findings
    assert set(finding.evidence["labels"]) == missing


@needs_public_data
def test_nothing_is_found_in_banking77_as_it_is():
    assert [find_uncovered(banking15(seed, 0)[0], by_ngrams).findings for seed in range(3)] == [[], [], []]
