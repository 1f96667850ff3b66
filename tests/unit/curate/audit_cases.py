"""Scenarios, records and public texts for the tests of the audit's checks."""

import csv
import json
import os
from pathlib import Path

import pytest

from sftloop.records import Record
from sftloop.scenario import Answer, Scenario, Task

PUBLIC = os.environ.get("SFTLOOP_BENCH_DATA")
needs_public_data = pytest.mark.skipif(
    not PUBLIC, reason="SFTLOOP_BENCH_DATA names no directory with the public files"
)


def task(name: str, kind: str = "choice", **parts) -> Task:
    return Task(name=name, kind=kind, input=[{"name": "text"}], instruction="?", **parts)


def scenario(*tasks: Task, language: str = "en") -> Scenario:
    return Scenario(name="t", model="m", language=language, tasks={each.name: each for each in tasks})


def record(identifier, message="hello", /, *, of="t", tags=(), group=None, **answer) -> Record:
    parts = {name: tuple(value) if isinstance(value, list) else value for name, value in answer.items()}
    return Record(
        id=identifier, task=of, input={"text": message}, answer=Answer(**parts), tags=tags, group=group
    )


def banking() -> list[tuple[str, str]]:
    """Return the messages of banking77's training file with their intents."""
    with (Path(PUBLIC or "") / "banking77" / "train.csv").open(encoding="utf-8", newline="") as stream:
        return [(" ".join(row["text"].split()), row["category"]) for row in csv.DictReader(stream)]


def instructions(language: str) -> list[tuple[str, str]]:
    """Return requests and answers of the Alpaca demo files."""
    path = Path(PUBLIC or "") / "instruct" / f"alpaca_{language}_demo.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [(f"{row['instruction']}\n{row['input']}".strip(), row["output"]) for row in rows]
