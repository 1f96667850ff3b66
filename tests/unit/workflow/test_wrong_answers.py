"""Wrong answers worth reading: only what the metrics count as wrong, what was right before on top."""

from __future__ import annotations

from typing import Any

import pytest

from sftloop.records import Prediction, Record
from sftloop.scenario import Answer, Scenario
from sftloop.workflow.wrong_answers import telling_wrong_answers

TASKS = {
    "parts": {
        "kind": "extract",
        "input": ["text"],
        "fields": {
            "items": {"means": "What.", "type": "list"},
            "cost": {"means": "How much.", "type": "number"},
        },
    },
    "words": {"kind": "generate", "input": ["text"]},
    "grade": {"kind": "score", "input": ["text"], "range": [0, 5]},
    "why": {
        "kind": "choice",
        "input": ["text"],
        "labels": {"yes": "So.", "no": "Not so."},
        "answer": {"reason": True, "evidence": True},
    },
    "how_much": {"kind": "score", "input": ["text"], "answer": {"reason": True}},
    "which": {
        "kind": "multi",
        "input": ["text"],
        "labels": {"a": "One.", "b": "Two."},
        "answer": {"reason": True},
    },
}
SCENARIO = Scenario.model_validate({"name": "s", "model": "m", "tasks": TASKS})


def shown(task: str, key: str, gold: Any, before: list[Any], after: list[Any]) -> list[str]:
    """Return the ids shown; None: the call failed."""
    records = [
        Record(id=f"r{n}", task=task, input={"text": "t"}, answer=Answer(**{key: gold}))
        for n in range(len(after))
    ]
    sides = [
        [
            Prediction(id=f"r{n}", task=task, error="timed out")
            if one is None
            else Prediction(id=f"r{n}", task=task, text="x", answer=Answer(**{key: one}))
            for n, one in enumerate(side)
        ]
        for side in (before, after)
    ]
    return [row["id"] for row in telling_wrong_answers(SCENARIO, records, *sides)]


def test_values_that_are_the_same_by_type_are_right() -> None:
    gold = {"items": ["pen", "ink"], "cost": 1200}
    alike, other = {"items": ["ink", "pen"], "cost": 1200.0}, {"items": ["pen"], "cost": 1200}
    assert shown("parts", "fields", gold, [other] * 3, [alike, other, None]) == ["r1"]
    assert shown("parts", "fields", gold, [other, alike], [other, other]) == ["r1", "r0"], (
        "it was right before"
    )


def test_white_space_and_width_do_not_make_a_text_wrong() -> None:
    assert shown("words", "text", "We left.", ["x"] * 2, ["Ｗe  left.", "We stayed."]) == ["r1"]


def test_a_number_is_right_when_it_is_the_expected_one() -> None:
    assert shown("grade", "score", 3, [1.0] * 3, [3.0, 3.0000000000000004, 2.5]) == ["r2"]


@pytest.mark.parametrize(
    ("task", "gold", "given", "texts"),
    [
        ("why", Answer(label="yes"), Answer(label="no"), ("yes", "no")),
        (
            "why",
            Answer(label="yes", evidence=("t",)),
            Answer(label="no"),
            ('{"label": "yes", "evidence": ["t"]}', "no"),
        ),
        (
            "how_much",
            Answer(score=1, reason="So."),
            Answer(score=4.0),
            ('{"score": 1, "reason": "So."}', "4"),
        ),
        ("which", Answer(labels=("b", "a")), Answer(labels=()), ("a, b", "none")),
    ],
)
def test_an_answer_without_the_reason_asked_for_is_shown_as_far_as_it_goes(
    task: str, gold: Answer, given: Answer, texts: tuple[str, str]
) -> None:
    record = Record(id="r", task=task, input={"text": "t"}, answer=gold)
    wrong = [Prediction(id="r", task=task, text="x", answer=given)]
    (row,) = telling_wrong_answers(SCENARIO, [record], wrong, wrong)
    assert (row["gold"], row["before"], row["after"]) == (texts[0], texts[1], texts[1])


def test_what_was_right_before_is_marked_whatever_the_reasons() -> None:
    gold = Answer(label="yes", reason="It says so.", evidence=("so",))
    record = Record(id="r0", task="why", input={"text": "so"}, answer=gold)
    before = Prediction(id="r0", task="why", text="x", answer=Answer(label="yes", reason="I think so."))
    after = Prediction(id="r0", task="why", text="x", answer=Answer(label="no"))
    [row] = telling_wrong_answers(SCENARIO, [record], [before], [after])
    assert row["was_right"] is True
    [row] = telling_wrong_answers(SCENARIO, [record], [after], [after])
    assert row["was_right"] is False
