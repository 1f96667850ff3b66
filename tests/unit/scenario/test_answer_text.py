"""Answers as text: the exact target per kind, what is refused, and what is understood all the same."""

from __future__ import annotations

import pytest

from sftloop.core.errors import DataError
from sftloop.scenario import Answer, Task, format_answer, label_slots, parse_answer

LABELS = {"refund": "Wants money back.", "Exchange": "Wants another.", "cannot_tell": "Unsaid."}
FIELDS = {"item": "What.", "sum": {"means": "How much.", "type": "number"}, "day": {"type": "date"}}
FIELDS |= {"paid": {"type": "boolean"}, "parts": {"type": "list"}}


def task(kind: str, **parts) -> Task:
    """A task of `kind` on one message."""
    defaults = {"choice": {"labels": LABELS}, "multi": {"labels": LABELS}, "extract": {"fields": FIELDS}}
    parts = {**defaults.get(kind, {}), **parts}
    return Task.model_validate({"name": "t", "kind": kind, "input": ["message"], **parts})


BOTH = {"reason": True, "evidence": True}

TARGETS = [
    ("choice", {}, Answer(label="refund"), "en", "refund"),
    ("choice", {"answer": {"format": "json"}}, Answer(label="refund"), "en", '{"label": "refund"}'),
    (
        "choice",
        {"answer": BOTH},
        Answer(label="refund", reason="他说“退钱”。", evidence=("退\n钱",)),
        "zh",
        '{"label": "refund", "evidence": ["退\\n钱"], "reason": "他说“退钱”。"}',
    ),
    ("choice", {}, Answer(label="refund", reason="not asked for"), "en", "refund"),
    ("multi", {}, Answer(labels=("Exchange", "refund")), "en", "refund, Exchange"),
    ("multi", {}, Answer(labels=("Exchange", "refund")), "zh", "refund，Exchange"),
    ("multi", {}, Answer(labels=()), "en", "none"),
    ("multi", {}, Answer(labels=()), "zh", "无"),
    (
        "multi",
        {"answer": {"evidence": True}},
        Answer(labels=(), evidence=()),
        "zh",
        '{"labels": [], "evidence": []}',
    ),
    ("score", {}, Answer(score=4.0), "en", "4"),
    ("score", {}, Answer(score=3.5), "zh", "3.5"),
    ("score", {}, Answer(score=-0.0), "en", "0"),
    (
        "score",
        {"answer": {"reason": True}},
        Answer(score=4, reason="Fine."),
        "en",
        '{"score": 4, "reason": "Fine."}',
    ),
    ("generate", {}, Answer(text=" Dear all,\nbye. "), "en", "Dear all,\nbye."),
    ("generate", {"answer": {"format": "json"}}, Answer(text="a\nb"), "en", '{"text": "a\\nb"}'),
    (
        "extract",
        {},
        Answer(fields={"sum": 12.5, "item": "lamp"}),
        "en",
        '{"item": "lamp", "sum": 12.5, "day": null, "paid": null, "parts": null}',
    ),
    (
        "extract",
        {"fields": {"item": "What."}, "answer": BOTH},
        Answer(fields={"item": "灯"}, evidence=("灯",), reason="写了。"),
        "zh",
        '{"fields": {"item": "灯"}, "evidence": ["灯"], "reason": "写了。"}',
    ),
]


@pytest.mark.parametrize(("kind", "parts", "answer", "language", "text"), TARGETS)
def test_the_text_to_learn(kind, parts, answer, language, text):
    assert format_answer(task(kind, **parts), answer, language) == text


REFUSED = [
    ("choice", {}, Answer(), "task 't' is a choice and the answer lacks 'label'."),
    (
        "choice",
        {},
        Answer(label="refnd"),
        "task 't': 'refnd' is none of the labels of the task 't'. Did you mean 'refund'?",
    ),
    (
        "multi",
        {},
        Answer(labels=("refund", "exchange")),
        "task 't': 'exchange' is none of the labels of the task 't'. Did you mean 'Exchange'?",
    ),
    ("multi", {}, Answer(labels=("refund", "refund")), "task 't': the label 'refund' is named twice."),
    (
        "choice",
        {"answer": {"reason": True}},
        Answer(label="refund"),
        "task 't' asks for 'reason' and the answer has none. Add 'reason' to the record's answer, or take "
        "`reason: true` out of the task.",
    ),
    (
        "choice",
        {"answer": {"evidence": True}},
        Answer(label="refund"),
        "task 't' asks for 'evidence' and the answer has none. Add 'evidence' to the record's answer, or "
        "take `evidence: true` out of the task.",
    ),
    ("score", {"range": [1, 5]}, Answer(score=7), "task 't': the score 7 is outside 1 to 5."),
    ("score", {}, Answer(score=float("nan")), "task 't': 'score' is nan; it must be a finite number."),
    ("generate", {}, Answer(text=" \n"), "task 't': the text is empty."),
    (
        "extract",
        {},
        Answer(fields={"itm": "lamp"}),
        "task 't': unknown field 'itm'. Did you mean 'item'?",
    ),
    (
        "extract",
        {},
        Answer(fields={"sum": "12"}),
        "task 't': the field 'sum' is '12'; it must be of type number or null.",
    ),
    (
        "extract",
        {},
        Answer(fields={"sum": True}),
        "task 't': the field 'sum' is true; it must be of type number or null.",
    ),
    (
        "extract",
        {},
        Answer(fields={"day": "2024-02-30"}),
        "task 't': the field 'day' is '2024-02-30'; it must be of type date or null.",
    ),
    (
        "extract",
        {},
        Answer(fields={"day": "20240201"}),
        "task 't': the field 'day' is '20240201'; it must be of type date or null.",
    ),
    (
        "extract",
        {},
        Answer(fields={"parts": ["a", 1]}),
        "task 't': the field 'parts' is [\"a\", 1]; it must be of type list or null.",
    ),
]


@pytest.mark.parametrize(("kind", "parts", "answer", "message"), REFUSED)
def test_an_answer_that_does_not_fit_is_refused(kind, parts, answer, message):
    with pytest.raises(DataError) as caught:
        format_answer(task(kind, **parts), answer, "en")
    assert str(caught.value) == message


RECORDS = [
    ({"lable": "refund"}, "unknown key 'lable' in 'answer'. Did you mean 'label'?"),
    ({"label": 5}, "in 'answer': 'label' is 5; it must be text."),
    ({"labels": "refund"}, "in 'answer': 'labels' is 'refund'; it must be a list of texts."),
    ({"evidence": ["a", None]}, "in 'answer': 'evidence' is [\"a\", null]; it must be a list of texts."),
    ({"fields": []}, "in 'answer': 'fields' is []; it must be an object."),
    ({"score": "4"}, "in 'answer': 'score' is '4'; it must be a number."),
    ({"score": True}, "in 'answer': 'score' is true; it must be a number."),
    ({"score": 10**400}, "in 'answer': 'score' is inf; it must be a finite number."),
    ("refund", "'answer' is 'refund'; it must be an object such as {\"label\": …}."),
]


@pytest.mark.parametrize(("data", "message"), RECORDS)
def test_a_malformed_answer_object_is_refused(data, message):
    with pytest.raises(DataError) as caught:
        Answer.from_json(data)
    assert str(caught.value) == message


def test_null_parts_count_as_absent():
    assert Answer.from_json({"label": "refund", "reason": None}) == Answer(label="refund")


def test_absent_parts_are_left_out_of_plain_data():
    assert Answer(labels=(), score=2.0).to_json() == {"labels": [], "score": 2}


MISSED = [
    # kind, parts, text, the problem, what it means all the same
    ("choice", {}, "", "the answer is empty", None),
    ("choice", {}, "Refund", "'Refund' is none of the labels of the task 't'", Answer(label="refund")),
    ("choice", {}, '"refund".', None, Answer(label="refund")),
    ("choice", {}, "**Refund**", None, Answer(label="refund")),
    ("choice", {}, "Label: refund", None, Answer(label="refund")),
    ("choice", {}, "答案：refund。", None, Answer(label="refund")),
    ("choice", {}, "```\nrefund\n```", None, Answer(label="refund")),
    ("choice", {}, "<think>refund or exchange?\nexchange</think>\nrefund", None, Answer(label="refund")),
    ("choice", {}, "refund or exchange?\nexchange</think>\nrefund", None, Answer(label="refund")),
    ("choice", {}, "<think>\nrefund\nor", None, None),
    ("score", {}, "<think>\nThe scale goes up to 10, so", None, None),
    ("choice", {}, "refund\n\nBecause the customer wants an exchange.", None, Answer(label="refund")),
    ("choice", {}, '{"label": "refund"}', None, Answer(label="refund")),
    ("choice", {}, "refund\nexchange", None, None),
    ("choice", {}, "not a refund", None, None),
    ("choice", {}, "money", None, None),
    ("multi", {}, "exchange; Refund", None, Answer(labels=("Exchange", "refund"))),
    ("multi", {}, "- refund\n- Exchange", None, Answer(labels=("refund", "Exchange"))),
    ("multi", {}, "refund,refund", None, Answer(labels=("refund",))),
    ("multi", {}, "refund, refund", "the label 'refund' is named twice", Answer(labels=("refund",))),
    ("multi", {}, "None.", None, Answer(labels=())),
    ("multi", {}, '{"labels": ["REFUND"]}', None, Answer(labels=("refund",))),
    ("multi", {}, "refund, money", "'money' is none of the labels of the task 't'", None),
    ("score", {}, "Score: 4", "'Score: 4' is not a number", Answer(score=4)),
    ("score", {}, "4 分", None, Answer(score=4)),
    ("score", {}, "4分", None, Answer(score=4)),
    ("score", {}, "评分为4。", None, Answer(score=4)),
    ("score", {}, "199元", None, Answer(score=199)),
    ("score", {}, "重3 千克", None, Answer(score=3)),
    ("score", {}, "1 万", None, None),
    ("score", {}, "约 3 亿元", None, None),
    ("score", {}, "3万5", None, None),
    ("score", {}, "85％", None, None),
    ("score", {}, "85 %", None, None),
    ("score", {}, "v4", None, None),
    ("score", {}, "é4", None, None),
    ("score", {}, "100,200", None, None),
    ("score", {}, "4/5", None, None),
    ("score", {"range": [1, 5]}, "7", "the score 7 is outside 1 to 5", None),
    ("score", {"range": [1, 5]}, "7 points", None, None),
    ("score", {}, "1e999", "'score' is inf; it must be a finite number", None),
    ("generate", {"answer": {"format": "json"}}, "Dear all", None, Answer(text="Dear all")),
    ("generate", {"answer": {"format": "json"}}, '{"text": " "}', "the text is empty", None),
]


@pytest.mark.parametrize(("kind", "parts", "text", "problem", "meant"), MISSED)
def test_a_missed_plain_format(kind, parts, text, problem, meant):
    parsed = parse_answer(task(kind, **parts), text, "en")
    assert not parsed.valid
    assert parsed.problem == problem or problem is None
    assert parsed.answer == meant


GOOD_JSON = '{"label": "refund", "evidence": ["q"], "reason": "r"}'
FULL = Answer(label="refund", evidence=("q",), reason="r")

MISSED_JSON = [
    (f"```json\n{GOOD_JSON}\n```", "not one JSON object and nothing else", FULL),
    (f"Sure! {GOOD_JSON} Bye.", "not one JSON object and nothing else", FULL),
    (f"{GOOD_JSON}\n{GOOD_JSON}", "not one JSON object and nothing else", FULL),
    (GOOD_JSON + '{"label": "Exchange"}', "not one JSON object and nothing else", None),
    (GOOD_JSON.replace(", ", ",\n"), "the JSON is spread over several lines", FULL),
    (GOOD_JSON.replace("refund", "REFUND"), "'REFUND' is none of the labels of the task 't'", FULL),
    (GOOD_JSON.replace("}", ', "mood": 1}'), "unknown key 'mood'", FULL),
    (GOOD_JSON.replace("}", ', "label": "refund"}'), "not one JSON object and nothing else", FULL),
    (GOOD_JSON.replace('["q"]', '"q"'), "'evidence' is 'q'; it must be a list of texts", FULL),
    (
        GOOD_JSON.replace('"r"', "null"),
        "'reason' is null; it must be text",
        Answer(label="refund", evidence=("q",)),
    ),
    (
        '{"label": "refund", "evidence": []}',
        "the key 'reason' is missing",
        Answer(label="refund", evidence=()),
    ),
    (GOOD_JSON[:30], "not one JSON object and nothing else", Answer(label="refund")),
    ('{"label": "refu', "not one JSON object and nothing else", None),
    ("refund", "not one JSON object and nothing else", Answer(label="refund")),
    ('"refund"', "'refund' is not a JSON object", Answer(label="refund")),
    ('{"reason": "r"}', "the key 'label' is missing", None),
    ('{"label": NaN, "evidence": [], "reason": ""}', "not one JSON object and nothing else", None),
    ("[" * 100_000, "not one JSON object and nothing else", None),
    ("{" * 3000, "not one JSON object and nothing else", None),
    ('{"a":' * 3000, "not one JSON object and nothing else", None),
]


@pytest.mark.parametrize(("text", "problem", "meant"), MISSED_JSON)
def test_a_missed_json_format(text, problem, meant):
    parsed = parse_answer(task("choice", answer=BOTH), text, "en")
    assert not parsed.valid
    assert parsed.problem == problem
    assert parsed.answer == meant


def test_json_is_valid_in_any_order_and_spacing():
    parsed = parse_answer(
        task("choice", answer=BOTH), '{"reason":"r","evidence":["q"],"label":"refund"}', "en"
    )
    assert (parsed.valid, parsed.answer) == (True, FULL)


EXTRACTED = {"item": "lamp", "sum": 12, "day": None, "paid": True, "parts": ["a"]}
MISSED_FIELDS = [
    ('{"item": "lamp"}', "the field 'sum' is missing", {"item": "lamp"}),
    (
        '{"item": "lamp", "sum": "12 euro", "day": null, "paid": true, "parts": "a"}',
        "the field 'sum' is '12 euro'; it must be of type number or null",
        EXTRACTED,
    ),
    ('{"fields": {"item": 5}}', "unknown field 'fields'", {"item": "5"}),
    ('{"colour": "red"}', "unknown field 'colour'", None),
    ('{"item": "lamp", "day": "soon"}', "the field 'sum' is missing", None),
    ('{"item": null, "sum": "cheap"}', "the field 'sum' is", None),
    ('{"item": "lamp", "sum": "3 万"}', "the field 'sum' is", None),
    ('{"item": "lamp", "sum": " "}', "the field 'sum' is", {"item": "lamp"}),
    ('{"sum": "199元"}', "the field 'item' is missing", {"sum": 199}),
    ('{"sum": "-1,234,000.5 euro"}', "the field 'item' is missing", {"sum": -1234000.5}),
    ('{"sum": "1,00"}', "the field 'item' is missing", None),
    ('{"sum": "1,000,5"}', "the field 'item' is missing", None),
]


@pytest.mark.parametrize(("text", "problem", "meant"), MISSED_FIELDS)
def test_missed_fields(text, problem, meant):
    parsed = parse_answer(task("extract"), text, "en")
    assert not parsed.valid
    assert parsed.problem.startswith(problem)
    expected = None if meant is None else Answer(fields={**dict.fromkeys(FIELDS), **meant})
    assert parsed.answer == expected


def test_label_slots_escape_what_json_escapes():
    quoted = task("choice", labels={'say "a"': "One.", "b\\c": "Two."}, answer={"evidence": True})
    assert label_slots(quoted, "en") == (
        '{"label": "',
        {'say "a"': 'say \\"a\\"",', "b\\c": 'b\\\\c",'},
    )


def test_plain_label_slots_hold_the_bare_labels():
    assert label_slots(task("choice"), "zh") == ("", {name: name for name in LABELS})


def test_only_a_choice_has_label_slots():
    with pytest.raises(ValueError, match="the task 't' is of kind 'score'; only a choice has label slots"):
        label_slots(task("score"), "en")


def test_labels_that_are_numbers_are_no_bullets() -> None:
    of_numbers = task("choice", labels={"4.5": "x", "4": "x", "5": "x", "yes": "x"})
    texts = {"**4.5**": "4.5", '"4.5"': "4.5", "Label: 4.5": "4.5", "4.": "4", "1. yes": "yes"}
    for text, meant in texts.items():
        assert parse_answer(of_numbers, text, "en").answer == Answer(label=meant), text


@pytest.mark.parametrize(
    "text", ["(A)", "（A）", "A)", "A）", "Ａ", "A.refund", "A、refund", "A：refund", "(A) refund"]
)
def test_letters_in_every_usual_punctuation(text: str) -> None:
    lettered = task("choice")
    lettered = lettered.with_form(lettered.form.model_copy(update={"labels": "letters"}))
    assert parse_answer(lettered, text, "zh").answer == Answer(label="refund")
    assert parse_answer(lettered, "A. Exchange", "zh").answer is None
