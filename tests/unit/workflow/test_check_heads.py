"""Heads that can't say what a task asks are refused before a model is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftloop.core.errors import UsageError
from sftloop.scenario import Scenario, load_scenario
from sftloop.scenario.training import Head
from sftloop.workflow.heads import check_heads

YAML = """\
name: grades
model: m
tasks:
  grade: {kind: score, input: [text], instruction: Grade it.}
data: {train: train.jsonl}
"""


def case(directory: Path, text: str) -> Scenario:
    (directory / "scenario.yaml").write_text(text)
    return load_scenario(directory)


def test_a_score_needs_a_range(tmp_path: Path) -> None:
    """A sigmoid over 0 … 1 saturates at 1 for every grade from 1 to 5."""
    with pytest.raises(UsageError, match="task 'grade': its score has no range") as caught:
        check_heads(case(tmp_path, YAML), Head(), {"grade"})
    assert "range: [1, 5]" in caught.value.hint
    check_heads(case(tmp_path, YAML.replace("kind: score", "kind: score, range: [1, 5]")), Head(), {"grade"})
