"""Whether a model reads its definitions: labels that exchange them, answers that stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.reading_scenario import write_reading_scenario

from sftloop.records import Prediction, Record
from sftloop.scenario import Answer, Scenario, load_scenario, render_prompt
from sftloop.workflow.improve_reading import exchanged, unchanged


def scenario(tmp_path: Path) -> Scenario:
    return load_scenario(write_reading_scenario(tmp_path / "case"))


def told(*labels: str | None) -> list[Prediction]:
    return [
        Prediction(
            id=str(number), task="intent", answer=Answer(label=label) if label else None, text=label or "?"
        )
        for number, label in enumerate(labels)
    ]


def test_labels_take_the_definition_of_the_next_and_keep_names_and_order(tmp_path: Path) -> None:
    own = scenario(tmp_path)
    other = exchanged(own, "intent")
    assert other is not None and list(other.tasks["intent"].labels) == ["refund", "delivery", "product"]
    said = render_prompt(other, other.tasks["intent"], {"message": "x"}).system
    assert "refund: Asks where an order stays." in said and "product: Asks about money due back." in said
    assert said.index("complaints without a question") < said.index("- delivery"), "the rule moved, too"
    assert own.tasks["intent"].labels["refund"].means == "Asks about money due back.", "the own one stays"


def test_definitions_that_are_all_alike_cannot_be_exchanged(tmp_path: Path) -> None:
    case = write_reading_scenario(tmp_path / "case")
    text = (case / "scenario.yaml").read_text()
    start, end = text.index("    labels:"), text.index("data:")
    (case / "scenario.yaml").write_text(text[:start] + "    labels: {a: , b: }\n" + text[end:])
    assert exchanged(load_scenario(case), "intent") is None


def test_answers_that_stay_are_counted() -> None:
    before, own = told("a", "a", "b", None), asked(None, None, None, None)
    found = unchanged(own, before, told("a", "b", "b", None))
    assert found is not None and (found["n"], found["same"], found["reads"]) == (4, 0.75, True)
    assert 0 < found["low"] < 0.75 < found["high"] < 1
    assert unchanged(own, before, before) == {
        "n": 4,
        "same": 1.0,
        "low": found_low(),
        "high": 1.0,
        "reads": False,
    }
    assert unchanged(own, before, []) is None


def test_records_of_one_group_count_as_one() -> None:
    before = told("a", "a", "b", "b")
    found = unchanged(asked("g", "g", "h", "h"), before, before)
    assert found is not None and found["n"] == 4
    assert found["low"] == pytest.approx(2 / (2 + 1.959963984540054**2))


def asked(*groups: str | None) -> list[Record]:
    return [
        Record(id=str(number), task="intent", input={"message": "x"}, answer=Answer(label="a"), group=group)
        for number, group in enumerate(groups)
    ]


def found_low() -> float:
    """Wilson's lower limit of 4 of 4: n / (n + z²)."""
    return 4 / (4 + 1.959963984540054**2)
