"""Mistakes are gathered by what was taken for what, unsure answers among them."""

from __future__ import annotations

from typing import Any

import pytest

from sftloop.records import Prediction, Record
from sftloop.scenario import Answer, Scenario
from sftloop.workflow.improve_groups import Group, find_groups, margin

PARTS = {
    "who": "Who.",
    "when": {"means": "When.", "type": "date"},
    "items": {"means": "What.", "type": "list"},
    "cost": {"means": "How much.", "type": "number"},
}
SCENARIO = Scenario.model_validate(
    {
        "name": "s",
        "model": "m",
        "tasks": {
            "one": {
                "kind": "choice",
                "input": ["text"],
                "labels": {"a": "A.", "b": "B.", "c": "C."},
                "answer": {"reason": True},
            },
            "many": {"kind": "multi", "input": ["text"], "labels": {"a": "A.", "b": "B.", "c": "C."}},
            "parts": {"kind": "extract", "input": ["text"], "fields": PARTS},
        },
    }
)


def groups(task: str, *pairs: tuple[Any, Any]) -> list[Group]:
    key = {"one": "label", "many": "labels", "parts": "fields"}[task]
    records, predictions = [], []
    for number, (gold, said) in enumerate(pairs):
        record = Record(id=f"r{number}", task=task, input={"text": "t"}, answer=Answer(**{key: gold}))
        records.append(record)
        if isinstance(said, Prediction):
            predictions.append(said)
        else:
            answer = None if said is None else Answer(**{key: said})
            predictions.append(Prediction(id=record.id, task=task, text="x", answer=answer))
    return find_groups(SCENARIO, task, records, predictions)


def told(found: list[Group]) -> list[tuple[str | None, str | None, int, int]]:
    return [(group.gold, group.answered, group.wrong, group.unsure) for group in found]


def sure(number: int, **table: float) -> Prediction:
    best = max(table, key=lambda label: table[label])
    return Prediction(id=f"r{number}", task="one", answer=Answer(label=best), probabilities=table)


def test_a_choice_is_grouped_by_pair_the_heaviest_first() -> None:
    found = groups("one", ("a", "b"), ("a", "b"), ("b", "a"), ("c", None), ("c", "c"), ("a", "z"))
    assert told(found) == [("a", "b", 2, 0), ("a", None, 1, 0), ("b", "a", 1, 0), ("c", None, 1, 0)]
    assert found[0].id == "one: a → b"
    assert [case.id for case in found[0].cases] == ["r0", "r1"]


def test_a_right_answer_by_a_small_margin_stands_with_its_runner_up() -> None:
    found = groups(
        "one",
        ("a", sure(0, a=0.45, b=0.4, c=0.15)),
        ("a", sure(1, a=0.6, b=0.3, c=0.1)),
        ("a", sure(2, a=0.3, b=0.6, c=0.1)),
        ("a", sure(3, a=0.1, b=0.9)),
    )
    assert told(found) == [("a", "b", 2, 1)]
    assert [case.id for case in found[0].cases] == ["r3", "r2", "r0"], "wrong and sure ones come first"
    assert found[0].weight == 2.5
    assert margin(sure(0, a=0.45, b=0.4)) == pytest.approx(0.05)
    assert margin(Prediction(id="r", task="one")) is None


def test_labels_missed_and_given_needlessly() -> None:
    found = groups("many", (("a",), ("b",)), (("a", "b"), ("b",)), (("c",), ("b", "c")), (("a",), ("a",)))
    assert told(found) == [("a", "b", 1, 0), ("a", None, 1, 0), (None, "b", 1, 0)]
    assert (found[1].cases[0].gold, found[1].cases[0].answered) == ("a, b", "b")


def test_fields_filled_wrongly() -> None:
    found = groups(
        "parts",
        ({"who": "x", "when": None}, {"who": "y", "when": None}),
        ({"who": "x"}, {"who": "x", "when": None}),
    )
    assert [
        (group.gold, group.answered, group.cases[0].gold, group.cases[0].answered) for group in found
    ] == [("who", None, "x", "y")]


def test_fields_that_are_the_same_by_type_are_no_mistakes() -> None:
    gold = {"who": "Acme Ltd", "when": "2024-03-05", "items": ["pen", "ink"], "cost": 1200}
    said = {"who": "Ａcme  Ltd", "when": "20240305", "items": ["ink", "pen"], "cost": "1,201"}
    assert told(groups("parts", (gold, said))) == [("cost", None, 1, 0)]


def test_reasons_are_read_also_where_the_written_label_is_another() -> None:
    written = '{"label": "b", "reason": "because of b"}'
    one = Prediction(id="r0", task="one", text=written, answer=Answer(label="c"))
    other = Prediction(id="r1", task="one", text=written, answer=Answer(label="b", reason="its own"))
    [first], [second] = groups("one", ("a", one)), groups("one", ("b", "b"), ("a", other))
    assert first.cases[0].reason == "because of b"
    assert second.cases[0].reason == "its own"


def test_failed_calls_are_no_mistakes() -> None:
    assert groups("one", ("a", Prediction(id="r0", task="one", error="timed out"))) == []
