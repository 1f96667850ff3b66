"""Which learning curves count for a plan, and when they tell a winner."""

from __future__ import annotations

import json
from pathlib import Path

from sftloop.workflow.plan_measured import measured_method

INPUTS = {"train": "t", "model": "m", "scenario": "s"}


def write_curve(runs: Path, name: str, winners: list[tuple[str, bool]], **more: object) -> None:
    run = runs / name
    run.mkdir(parents=True)
    manifest = {"inputs": more.pop("inputs", INPUTS), "started": more.pop("started", "2026-01-01")}
    (run / "manifest.json").write_text(json.dumps(manifest))
    tasks = [
        {"winners": [{"times": 1, "best": best, "wins": wins}, {"times": 10, "best": "full", "wins": True}]}
        for best, wins in winners
    ]
    (run / "trainings.json").write_text(json.dumps({"kind": "learning_curve", "tasks": tasks, **more}))


def test_a_sure_winner_now(tmp_path: Path) -> None:
    write_curve(tmp_path, "a", [("lora", True), ("full", False)])
    assert measured_method(INPUTS, tmp_path) == "lora", "a task that can't tell doesn't vote"


def test_the_newest_that_tells(tmp_path: Path) -> None:
    write_curve(tmp_path, "a", [("lora", True)], started="2026-01-01")
    write_curve(tmp_path, "b", [("full", True)], started="2026-02-01")
    write_curve(tmp_path, "c", [("ptuning", False)], started="2026-03-01")
    assert measured_method(INPUTS, tmp_path) == "full"


def test_what_tells_nothing(tmp_path: Path) -> None:
    write_curve(tmp_path, "open", [("lora", False)])
    write_curve(tmp_path, "disagree", [("lora", True), ("full", True)])
    write_curve(tmp_path, "other-data", [("lora", True)], inputs={**INPUTS, "train": "u"})
    write_curve(tmp_path, "other-model", [("lora", True)], inputs={**INPUTS, "model": "n"})
    write_curve(tmp_path, "search", [("lora", True)], kind="search")
    write_curve(tmp_path, "damaged", [("lora", True)])
    (tmp_path / "damaged/trainings.json").write_text("[]")
    assert measured_method(INPUTS, tmp_path) is None
    assert measured_method({"train": "t"}, tmp_path) is None, "a model that isn't here was never trained"
    assert measured_method(INPUTS, tmp_path / "nowhere") is None
