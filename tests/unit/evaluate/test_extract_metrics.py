"""Figures of `extract` tasks, worked by hand."""

from __future__ import annotations

import pytest
from tests.unit.evaluate.cases import UNPARSED, build_answered, build_task

from sftloop.evaluate import task_metrics
from sftloop.evaluate.field_values import common_values, value_keys
from sftloop.evaluate.proportions import wilson_interval
from sftloop.evaluate.text import overlap_f1, tokens

TASK = build_task(
    "extract",
    fields={
        "name": "x",
        "amount": {"means": "x", "type": "number"},
        "day": {"means": "x", "type": "date"},
        "items": {"means": "x", "type": "list"},
    },
)


@pytest.mark.parametrize(
    ("kind", "first", "second", "same"),
    [
        ("string", "Ａcme  Ltd", "Acme Ltd", True),
        ("string", "Acme", "acme", False),
        ("string", None, "", True),
        ("number", 1, 1.0, True),
        ("number", "1,200", 1200, True),
        ("number", 0.1 + 0.2, 0.3, True),
        ("number", 1200, 1201, False),
        ("number", "twelve", 12, False),
        ("date", "2024-03-05", "20240305", True),
        ("date", "2024-03-05", "2024-05-03", False),
        ("boolean", True, "true", True),
        ("boolean", True, 1, False),
        ("list", ["a", "b"], ["b", "a"], True),
        ("list", ["a", "a"], ["a"], False),
        ("list", [], None, True),
    ],
)
def test_values_compare_by_type(kind, first, second, same):
    one, two = value_keys(first, kind), value_keys(second, kind)
    assert (len(one) == len(two) == common_values(one, two)) is same


def test_by_hand():
    expected = [
        {"name": "Acme Ltd", "amount": 1200, "day": "2024-03-05", "items": ["pen", "ink"]},
        {"name": "Bee", "amount": None, "day": None, "items": []},
    ]
    given_ = [
        {"name": "Acme", "amount": 1200.0, "day": "2024-03-05", "items": ["ink", "cup"]},
        {"name": "Bee", "amount": 5, "day": None, "items": []},
    ]
    found = task_metrics(TASK, *build_answered(TASK, expected, given_))
    values = {name: metric["value"] for name, metric in found["metrics"].items()}
    # values: expected 5 + 1, given 5 + 2, common amount, day, ink + Bee
    assert values["field_f1"] == pytest.approx(2 * 4 / (6 + 7))
    assert values["field_exact"] == pytest.approx(5 / 8)
    assert values["exact_match"] == 0.0
    # token F1: Acme / Acme Ltd 2/3, pen ink / ink cup 1/2, null / 5 is 0, five exact fields
    assert values["token_f1"] == pytest.approx((2 / 3 + 1 / 2 + 0 + 5) / 8)
    amount = found["fields"]["amount"]
    assert (amount["exact"], amount["precision"], amount["recall"]) == (0.5, 0.5, 1.0)
    assert amount["f1"] == pytest.approx(2 / 3)
    assert amount["support"] == 1
    assert amount["f1_low"] <= amount["f1"] <= amount["f1_high"]
    assert found["labels"] == {} and found["confusion"] == {}


def test_an_unparsable_answer_misses_every_field_even_empty_ones():
    expected = [{"name": "Bee", "amount": None, "day": None, "items": None}]
    found = task_metrics(TASK, *build_answered(TASK, expected, [UNPARSED]))
    assert [found["metrics"][m]["value"] for m in ("field_exact", "token_f1", "field_f1")] == [0, 0, 0]


def test_tokens_are_words_and_single_chinese_characters():
    assert tokens("Buy 3 北京 tickets!") == ["buy", "3", "北", "京", "tickets", "!"]
    assert overlap_f1(tokens("北京市"), tokens("北京")) == pytest.approx(0.8)


def test_a_perfect_f1_rests_on_the_records_with_a_value():
    values = [{"name": "Bee"}] * 3 + [{"day": "2024-03-05"}] * 2 + [{}] * 15
    found = task_metrics(TASK, *build_answered(TASK, values, values))
    assert found["fields"]["name"]["f1_low"] == pytest.approx(wilson_interval(3, 3).low)
    assert found["metrics"]["field_f1"]["low"] == pytest.approx(wilson_interval(5, 5).low)
    assert found["metrics"]["field_exact"]["low"] == pytest.approx(wilson_interval(20, 20).low)
