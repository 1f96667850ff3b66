"""`sftloop audit` on a data set with planted defects: what it finds, writes and refuses; nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sftloop.cli.audit import _knowledge
from tests.command import call
from tests.workflow.conftest import contents

SEVERITIES = ("error", "warning", "note")


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_rows(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


@pytest.fixture
def planted(own_case: Path) -> dict[str, set[str]]:
    """Distinct inputs, then one group of each defect that two records or two files can make."""
    rows = []
    for number, row in enumerate(rows_of(own_case / "train.jsonl")):
        marks = " ".join(f"w{60 + (number * 7 + step * 13) % 60}" for step in range(5))
        rows.append({**row, "input": {"text": f"{row['input']['text']} {marks} number {number}"}})
    of_kind = [row for row in rows if row["task"] == "kind"]
    copy = {**of_kind[0], "id": "copy", "input": {"text": of_kind[0]["input"]["text"].upper() + " !"}}
    other = next(label for label in ("w30", "w31") if label != of_kind[1]["answer"]["label"])
    against = {**of_kind[1], "id": "against", "answer": {"label": other}}
    test = rows_of(own_case / "test.jsonl")
    leaked = {**of_kind[2], "id": "leaked", "input": test[0]["input"], "answer": {"label": "w30"}}
    write_rows(own_case / "train.jsonl", [*rows, copy, against, leaked])
    return {
        "duplicate": {of_kind[0]["id"], "copy"},
        "conflict": {of_kind[1]["id"], "against"},
        "leak": {"leaked"},
    }


def audited(case: Path, *arguments: str) -> dict:
    result = call("audit", case, "--out", "audit", "--json", *arguments, cwd=case)
    assert result.returncode == 0, result.stderr
    found: dict = json.loads(result.stdout)
    return found


def test_planted_defects_are_found_in_order_of_harm(own_case: Path, planted: dict[str, set[str]]) -> None:
    before = contents(own_case)
    result = audited(own_case)
    assert result["n"] == 99
    for kind, ids in planted.items():
        named = [set(finding["records"]) for finding in result["findings"] if finding["kind"] == kind]
        assert ids in named, kind
    severities = [SEVERITIES.index(finding["severity"]) for finding in result["findings"]]
    assert severities == sorted(severities)
    for finding in result["findings"]:
        assert finding["why"] and finding["mend"] and finding["zh"]["why"] and finding["zh"]["mend"]
        split = "test" if finding["kind"] == "uncovered" else "train"
        assert set(finding["records"]) <= {row["id"] for row in rows_of(own_case / f"{split}.jsonl")} | {
            row["id"] for row in rows_of(own_case / "validation.jsonl") if split == "test"
        }
    assert {task["n"] for task in result["summary"]["tasks"].values()} == {75, 24}
    after = contents(own_case)
    assert {name: after[name] for name in before} == before, "an audit changes no data"
    assert json.loads((own_case / "audit/audit.json").read_text()) == result
    assert (own_case / "audit/audit.html").stat().st_size > 10_000


def test_with_a_model_difficulty_and_knowledge_are_measured_once(own_case: Path) -> None:
    result = audited(own_case, "--with-model")
    tasks = result["summary"]["tasks"]
    assert sum(tasks["kind"]["difficulty"][level] for level in ("easy", "boundary", "hard")) == 72
    assert tasks["kind"]["knowledge"]["exempt"] == 72
    assert result["summary"]["rewrites"]["asked"] == 0, "labels alone have nothing to rewrite"
    coverage = tasks["kind"]["coverage"]
    assert coverage["by"] == result["model"] and coverage["splits"]["test"]["n"] == 18
    measured = rows_of(own_case / "audit/difficulty.jsonl")
    assert {row["id"] for row in measured} == {row["id"] for row in rows_of(own_case / "train.jsonl")}
    predictions = own_case / "audit/predictions.jsonl"
    stamp = predictions.stat().st_mtime_ns
    again = audited(own_case, "--with-model")
    assert predictions.stat().st_mtime_ns == stamp, "what was asked is not asked again"
    assert again["findings"] == result["findings"]


def test_a_gate_fails_on_the_severity_it_names(own_case: Path, planted: dict[str, set[str]]) -> None:
    result = call("audit", own_case, "--out", "audit", "--fail-on", "error", cwd=own_case)
    assert result.returncode == 1, result.stderr
    assert "error leak: 1 finding, 1 record" in result.stdout
    assert "Mend: " in result.stdout
    assert result.stdout.splitlines()[-1] == "Page: audit/audit.html"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--split", "tests"], ["'tests'", "'test'"]),
        (["--task", "kinds"], ["'kinds'", "'kind'"]),
        (["--model", "no-such-model", "--limit", "3"], ["no-such-model"]),
        (["--rewrites", "3"], ["Rewrites need a model", "--with-model"]),
        (["--with-model", "--apply-rewrites", "train.jsonl"], ["own train file", "never changed"]),
    ],
)
def test_what_cannot_be_audited_is_refused(
    own_case: Path, refused: Callable[..., str], arguments: list[str], told: list[str]
) -> None:
    message = refused(
        "audit", own_case, *arguments, cwd=own_case, PIP_NO_INDEX="1", PIP_INDEX_URL="http://127.0.0.1:9"
    )
    assert all(each in message for each in told), message


def test_what_was_not_asked_about_is_not_accused(own_case: Path) -> None:
    found = audited(own_case, "--task", "both")
    assert [*found["summary"]["tasks"]] == ["both"]
    assert {finding["task"] for finding in found["findings"]} <= {"both", None}
    few = audited(own_case, "--limit", "5", "--out", "few")
    assert not {"imbalance", "over_cap", "few_boundary"} & {each["kind"] for each in few["findings"]}
    assert any("--limit" in each["why"] for each in few["not_checked"])


def test_a_file_of_another_is_refused_before_the_model_is_asked(own_case: Path) -> None:
    (own_case / "scratch.jsonl").write_text("{}\n")
    result = call("audit", own_case, "--with-model", "--apply-rewrites", "scratch.jsonl", cwd=own_case)
    assert result.returncode == 2 and "wasn't written by this audit" in result.stderr
    assert "Difficulty" not in result.stderr and (own_case / "scratch.jsonl").read_text() == "{}\n"


def test_unknown_facts_are_told() -> None:
    facts = {"unknown": 7, "exempt": 0}
    assert _knowledge({"knowledge": facts}) == ", 7 unknown facts"
    assert _knowledge({"knowledge": {**facts, "unknown": 0}}) == _knowledge({"knowledge": None}) == ""
