"""Records as promptfoo and OpenAI-evals suites: the prompts asked here, assertions that right answers pass."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.patience import run

from sftloop.core.errors import UsageError
from sftloop.records import Record
from sftloop.records.suites import write_suite
from sftloop.scenario import Answer, Scenario, format_answer, render_prompt

NODE = shutil.which("node")
TASKS: dict[str, Any] = {
    "pick": {"kind": "choice", "labels": {"yes": "x", "no, {{never}}": "y"}},
    "why": {"kind": "choice", "labels": {"a": "x", "b": "y"}, "answer": {"reason": True}},
    "many": {"kind": "multi", "labels": {"a": "x", "b": "y"}, "answer": {"format": "json"}},
    "read": {"kind": "extract", "fields": {"name": "x", "age": {"means": "y", "type": "number"}}},
    "rate": {"kind": "score", "range": [0, 5]},
    "tell": {"kind": "generate"},
}
RIGHT = {
    "pick": Answer(label="no, {{never}}"),
    "why": Answer(label="a", reason="because"),
    "many": Answer(labels=("b", "a")),
    "read": Answer(fields={"name": "Li", "age": None}),
    "rate": Answer(score=3.5),
    "tell": Answer(text="it is {{ raining }}"),
}
WRONG = {
    "pick": Answer(label="yes"),
    "why": Answer(label="b", reason="because"),
    "many": Answer(labels=("a",)),
    "read": Answer(fields={"name": "Li", "age": 3}),
    "rate": Answer(score=3),
}


@pytest.fixture
def scenario() -> Scenario:
    tasks = {name: {"input": ["text"], "instruction": "?"} | task for name, task in TASKS.items()}
    return Scenario.model_validate(
        {"name": "s", "language": "en", "model": "m", "system": "Be {{ kind }}.", "tasks": tasks}
    )


@pytest.fixture
def records() -> list[Record]:
    return [
        Record(id=f"{name}-1", task=name, input={"text": "a {{ b }} {% c"}, answer=answer)
        for name, answer in RIGHT.items()
    ]


def test_promptfoo_holds_the_prompts_and_what_is_expected(scenario, records, tmp_path: Path) -> None:
    write_suite(scenario, records, "promptfoo", tmp_path / "suite.yaml")
    suite = yaml.safe_load((tmp_path / "suite.yaml").read_text(encoding="utf-8"))
    assert len(suite["prompts"]) == 1 and "{{ system | dump }}" in suite["prompts"][0]
    assert [test["metadata"]["id"] for test in suite["tests"]] == [record.id for record in records]
    for test, record in zip(suite["tests"], records, strict=True):
        prompt = render_prompt(scenario, scenario.tasks[record.task], record.input)
        for part in ("system", "user"):
            text = test["vars"][part].removeprefix("{% raw %}").removesuffix("{% endraw %}")
            assert text == getattr(prompt, part)
            assert test["vars"][part].startswith("{% raw %}"), "braces of the data are no template"
        assert test["assert"][0]["type"] == ("rouge-n" if record.task == "tell" else "javascript")


@pytest.mark.skipif(NODE is None, reason="no node on this machine to run the assertions")
@pytest.mark.parametrize("name", WRONG)
def test_assertions_pass_on_the_right_answer_only(scenario, records, tmp_path: Path, name: str) -> None:
    write_suite(scenario, records, "promptfoo", tmp_path / "suite.yaml")
    suite = yaml.safe_load((tmp_path / "suite.yaml").read_text(encoding="utf-8"))
    code = next(test["assert"][0]["value"] for test in suite["tests"] if test["metadata"]["task"] == name)
    assert "{{" not in code
    for answer, passes in ((RIGHT[name], "true"), (WRONG[name], "false")):
        written = format_answer(scenario.tasks[name], answer, "en")
        script = f"const output = {json.dumps(written)}; console.log({code})"
        done = run([str(NODE), "-e", script], check=True)
        assert done.stdout.strip() == passes, (code, written)


def test_evals_lines(scenario, records, tmp_path: Path) -> None:
    write_suite(scenario, records, "openai-evals", tmp_path / "evals.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "evals.jsonl").read_text(encoding="utf-8").splitlines()]
    for row, record in zip(rows, records, strict=True):
        task = scenario.tasks[record.task]
        assert row["input"] == render_prompt(scenario, task, record.input).messages
        assert row["ideal"] == format_answer(task, record.answer, "en")
        assert {"task": record.task, "id": record.id}.items() <= row["metadata"].items()


def test_an_answer_without_the_reason_its_task_asks_for_is_still_written(scenario, tmp_path: Path) -> None:
    bare = [Record(id="x", task="why", input={"text": "a"}, answer=Answer(label="a"))]
    for format in ("promptfoo", "openai-evals"):
        write_suite(scenario, bare, format, tmp_path / format)
    assert json.loads((tmp_path / "openai-evals").read_text())["ideal"] == '{"label": "a"}'


def test_an_unknown_format_is_refused(scenario, records, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no suite format 'promptfo'. Did you mean 'promptfoo'"):
        write_suite(scenario, records, "promptfo", tmp_path / "x")
