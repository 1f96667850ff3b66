"""A plan read back, and what is refused: no plan, a setting that doesn't exist, another scenario's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sftloop.core.errors import DataError, UsageError
from sftloop.plan.plan_file import read_plan


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_settings_alone_are_a_plan_for_any_scenario(tmp_path: Path) -> None:
    plan = read_plan(write(tmp_path / "a.json", {"training": {"epochs": 2}, "trials": 30}))
    assert dict(plan.training) == {"epochs": 2}
    assert plan.model is None and plan.scenario is None
    plan.check_scenario("any")


def test_a_run_directory_stands_for_its_plan(tmp_path: Path) -> None:
    write(
        tmp_path / "plan.json", {"training": {}, "scenario": "mine", "model": "m", "inputs": {"train": "1"}}
    )
    plan = read_plan(tmp_path)
    assert (plan.scenario, plan.model, dict(plan.inputs)) == ("mine", "m", {"train": "1"})
    plan.check_scenario("mine")
    with pytest.raises(UsageError, match="plan for the scenario 'mine', not for 'other'"):
        plan.check_scenario("other")


@pytest.mark.parametrize(
    ("content", "kind", "told"),
    [
        ([1], DataError, "is no plan"),
        ({"trainings": {}}, DataError, "Did you mean 'trainings'?"),
        ({"training": 3}, DataError, "'training'"),
        ({"training": {"epoch": 3}}, UsageError, "Did you mean 'epochs'?"),
        ({"training": {"method": "lorra"}}, UsageError, "Did you mean 'lora'?"),
        ({"training": {"rank": 4, "method": "full"}}, UsageError, "'rank' belongs to"),
        ({"training": {"epochs": -1}}, UsageError, "epochs"),
    ],
)
def test_what_is_no_plan_is_refused_with_its_file(
    tmp_path: Path, content: object, kind: type[Exception], told: str
) -> None:
    file = write(tmp_path / "plan.json", content)
    with pytest.raises(kind) as caught:
        read_plan(file)
    assert told in str(caught.value) and str(file) in str(caught.value)


def test_a_missing_or_malformed_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_plan(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(DataError, match="malformed JSON"):
        read_plan(tmp_path / "broken.json")
