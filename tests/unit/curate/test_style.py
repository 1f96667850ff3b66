"""The style of a text, feature by feature."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftloop.core.script import language_of
from sftloop.curate.style.style import FEATURES, shape_of, style_of

CASES = [
    ("structure", "The card is on its way.", "plain"),
    ("structure", '{"answer": "yes"}', "json"),
    ("structure", '{"answer": "yes"', "plain"),
    ("structure", '{"answer": yes}', "broken_json"),
    ("structure", "[1] says so, and so does [2]", "plain"),
    ("structure", "- one\n- two", "list"),
    ("structure", "Here you go:\n1. one\n2. two", "list"),
    ("structure", "First a long line.\nThen another.\nAnd more.\n- one", "plain"),
    ("structure", "Use this:\n```python\nprint(1)\n```", "code"),
    ("structure", "# Title\nText.", "markdown"),
    ("keys", '{"b": 1, "a": 2}', "b, a"),
    ("keys", "plain", "none"),
    ("closing", "Done.", "stop"),
    ("closing", "完成。”", "stop"),
    ("closing", "Done", "none"),
    ("closing", "Really?", "question"),
    ("closing", "Here:", "other"),
    ("opening", "“The card", "the"),
    ("opening", "顾客想退款", "顾客"),
    ("opening_kind", "the card", "small"),
    ("opening_kind", "顾客", "ideograph"),
    ("opening_kind", "- one", "symbol"),
    ("person", "I think so.", "first"),
    ("person", "你可以退款。", "second"),
    ("person", "We ask you.", "both"),
    ("person", "It is about my card and your fee.", "neither"),
    ("person", "我的卡还没到。", "neither"),
    ("person", "我们认为可以。", "first"),
    ("sentences", "One. Two! Three", "2-3"),
    ("sentences", "一。二。三。四。", "4+"),
    ("sentences", "It costs 3.50 today", "1"),
    ("reason_position", "Because it is late. The answer is: refund.", "reason_first"),
    ("reason_position", "答案：退款。因为包裹晚到。", "answer_first"),
    ("reason_position", "The answer is: refund.", "none"),
    ("content", "The customer wants", "whole"),
    ("content", "The customer wants to", "cut"),
    ("content", "他想退款，", "cut"),
    ("content", "The card was lost and", "cut"),
    ("content", "The guest asks for (", "cut"),
    ("content", "Customer cannot log in", "whole"),
    ("content", "He is asking where the parcel is", "whole"),
    ("content", "Vitamin A", "whole"),
    ("content", "Grade: B-", "whole"),
    ("content", "Rooms are free -", "cut"),
    ("content", "Use this:\n```python\nprint(1)", "cut"),
    ("content", "It is late (by three days", "cut"),
    ("content", "N/A", "placeholder"),
    ("content", "", "placeholder"),
    ("content", "  暂无。", "placeholder"),
]


@pytest.mark.parametrize(("feature", "text", "value"), CASES)
def test_one_feature_of_one_text(feature, text, value):
    assert style_of(text)[feature] == value


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The card is late", "en"),
        ("卡还没有到", "zh"),
        ("用 Python 写一个排序函数，并说明其时间复杂度", "zh"),
        ("请 translate this sentence into 英文", "mixed"),
        ("写好了：\n```python\nfor x in range(3): print(x)\n```", "zh"),
        ("42", "none"),
    ],
)
def test_language_goes_by_script(text, language):
    assert language_of(text) == language


def test_an_answer_that_repeats_a_long_input():
    source = "Where is my new card, please?"
    assert style_of(f"The message “{source}” asks for a card.", source)["content"] == "repeats"
    assert style_of("Hi there, said he.", "Hi there")["content"] == "whole"


@pytest.mark.parametrize(
    ("value", "shape"),
    [("2024-05-17", "9-9-9"), ("12.5 EUR", "9.9 a"), ("三月5日", "字9字"), ("Anna-Lena", "a-a")],
)
def test_the_shape_of_a_value(value, shape):
    assert shape_of(value) == shape


@given(st.text(max_size=80), st.text(max_size=40))
def test_every_text_has_every_feature(text, source):
    style = style_of(text, source)
    assert set(style) == set(FEATURES) - {"length"}
    assert all(isinstance(value, str) for value in style.values())
    assert style == style_of(f"\n {text}  ", source)
