"""A service is asked, and its answer read, in every format: schema, room, chances of lettered labels."""

from __future__ import annotations

import math

import pytest

from sftloop.models.remote.answer_schema import answer_schema
from sftloop.models.remote.label_chances import label_probabilities
from sftloop.models.remote.question import questions
from sftloop.models.remote.reply import Token
from sftloop.records import Record
from sftloop.records.suites import _assertion
from sftloop.scenario import Answer, Format, Scenario

TASK = {
    "kind": "choice",
    "input": ["text"],
    "labels": {"refund": "Money back.", "other": "Else."},
    "answer": {"reason": True, "evidence": True},
}
RECORD = Record(
    id="r", task="t", input={"text": "x"}, answer=Answer(label="refund", reason="So.", evidence=("x",))
)


def made(**format: str) -> Scenario:
    return Scenario.model_validate({"name": "n", "model": "m", "tasks": {"t": TASK}, "format": format})


def test_the_schema_has_the_keys_in_the_order_they_are_written() -> None:
    schema = answer_schema(made(reason="before", labels="letters").tasks["t"])
    assert list(schema["properties"]) == ["evidence", "reason", "label"]
    assert schema["properties"]["label"]["enum"] == ["A", "B"]
    assert list(answer_schema(made(reason="none").tasks["t"])["properties"]) == ["label", "evidence"]
    assert answer_schema(made(answer="plain").tasks["t"]) is None


def tokens(*pieces: str, listed: dict[str, float]) -> list[Token]:
    """The last piece is written with the listed pieces beside it, the others surely."""
    sure = [Token(piece.encode(), 0.0, ()) for piece in pieces[:-1]]
    others = tuple((piece.encode(), math.log(share)) for piece, share in listed.items())
    return [*sure, Token(pieces[-1].encode(), math.log(listed[pieces[-1]]), others)]


@pytest.mark.parametrize(
    ("format", "pieces"),
    [
        ({"labels": "letters"}, ['{"label": "', "A"]),
        ({"labels": "letters", "reason": "before"}, ['{"evidence": [], "reason": "a", "label": "', "A"]),
        ({"labels": "letters", "answer": "plain"}, ["label: ", "A"]),
        (
            {"labels": "letters", "answer": "plain", "reason": "before"},
            ["evidence: []\nreason: a\nlabel: ", "A"],
        ),
    ],
)
def test_the_chances_of_letters_are_those_of_their_labels(format: dict[str, str], pieces: list[str]) -> None:
    task = made(**format).tasks["t"]
    found = label_probabilities(task, tokens(*pieces, listed={"A": 0.75, "B": 0.25}))
    assert found == pytest.approx({"refund": 0.75, "other": 0.25})


def test_a_label_behind_a_reason_is_waited_for() -> None:
    [after], [before] = (
        list(questions(scenario, scenario.tasks["t"], [RECORD]))
        for scenario in (made(), made(reason="before"))
    )
    assert before.label_bytes > after.label_bytes + 1000


def test_suites_check_what_a_format_writes() -> None:
    scenario = made(labels="letters", answer="plain")
    check = _assertion(scenario, scenario.tasks["t"], RECORD)
    assert check["value"].startswith('["label: A"].every(')
    scenario = made(labels="letters")
    assert _assertion(scenario, scenario.tasks["t"], RECORD)["value"] == 'JSON.parse(output)["label"] === "A"'
    plain = scenario.with_format(Format(reason="none"))
    assert "refund" in _assertion(plain, plain.tasks["t"], RECORD)["value"]
