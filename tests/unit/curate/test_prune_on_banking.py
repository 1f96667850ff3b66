"""Pruning public data to a tenth teaches a classifier more than as many records drawn at random per label."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from sftloop.curate.baselines import balanced
from sftloop.curate.prune.pruning import prune
from sftloop.curate.similarity.hashed_ngrams import hashed_ngrams
from sftloop.records import Record
from sftloop.scenario import Answer

PUBLIC = os.environ.get("SFTLOOP_BENCH_DATA")


def read(name: str) -> list[Record]:
    with (Path(PUBLIC or "") / "banking77" / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [
        Record(
            id=f"{name}-{n}", task="intent", input={"text": row["text"]}, answer=Answer(label=row["category"])
        )
        for n, row in enumerate(rows)
    ]


def accuracy(train: list[Record], test: list[Record]) -> float:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1000))
    model.fit([each.documents()[0] for each in train], [each.answer.label for each in train])
    found = model.predict([each.documents()[0] for each in test])
    return sum(label == each.answer.label for label, each in zip(found, test, strict=True)) / len(test)


@pytest.mark.skipif(not PUBLIC, reason="SFTLOOP_BENCH_DATA names no directory with the public files")
def test_a_tenth_of_banking77_teaches_more_than_a_balanced_draw() -> None:
    train, test = read("train"), read("test")
    kept = set(prune(train, hashed_ngrams([each.documents()[0] for each in train], "en"), n=1000).kept)
    drawn = set(balanced(train, 1000))
    ours, theirs = (accuracy([each for each in train if each.id in chosen], test) for chosen in (kept, drawn))
    assert ours > theirs + 0.04  # measured over five seeds: 0.069, 95 % interval 0.055 to 0.083
