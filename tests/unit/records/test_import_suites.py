"""Suites of promptfoo and OpenAI's evals in: our own come back whole, others by the columns the user maps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from sftloop.core.errors import DataError
from sftloop.records import ForeignFile, Record
from sftloop.records.importing import detect_format
from sftloop.records.suites import write_suite
from sftloop.scenario import Answer, Scenario

TASKS: dict[str, Any] = {
    "pick": {"kind": "choice", "labels": {"yes": "x", "no, {{never}}": "y"}},
    "why": {"kind": "choice", "labels": {"a": "x", "b": "y"}, "answer": {"reason": True, "evidence": True}},
    "many": {"kind": "multi", "labels": {"a": "x", "b": "y"}},
    "read": {"kind": "extract", "fields": {"name": "x", "age": {"means": "y", "type": "number"}}},
    "rate": {"kind": "score", "range": [0, 5]},
    "tell": {"kind": "generate"},
}
ANSWERS = {
    "pick": Answer(label="no, {{never}}", reason="kept though nobody asks for it"),
    "why": Answer(label="a"),
    "many": Answer(labels=("b", "a")),
    "read": Answer(fields={"name": "Li", "age": 3}),
    "rate": Answer(score=3.5),
    "tell": Answer(text="it is {{ raining }} {% endraw %}\nor not"),
}


@pytest.fixture
def scenario() -> Scenario:
    shape = {"input": ["text", {"name": "posts", "prefix": "Post {n}", "many": True}], "instruction": "?"}
    tasks = {name: shape | task for name, task in TASKS.items()}
    return Scenario.model_validate(
        {"name": "s", "language": "en", "model": "m", "system": "Be {{ kind }}.", "tasks": tasks}
    )


@pytest.fixture
def simple() -> Scenario:
    task = {"kind": "choice", "input": ["text"], "labels": {"yes": "x", "no": "y"}}
    return Scenario.model_validate(
        {"name": "s", "language": "en", "model": "m", "system": "s", "tasks": {"t": task}}
    )


@pytest.fixture
def records() -> list[Record]:
    plain = [
        Record(
            id=f"{name}-1",
            task=name,
            input={"text": "a {{ b }} {% c", "posts": ["1: 一", "two\nlines"]},
            answer=answer,
            source="hand",
        )
        for name, answer in ANSWERS.items()
    ]
    return [*plain, replace(plain[0], id="p-2", tags=("hard", "boundary"), group="g7", source="a.csv:3")]


def read(path: Path, scenario: Scenario, **more: Any) -> list[Record]:
    return list(ForeignFile(path=path, scenario=scenario, **more).records())


@pytest.mark.parametrize(
    ("format", "name"), [("promptfoo", "suite.yaml"), ("openai-evals", "evals.jsonl")], ids=str
)
def test_what_is_exported_comes_back_whole(scenario, records, tmp_path: Path, format: str, name: str) -> None:
    write_suite(scenario, records, format, tmp_path / name)
    assert detect_format(tmp_path / name) == format
    assert read(tmp_path / name, scenario) == records


YAML = """\
description: somebody's
prompts: ["Answer: {{question}}"]
providers: [openai:gpt-4o-mini]
defaultTest:
  vars: {lang: en}
tests:
  - description: first
    vars: {question: Is it wet?}
    assert:
      - {type: latency, threshold: 1000}
      - {type: equals, value: "yes"}
    metadata: {id: q1, tags: [hard]}
  - vars:
      question: Is it dry?
    assert:
      - {type: javascript, value: output.trim() === "no"}
"""


def test_a_foreign_suite_by_the_columns_that_are_mapped(simple, tmp_path: Path) -> None:
    path = tmp_path / "promptfooconfig.yaml"
    path.write_text(YAML)
    file = ForeignFile(path=path, scenario=simple, mapping={"text": "question"})
    first, second = file.records()
    assert file.format == "promptfoo"
    assert (first.id, first.tags, first.input) == ("q1", ("hard",), {"text": "Is it wet?"})
    assert (first.answer, second.answer) == (Answer(label="yes"), Answer(label="no"))
    assert (first.source, second.source) == ("promptfooconfig.yaml:7", "promptfooconfig.yaml:13")
    assert file.unused == ("lang",)


def test_the_answer_may_stand_in_a_variable(simple, tmp_path: Path) -> None:
    path = tmp_path / "tests.jsonl"
    rows = [{"vars": {"q": "wet?", "right": "yes"}, "assert": [{"type": "llm-rubric", "value": "polite"}]}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    [record] = read(path, simple, mapping={"text": "q", "label": "right"})
    assert (record.input, record.answer.label) == ({"text": "wet?"}, "yes")
    with pytest.raises(DataError, match=r"tests\.jsonl:1: No assertion says .* llm-rubric"):
        read(path, simple, mapping={"text": "q"})


def test_a_table_with_expectations(simple, tmp_path: Path) -> None:
    path = tmp_path / "tests.csv"
    path.write_text(
        "q,__expected,__description,__metadata:id\n"
        "wet?,yes,x,a\ndry?,equals: no,y,b\nodd?,contains:yes,z,c\nbad?,javascript: output.length > 3,w,d\n"
    )
    assert detect_format(path) == "promptfoo"
    file = ForeignFile(path=path, scenario=simple, mapping={"text": "q"})
    found = list(file.records(skip_bad=True, rejects=tmp_path / "rejects.jsonl"))
    assert [(one.id, one.answer.label) for one in found] == [("a", "yes"), ("b", "no"), ("c", "yes")]
    [reject] = map(json.loads, (tmp_path / "rejects.jsonl").read_text().splitlines())
    assert reject["line"] == 5 and "javascript" in reject["reason"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tests: [1", r"bad\.yaml:\d+:\d+: malformed YAML"),
        ("tests: file://tests.csv\n", r"lie in another file, 'file://tests\.csv'; import that file"),
        ("prompts: [x]\n", "holds no tests"),
        ("tests:\n  - file://t.csv\n", r"bad\.yaml:2: The tests lie in another file"),
        ("tests:\n  - vars: 3\n", r"bad\.yaml:2: The test's 'vars' must be an object"),
        ("tests:\n  - vars: {text: 'file://a.txt'}\n", "variable 'text' points to a file"),
        ("tests:\n  - {vars: {text: a}, assert: [{type: equals, value: maybe}]}\n", "no label 'maybe'"),
        ("tests:\n  - {vars: {text: a}}\n", r"No assertion says .*they are: none"),
    ],
)
def test_bad_suites_are_named(simple, tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(DataError, match=told):
        read(path, simple)


def test_samples_of_evals_that_others_wrote(simple, tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    system, user = {"role": "system", "content": "x"}, {"role": "user", "content": "wet?"}
    rows = [
        {"input": [system, user], "ideal": ["yes", "Yes"]},
        {"input": "dry?", "ideal": "no"},
        {"input": [user, {"role": "assistant", "content": "no"}, user], "ideal": "yes"},
        {"input": [user], "ideal": 3},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = ForeignFile(path=path, scenario=simple)
    found = list(file.records(skip_bad=True, rejects=tmp_path / "rejects.jsonl"))
    assert [(one.input["text"], one.answer.label) for one in found] == [("wet?", "yes"), ("dry?", "no")]
    reasons = [json.loads(row)["reason"] for row in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert "one question" in reasons[0] and "'ideal' must be text" in reasons[1]


def test_a_whole_suite_in_yaml_is_read_as_written_by_hand(simple, tmp_path: Path) -> None:
    tests = [{"vars": {"text": f"q{n}"}, "assert": [{"type": "icontains", "value": "no"}]} for n in range(3)]
    (tmp_path / "list.yml").write_text(yaml.safe_dump(tests))
    assert [one.input["text"] for one in read(tmp_path / "list.yml", simple)] == ["q0", "q1", "q2"]


def test_days_without_quotes_are_text(simple, tmp_path: Path) -> None:
    path = tmp_path / "days.yaml"
    path.write_text(
        "tests:\n"
        "  - {vars: {text: 2026-01-02, 2026-01-03: x}, assert: [{type: equals, value: 'yes'}]}\n"
        "  - {vars: {text: 2026-01-02}, assert: [{type: equals, value: {day: 2026-01-02}}]}\n"
    )
    file = ForeignFile(path=path, scenario=simple)
    [record] = file.records(skip_bad=True, rejects=tmp_path / "rejects.jsonl")
    assert record.input == {"text": "2026-01-02"}
    [reject] = map(json.loads, (tmp_path / "rejects.jsonl").read_text().splitlines())
    assert reject["line"] == 3 and reject["row"]["assert"][0]["value"] == {"day": "2026-01-02"}
