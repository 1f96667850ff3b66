"""Rewrites of answers out of style: what is asked for, how, and which replies are dropped."""

from __future__ import annotations

import pytest
from audit_cases import record, scenario, task

from sftloop.curate.style import find_format_outliers
from sftloop.curate.style.rewrite_facts import Rewriting, words_of_style
from sftloop.curate.style.rewrite_request import out_of_style
from sftloop.curate.style.rewriting import Rewriter, bare_feature

TOPICS = ("a late card", "a lost parcel", "a refund", "the exchange rate", "a declined payment")
PHRASES = ("The customer asks about {}.", "The message is about {}.", "The sender needs help with {} today.")
LABELS = {"answered": "m", "refused": "m"}


def cases(changed, language="en", count=60):
    """Return a task with reasons, its records, and a rewriter; `changed`: place → reason."""
    of = scenario(task("t", labels=LABELS, answer={"reason": True}), language=language)
    records = [
        record(
            f"r{n:03}",
            f"Message {n} of Agnes Larkspur, order 4711",
            label="answered",
            reason=changed.get(n, PHRASES[n % 3].format(TOPICS[n % 5])),
        )
        for n in range(count)
    ]
    return of, records, Rewriter(of, records)


def wanted_of(changed, **more):
    of, records, rewriter = cases(changed, **more)
    return rewriter, *rewriter.wanted(find_format_outliers(records, of).findings)


def judged(before, reply, *, ended=True):
    rewriter, [wanted], passed = wanted_of({7: before})
    assert not passed
    return rewriter.judged(wanted, reply, ended=ended)


def test_what_can_be_written_again_is_asked_for_and_the_rest_is_counted():
    changed = {
        3: "- a late card\n- a refund",
        9: "n/a",
        11: "The customer asks about a",
        20: "顾客询问退款。",
    }
    rewriter, wanted, passed = wanted_of(changed)
    assert {(one.record.id, one.part, one.feature, one.found) for one in wanted} == {
        ("r003", "reason", "structure", "list"),
        ("r020", "reason", "language", "zh"),
    }
    assert dict(passed) == {"incomplete": 2}
    system, *turns, last = rewriter.messages(wanted[0])
    assert system["role"] == "system" and [turn["role"] for turn in turns] == ["user", "assistant"] * 3
    assert [turn["content"] for turn in turns[1::2]] == list(wanted[0].examples)
    assert last == {"role": "user", "content": "Write in the usual style:\n" + changed[3]}
    assert "- Structure: plain text" in system["content"] and "- Length: about" in system["content"]


@pytest.mark.parametrize(
    ("feature", "found", "outlier", "shown"),
    [
        ("structure", "json", '{"why": "a late card"}', '{"why": "It is late."}'),
        ("structure", "list", "- a\n- b", "- It is late"),
        ("closing", "none", "It is lost", "It is late"),
        ("length", "longer", "long", "It is late. It is late."),
        ("opening_kind", "small", "it is lost.", "it is late."),
    ],
)
def test_typical_texts_are_shown_out_of_style_as_the_outlier_is(feature, found, outlier, shown):
    assert out_of_style("It is late.", feature, found, outlier) == shown


def test_the_request_is_written_in_the_scenarios_language():
    rewriter, [wanted], _ = wanted_of({3: "- a late card\n- a refund"}, language="zh")
    system, *_, last = rewriter.messages(wanted)
    assert "- 语言：英文" in system["content"]
    assert last["content"].startswith("按通常的写法改写：\n- a late card")


def test_missing_parts_and_fields_have_nothing_to_write_again():
    of = scenario(task("t", "extract", fields={"day": "m"}, answer={"reason": True}))
    records = [
        record(f"r{n:02}", fields={"day": f"2024-05-{n:02}"}, reason=f"It is said on line {n} there.")
        for n in range(1, 41)
    ]
    records[4] = record("r05", fields={"day": "May 5th"}, reason="It is said on line 5 there.")
    records[8] = record("r09", fields={"day": "2024-05-09"})
    wanted, passed = Rewriter(of, records).wanted(find_format_outliers(records, of).findings)
    assert wanted == [] and dict(passed) == {"field": 1, "missing": 1}


def test_a_good_reply_becomes_an_answer_with_the_same_label():
    found = judged("- a late card\n- order 4711", "The customer asks about a late card of order 4711.")
    assert found.dropped is None and found.answer is not None
    assert found.answer.label == "answered"
    assert found.answer.reason == "The customer asks about a late card of order 4711."


def test_a_whole_answer_is_read_as_one_if_all_else_is_equal():
    same = '{"label": "answered", "reason": "The customer asks about a late card of order 4711."}'
    found = judged("- a late card\n- order 4711", same)
    assert (
        found.answer is not None
        and found.answer.reason == "The customer asks about a late card of order 4711."
    )
    assert (
        judged("- a late card\n- order 4711", same.replace("answered", "refused")).dropped == "changed_answer"
    )


@pytest.mark.parametrize(
    ("reply", "dropped"),
    [
        ("", "empty"),
        ("- a late card\n- order 4711", "unchanged"),
        ("顾客询问订单 4711 的卡片。", "language"),
        ("The customer asks about a late card of order 4711", "style"),
        ("- The customer asks about a late card of order 4711.", "style"),
        ("The customer asks about a late card.", "lost_number"),
        ("The customer asks about a late card of order 4711 and 23.", "new_number"),
        ("The customer asks about a late card of order 4711, as “the card is lost” says.", "new_quote"),
        ("The customer asks about a late card of order 4711 from Paris.", "new_name"),
        ("The customer asks about a late card of order 4711, refused again.", "changed_answer"),
        ("The message of order 4711 is about something unusual and entirely different.", "other_content"),
    ],
)
def test_replies_that_are_dropped(reply, dropped):
    assert judged("- a late card\n- order 4711", reply).dropped == dropped


def test_a_reply_that_was_cut_off_is_dropped():
    whole = "The customer asks about a late card of order 4711."
    assert judged("- a late card\n- order 4711", whole, ended=False).dropped == "cut_off"


def change(before, after, *, source="", examples=(), style=(), shortened=False):
    return Rewriting(
        before=before,
        after=after,
        source=source,
        examples=examples,
        style=frozenset(style),
        shortened=shortened,
    ).change()


def test_names_and_quotes_are_kept_and_may_come_from_the_input():
    assert change("asks Agnes Larkspur for help", "She asks for help.") == "lost_name"
    assert (
        change("asks for help", "The man asks Agnes Larkspur for help.", source="I am Agnes Larkspur") is None
    )
    assert change('says "my card is gone"', "The card is gone.") == "lost_quote"
    assert change('says "my card is gone"', "It says “my card is gone”.") is None
    assert change("his PIN fails", "The code fails.") == "lost_name"


def test_marks_of_form_are_no_facts():
    assert change('{"reason": "a late card", "n": 3}', "A late card, 3 times.") is None
    assert change("1. a late card\n2. a refund", "A late card and a refund.") is None
    assert change("**late** card", "A late card.") is None


def test_an_example_is_not_copied():
    example = "The customer asks about a stolen umbrella."
    style = words_of_style(["The customer asks about a card.", "The customer asks about a refund."] * 9)
    assert change("late card", example, examples=[example], style=style) == "from_an_example"
    mixed = "The customer asks about a late umbrella."
    assert change("late card", mixed, examples=[example], style=style) == "from_an_example"
    assert (
        change("late card", "The customer asks about a late card.", examples=[example], style=style) is None
    )


def test_a_text_that_was_too_long_may_lose_words():
    long = "The customer explains at length that the delivery of the parcel never arrived at the house."
    short = "The customer asks about the parcel."
    style = words_of_style(["The customer asks about a card."] * 9)
    assert change(long, short, style=style) == "other_content"
    assert change(long, short, style=style, shortened=True) is None


def test_chinese_is_compared_by_pairs_of_characters():
    style = words_of_style(["顾客询问银行卡的问题。", "顾客询问退款的问题。"] * 5)
    assert change("- 卡丢了\n- 要补办", "顾客询问卡丢了要补办的问题。", style=style) is None
    assert change("- 卡丢了\n- 要补办", "顾客询问汇率上涨的问题。", style=style) == "other_content"


def test_features_lose_the_parts_name():
    assert bare_feature("reason_length", "reason") == "length"
    assert bare_feature("reason_position", "reason") == "reason_position"
    assert bare_feature("reason_reason_position", "reason") == "reason_position"
    assert bare_feature("length", "answer") == "length"
