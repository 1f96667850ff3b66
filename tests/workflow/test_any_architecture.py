"""A model whose prompts can't share a prefix goes through the whole loop on the ordinary path, and is told why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import call
from tests.tiny_scenario import write_scenario
from tests.unit.models.test_in_full import OTHERS, other_model


@pytest.mark.parametrize(
    ("architecture", "options"),
    [("mamba", ["--method", "full"]), ("opt", ["--set", "head=true", "--task", "kind"])],
)
def test_it_is_trained_and_measured(architecture: str, options: list[str], tmp_path: Path) -> None:
    assert architecture in OTHERS
    case = write_scenario(tmp_path / "case")
    (case / "model" / "model.safetensors").unlink()
    other_model(architecture).save_pretrained(case / "model")
    result = call("run", case, "--out", "run", "--epochs", "4", *options, "--json", cwd=case)
    assert result.returncode == 0, result.stderr
    assert f"The prefix is not shared: architecture '{architecture}'" in result.stderr
    assert f"Every prompt is run in full, which is slow: architecture '{architecture}'" in result.stderr
    summary = json.loads(result.stdout)
    course = json.loads((case / "run/train/history.json").read_text())
    losses = [row["loss"] for row in course if "loss" in row]
    assert sum(losses[-4:]) < sum(losses[:4]) - 0.2
    for task in summary["tasks"].values():
        assert task["after"]["n"] > 0 and task["after"]["errors"] == 0
