"""A target that nothing can meet is refused by every verb that reads targets, before it looks for a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sftloop.core.errors import ScenarioError
from sftloop.workflow.compare import compare_scenario
from sftloop.workflow.contestants import Contestants
from sftloop.workflow.evaluate import evaluate_scenario
from sftloop.workflow.prompts import lint_prompt
from sftloop.workflow.run import run_scenario
from sftloop.workflow.shrink import shrink

VERBS: dict[str, Callable[[Path], object]] = {
    "lint": lint_prompt,
    "eval": evaluate_scenario,
    "run": lambda case: run_scenario(case, {}),
    "compare": lambda case: compare_scenario(case, Contestants()),
    "shrink": lambda case: shrink(case, {}, models=["a", "b"], seeds=2, split="test"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_it_is_refused_first(tmp_path: Path, verb: str) -> None:
    (tmp_path / "scenario.yaml").write_text(
        "name: shop\nmodel: ./nowhere\ntasks:\n  intent:\n    kind: choice\n    input: [message]\n"
        "    instruction: Which?\n    labels: {a: x, b: y}\n    target: {metric: acuracy, at_least: 0.9}\n"
        "data: {train: a.jsonl, validation: a.jsonl, test: a.jsonl}\n"
    )
    row = {"id": "1", "task": "intent", "input": {"message": "m"}, "answer": {"label": "a"}}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(ScenarioError, match=r"scenario\.yaml:9: .*'acuracy'.*Did you mean 'accuracy'"):
        VERBS[verb](tmp_path)
