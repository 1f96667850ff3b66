"""`sftloop diagnose hallucination`: what it prints and writes, how it goes on, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import call, without_stamps
from tests.tiny_models import tiny_model
from tests.tiny_scenario import tiny_tokenizer
from tests.workflow.conftest import contents

FIGURES = {
    "kind", "n", "errors", "labels", "unsupported_positive_rate", "evidence", "abstention", "calibration",
    "risk_coverage", "threshold", "interventions", "traps", "stability",
}  # fmt: skip


@pytest.fixture
def case(own_case: Path) -> Path:
    """The tiny scenario with a label that abstains, about its author; its records quote their evidence."""
    path = own_case / "scenario.yaml"
    text = path.read_text().replace("w13 w14", "w13 author")
    text = text.replace(
        "w32: w19 w20}", "w32: {means: w19 w20, abstain: true}}\n    answer: {evidence: true}"
    )
    path.write_text(
        text.replace(
            "    kind: choice", "    kind: choice\n    target: {metric: precision, label: w30, at_least: 0.9}"
        )
    )
    for split in ("train", "validation", "test"):
        rows = [json.loads(line) for line in (own_case / f"{split}.jsonl").read_text().splitlines()]
        for row in rows:
            if row["task"] == "kind":
                first = row["input"]["text"].split()[0]
                row["input"]["text"] += " . w99 ."
                row["answer"]["evidence"] = [] if row["answer"]["label"] == "w32" else [first]
        (own_case / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return own_case


def diagnosed(case: Path, *arguments: str | Path) -> dict:
    result = call("diagnose", "hallucination", case, "--out", "out", "--json", *arguments, cwd=case)
    assert result.returncode == 0, result.stderr
    found: dict = json.loads(result.stdout)
    return found


def test_two_models_side_by_side_and_on_from_where_it_stopped(case: Path) -> None:
    other = case / "other"
    tiny_model("llama", seed=5).save_pretrained(other)
    tiny_tokenizer().save_pretrained(other)
    before = contents(case)
    result = diagnosed(case, "--before", other)
    assert set(result["tasks"]) == {"kind", "both"} and result["skipped"] == []
    kind = result["tasks"]["kind"]
    assert FIGURES <= set(kind) and FIGURES <= set(result["compared"]["tasks"]["kind"])
    assert kind["n"] == 18 and set(kind["labels"]) == {"w30", "w31"}
    for row in kind["labels"].values():
        for name in ("precision", "recall", "f1", "gap", "unsupported"):
            assert set(row[name]) == {"value", "low", "high", "method", "n"}
    assert kind["unsupported_positive_rate"]["n"] == 6
    assert {"repost", "hearsay", "fiction", "wish"} <= set(kind["traps"])
    assert kind["interventions"]["removed"]["abstains"]["n"] == 12
    assert set(kind["stability"]) == {"label_order", "wording", "sampling"}
    assert set(result["tasks"]["both"]["stability"]) == {"label_order", "wording", "sampling"}
    assert {row["task"] for row in result["compared"]["tests"]} <= {"kind", "both"}
    assert all(row["p_adjusted"] >= row["p"] for row in result["compared"]["tests"])
    assert result["suggestions"] and all(one["zh"]["why"] for one in result["suggestions"])
    out = case / "out"
    assert json.loads((out / "diagnose.json").read_text()) == result
    assert (out / "diagnose.html").stat().st_size > 10_000
    drafts = [json.loads(line) for line in (out / "drafts.jsonl").read_text().splitlines()]
    assert all(row["id"].startswith("train-") for row in drafts), "nothing of the test split is trained on"
    after = contents(case)
    assert {name: after[name] for name in before} == before, "a diagnosis changes no data"

    asked = out / "after/probes.jsonl"
    lines = asked.read_text().splitlines(keepends=True)
    asked.write_text("".join(lines[:20]) + lines[20][:15])
    (out / "diagnose.json").unlink()
    stamp = (out / "before/answers.jsonl").stat().st_mtime_ns
    again = diagnosed(case, "--before", other)
    assert without_stamps(again) == without_stamps(result)
    assert (out / "before/answers.jsonl").stat().st_mtime_ns == stamp, "what was asked is not asked again"
    assert len(asked.read_text().splitlines()) == len(lines)


def test_the_quick_one_in_words(case: Path) -> None:
    result = call("diagnose", "hallucination", case, "--out", "out", "--quick", "--task", "kind", cwd=case)
    assert result.returncode == 0, result.stderr
    assert "kind: claims without support " in result.stdout
    assert "  w30: precision " in result.stdout
    assert "no threshold is shown to reach precision of w30 ≥ 0.9 (out of reach)" in result.stdout
    assert result.stdout.splitlines()[-1] == "Page: out/diagnose.html"
    assert sorted(path.name for path in (case / "out/after").iterdir()) == [
        "answers.jsonl",
        "validation.jsonl",
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--before", "base"], ["base", "--adapter"]),
        (["--task", "kinds"], ["'kinds'", "'kind'"]),
    ],
)
def test_what_cannot_be_diagnosed_is_refused(
    case: Path, refused: Callable[..., str], arguments: list[str], told: list[str]
) -> None:
    message = refused("diagnose", "hallucination", case, *arguments, cwd=case)
    assert all(each in message for each in told), message
