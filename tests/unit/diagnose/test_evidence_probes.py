"""Quotes held against the input and the gold ones; records without their evidence, and evidence alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.diagnose.cases import CHILD, LEAVE, POSTS, child, leave, message, post, said, scenario

from sftloop.diagnose.interventions import evidence_alone, intervention_figures, without_evidence
from sftloop.diagnose.quotes import evidence_figures, supported
from sftloop.evaluate.align import align
from sftloop.records import check_record

TASK = child().tasks["child"]
LEAVING = leave().tasks["leave"]


@pytest.mark.parametrize(
    ("quotes", "same"),
    [
        (["我儿子上小学了"], True),
        (["儿子上小学"], True),
        (["我儿子上小学了。今天"], False),
        (["今天下雨"], False),
        ([""], False),
        (["今天下雨", "上小学了。"], True),
    ],
)
def test_a_quote_supports_when_it_shares_half_a_passage(quotes: list[str], same: bool) -> None:
    assert supported(POSTS[0], quotes) is same


def test_evidence_figures_by_hand() -> None:
    """Three claims: a real and right quote, an invented one, a real one of another passage."""
    records = [
        POSTS[0],
        POSTS[1],
        post("yes-3", "有", ["下雨了。", "我女儿会走了。"], ["我女儿会走了"]),
        POSTS[3],
    ]
    answers = [
        said(records[0], "有", "我儿子上小学了"),
        said(records[1], "有", "我有三个孩子"),
        said(records[2], "有", "下雨了"),
        said(records[3], "无法判断"),
    ]
    found = evidence_figures(TASK, align(TASK, records, answers))
    assert found is not None
    assert found["exists"]["value"] == pytest.approx(2 / 3) and found["exists"]["without"] == 1
    assert found["without"]["value"] == pytest.approx(1 / 3) and found["without"]["n"] == 3
    assert found["supports"]["value"] == pytest.approx(1 / 3)


def test_a_task_without_evidence_has_no_figures() -> None:
    plain = scenario("zh", child={**CHILD, "answer": {}}).tasks["child"]
    assert evidence_figures(plain, align(plain, [POSTS[0]], [said(POSTS[0], "有")])) is None


def test_documents_that_hold_evidence_go() -> None:
    removed = without_evidence(TASK, POSTS[1])
    assert removed is not None
    assert removed.input == {"posts": ["吃面。"]}
    assert removed.answer.label == "无法判断" and removed.answer.evidence == ()
    assert removed.id == "yes-2~removed"
    assert check_record(removed, child()) is None


def test_sentences_that_hold_evidence_go() -> None:
    text = "The lamp costs 3.50 too much. I am closing my account today! Where is my refund?"
    removed = without_evidence(LEAVING, message("m", "leaving", text, ["closing my  account"]))
    assert removed is not None
    assert removed.input["message"] == "The lamp costs 3.50 too much. Where is my refund?"
    across = without_evidence(LEAVING, message("m", "leaving", text, ["account today! Where is"]))
    assert across is not None and across.input["message"] == "The lamp costs 3.50 too much."


def test_what_cannot_lose_its_evidence_is_left_out() -> None:
    assert without_evidence(TASK, POSTS[2]) is None, "nothing would be left"
    assert without_evidence(TASK, POSTS[3]) is None, "it claims nothing"
    assert without_evidence(TASK, post("x", "有", ["下雨。", "吃面。"], ["我有孩子"])) is None, (
        "not in the input"
    )
    decided = {**LEAVE, "labels": {"leaving": "goes", "staying": "stays"}}
    must = scenario("en", leave=decided).tasks["leave"]
    assert without_evidence(must, message("m", "leaving", "Bye. I go.", ["I go"])) is None, "it can't abstain"


def test_evidence_alone_keeps_only_the_quotes() -> None:
    alone = evidence_alone(TASK, POSTS[1])
    assert alone is not None
    assert alone.input == {"posts": ["给我家闺女扎辫子", "她嫌紧"]}
    assert alone.answer == POSTS[1].answer
    assert evidence_alone(TASK, replace(POSTS[1], input=alone.input)) is None, "it is nothing else already"


def test_figures_of_interventions_by_hand() -> None:
    """Without evidence one abstains, one keeps its answer; alone one of two keeps, of the right ones all."""
    whole = {POSTS[0].id: (POSTS[0], said(POSTS[0], "有")), POSTS[1].id: (POSTS[1], said(POSTS[1], "没有"))}
    removed = [one for record in POSTS[:2] if (one := without_evidence(TASK, record))]
    alone = [one for record in POSTS[:2] if (one := evidence_alone(TASK, record))]
    answers = [
        said(removed[0], "无法判断"),
        said(removed[1], "有"),
        said(alone[0], "有"),
        said(alone[1], "无法判断"),
    ]
    found = intervention_figures(TASK, whole, removed, alone, answers)
    assert found["removed"]["abstains"]["value"] == 0.5
    assert found["removed"]["keeps"]["value"] == 0.5
    assert found["removed"]["abstained_before"]["value"] == 0
    assert found["alone"]["keeps"]["value"] == 0.5
    assert (found["alone"]["keeps_of_right"]["value"], found["alone"]["keeps_of_right"]["n"]) == (1, 1)
