"""A training says which answers evaluation will cut off."""

from pathlib import Path

import pytest
import yaml
from tests import tiny_scenario

from sftloop.records import Record
from sftloop.scenario import Answer, choose_training, load_scenario
from sftloop.workflow.train import set_up


def test_answers_that_will_be_cut_off_are_told_once_a_task(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tiny_scenario.write_scenario(tmp_path / "tiny")
    case = yaml.safe_load((place / "scenario.yaml").read_text())
    case["tasks"]["reply"] = {
        "kind": "generate",
        "input": ["text"],
        "instruction": "w30",
        "max_answer_tokens": 3,
    }
    (place / "scenario.yaml").write_text(yaml.safe_dump(case))
    scenario = load_scenario(place)
    records = [
        Record(id=f"r{n}", task="reply", input={"text": "w50"}, answer=Answer(text=" ".join(["w60"] * n)))
        for n in range(1, 6)
    ] + [Record(id="k", task="kind", input={"text": "w50"}, answer=Answer(label="w30"))]
    ready = set_up(scenario, records, place / "model", choose_training(scenario.training, {}))
    said = capsys.readouterr().err
    assert len(ready.examples) == 6
    assert said.count("are longer than") == 1
    assert "3 of 5 answers of task 'reply'" in said and "'r5': 6" in said and "max_answer_tokens: 6" in said
