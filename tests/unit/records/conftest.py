import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sftloop.records import ForeignFile, Record
from sftloop.scenario import Scenario, load_scenario

SCENARIO = """\
name: shop
language: en
model: smollm2-135m-instruct
system: You read messages to a shop.
tasks:
  intent:
    kind: choice
    input: [{name: message, prefix: Message}]
    instruction: What does the customer want?
    labels:
      refund: Wants money back.
      delivery: Asks where a parcel is.
      other: Wants anything else.
    max_records: 6
  topics:
    kind: multi
    input: [{name: message, prefix: Message}]
    instruction: Which topics come up?
    labels: {price: Talks about money., quality: Talks about how good it is., service: Talks about people.}
  child:
    kind: choice
    input: [{name: posts, prefix: "Post {n}", many: true}]
    instruction: Does the author have a child?
    labels: {yes_child: Says so., no_child: Denies it., cannot_tell: Says nothing.}
    answer: {reason: true, evidence: true}
  pair:
    kind: choice
    input: [{name: first, prefix: First}, {name: second, prefix: Second}]
    instruction: Do both mean the same?
    labels: {same: They do., different: They do not.}
  order:
    kind: extract
    input: [message]
    instruction: Read the order.
    fields:
      product: What is ordered.
      count: {means: How many., type: number}
      day: {means: When., type: date}
      gift: {means: Whether it is a gift., type: boolean}
      colours: {means: All colours., type: list}
  reply:
    kind: generate
    input: [{name: message, prefix: Message}]
    instruction: Write a reply.
  mood:
    kind: score
    input: [{name: message, prefix: Message}]
    instruction: How content is the customer, from 1 (angry) to 5 (happy)?
    range: [1, 5]
data: {train: data/train.jsonl, validation: data/validation.jsonl, test: data/test.jsonl}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    home = tmp_path / "shop"
    home.mkdir()
    (home / "scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    return home


@pytest.fixture
def scenario(directory: Path) -> Scenario:
    return load_scenario(directory)


@pytest.fixture
def take(scenario: Scenario) -> Callable[..., list[Record]]:
    """Import a file whole."""

    def run(path: Path, **options: Any) -> list[Record]:
        return list(ForeignFile(path=path, scenario=scenario, **{"task": "intent", **options}).records())

    return run


@pytest.fixture
def taken_and_rejected(scenario: Scenario) -> Callable[..., tuple[list[Record], list[dict]]]:
    """Import a file, its bad rows set aside."""

    def run(file: Path, task: str = "intent") -> tuple[list[Record], list[dict]]:
        rejects = file.parent / "rejects.jsonl"
        records = list(
            ForeignFile(path=file, scenario=scenario, task=task).records(skip_bad=True, rejects=rejects)
        )
        return records, [json.loads(line) for line in rejects.read_text().splitlines()]

    return run


@pytest.fixture(scope="module")
def shared_scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """The same scenario for property tests, which may not use a fixture per example."""
    home = tmp_path_factory.mktemp("shop")
    (home / "scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    return load_scenario(home)
