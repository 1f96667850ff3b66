"""Which learning curves count for a plan, and when they tell a winner."""

from __future__ import annotations

import json
from pathlib import Path

from sftloop.workflow.plan_measured import measured_method

TASKS = ("intent", "urgency")
INPUTS = {"train": "t", "model": "m", "scenario": "s"}


def write_curve(runs: Path, name: str, winners: list[tuple[str, bool]], **more: object) -> None:
    run = runs / name
    run.mkdir(parents=True)
    manifest = {"inputs": more.pop("inputs", INPUTS), "started": more.pop("started", "2026-01-01")}
    (run / "manifest.json").write_text(json.dumps(manifest))
    later = {"times": 10, "best": "full", "wins": True}
    tasks = [
        {"task": task, "winners": [{"times": 1, "best": best, "wins": wins}, later]}
        for task, (best, wins) in zip(TASKS, winners, strict=False)
    ]
    found = {"kind": "learning_curve", "split": "validation", "tasks": tasks, **more}
    (run / "trainings.json").write_text(json.dumps(found))


def test_a_sure_winner_now(tmp_path: Path) -> None:
    write_curve(tmp_path, "a", [("lora", True), ("full", False)])
    assert measured_method(INPUTS, TASKS, tmp_path) == "lora", "a task that can't tell doesn't vote"


def test_the_newest_that_tells(tmp_path: Path) -> None:
    write_curve(tmp_path, "a", [("lora", True)], started="2026-01-01")
    write_curve(tmp_path, "b", [("full", True)], started="2026-02-01")
    write_curve(tmp_path, "c", [("ptuning", False)], started="2026-03-01")
    assert measured_method(INPUTS, TASKS[:1], tmp_path) == "full"


def test_what_tells_nothing(tmp_path: Path) -> None:
    write_curve(tmp_path, "open", [("lora", False)])
    write_curve(tmp_path, "other-data", [("lora", True)], inputs={**INPUTS, "train": "u"})
    write_curve(tmp_path, "other-model", [("lora", True)], inputs={**INPUTS, "model": "n"})
    write_curve(tmp_path, "search", [("lora", True)], kind="search")
    write_curve(tmp_path, "damaged", [("lora", True)])
    (tmp_path / "damaged/trainings.json").write_text("[]")
    assert measured_method(INPUTS, TASKS[:1], tmp_path) is None
    assert measured_method({"train": "t"}, TASKS[:1], tmp_path) is None, (
        "a model that isn't here was never trained"
    )
    assert measured_method(INPUTS, TASKS[:1], tmp_path / "nowhere") is None


def test_only_the_planned_tasks_vote_and_all_must_have_been_measured(tmp_path: Path) -> None:
    write_curve(tmp_path, "a", [("lora", True), ("full", True)])
    assert measured_method(INPUTS, TASKS, tmp_path) is None, "they disagree"
    assert measured_method(INPUTS, TASKS[1:], tmp_path) == "full"
    assert measured_method(INPUTS, ("leave",), tmp_path) is None
    assert measured_method(INPUTS, ("urgency", "leave"), tmp_path) is None


def test_what_was_measured_on_test_records_chooses_nothing(tmp_path: Path) -> None:
    write_curve(tmp_path, "a", [("lora", True)], split="test")
    assert measured_method(INPUTS, TASKS[:1], tmp_path) is None
