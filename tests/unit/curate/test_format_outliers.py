"""Planted drift is found in uniform sets; varied sets don't drown the reader."""

import random

import pytest
from audit_cases import banking, instructions, needs_public_data, record, scenario, task

from sftloop.curate.style.answer_styles import length_values
from sftloop.curate.style.format_outliers import find_format_outliers
from sftloop.curate.style.style import FEATURES
from sftloop.curate.style.style_words import feature_name, value_name

REPLY = scenario(task("t", "generate"))
PHRASES = (
    "The customer asks about {topic}.",
    "The message is about {topic}.",
    "The sender needs help with {topic}, as the message says.",
)


def topics(count):
    words = ["a late card", "a lost parcel", "a refund", "the exchange rate", "a declined payment"]
    return [words[n % len(words)] for n in range(count)]


def replies(count=200, changed=()):
    texts = [PHRASES[n % 3].format(topic=topic) for n, topic in enumerate(topics(count))]
    for place, text in dict(changed).items():
        texts[place] = text
    return [record(f"r{n:04}", f"input {n}", text=text) for n, text in enumerate(texts)]


def by_feature(findings):
    return {(each.evidence["feature"], each.evidence["found"]): each.records for each in findings}


DRIFT = {
    3: ('{"reason": "a late card"}', ("structure", "json")),
    50: ("- a late card\n- a refund", ("structure", "list")),
    77: ("顾客想了解卡片何时送到。", ("language", "zh")),
    91: ("The customer asks about a refund", ("closing", "none")),
    120: ("The customer asks about a refund. " * 9, ("length", "longer")),
    150: ("The customer asks about a refund and the", ("content", "cut")),
    151: ("n/a", ("content", "placeholder")),
}


def test_each_kind_of_drift_is_one_finding_under_its_own_name():
    findings = find_format_outliers(replies(changed=[(n, text) for n, (text, _) in DRIFT.items()]), REPLY)[0]
    assert by_feature(findings) == {where: (f"r{n:04}",) for n, (_, where) in DRIFT.items()}
    (closing,) = (each for each in findings if each.evidence["feature"] == "closing")
    assert closing.severity == "warning" and closing.kind == "format_outlier"
    assert closing.evidence["usual"] == "stop" and closing.evidence["share"] > 0.9
    assert closing.why.startswith("Closing punctuation: none in 1 of 200 answers; usual is a full stop (9")
    assert "200 条答案中有 1 条，结尾标点为无；通常为句号" in closing.why_zh
    assert closing.evidence["examples"] == ["The customer asks about a refund"]


def test_a_uniform_set_has_no_finding_and_the_order_plays_no_part():
    assert find_format_outliers(replies(), REPLY)[0] == []
    records = replies(changed=[(n, text) for n, (text, _) in DRIFT.items()])
    shuffled = random.Random(0).sample(records, len(records))
    assert find_format_outliers(records, REPLY) == find_format_outliers(shuffled, REPLY)


def test_two_styles_side_by_side_are_no_outliers():
    half = {n: "- a late card\n- a refund" for n in range(0, 200, 2)}
    assert by_feature(find_format_outliers(replies(changed=half.items()), REPLY)[0]) == {}


def test_one_of_ten_is_not_enough_to_know_what_is_usual():
    assert find_format_outliers(replies(10, [(3, '{"reason": "a late card"}')]), REPLY)[0] == []
    small = find_format_outliers(replies(10, [(3, "The customer asks about a")]), REPLY)[0]
    assert by_feature(small) == {("content", "cut"): ("r0003",)}


def test_key_order_counts_where_answers_are_json():
    records = [
        record(f"r{n:03}", text='{"a": 1, "b": 2}' if n != 7 else '{"b": 2, "a": 1}') for n in range(60)
    ]
    (finding,) = find_format_outliers(records, REPLY)[0]
    assert finding.records == ("r007",) and finding.evidence["usual"] == "a, b"
    assert "JSON keys: 'b, a' in 1 of 60 answers" in finding.why


def test_reasons_of_a_choice_are_compared_and_missing_ones_told():
    of = scenario(task("t", labels={"yes": "m", "no": "m"}, answer={"reason": True}))
    records = [
        record(f"r{n:03}", f"input {n}", label="yes", reason=f"It says that number {n} is there.")
        for n in range(100)
    ]
    records[4] = record("r004", "input 4", label="no", reason="因为第四个在那里。")
    records[9] = record("r009", "input 9", label="no")
    findings, (fact,) = find_format_outliers(records, of)
    assert by_feature(findings) == {("reason", "missing"): ("r009",), ("language", "zh"): ("r004",)}
    assert all(each.why.count("reasons") == (each.evidence["feature"] == "language") for each in findings)
    assert fact.styles["language"] == {"en": pytest.approx(0.9899), "zh": pytest.approx(0.0101)}
    assert list(fact.characters) == ["reason"]


def test_labels_alone_have_no_style():
    of = scenario(task("t", labels={"yes": "m", "no": "m"}))
    assert find_format_outliers([record(f"r{n}", label="yes") for n in range(50)], of) == ([], [])


def test_the_form_of_a_field_with_digits():
    of = scenario(task("t", "extract", fields={"day": "m", "name": "m"}))
    rows = [
        record(f"r{n:02}", fields={"day": f"2024-05-{n:02}", "name": "Ann Lee" if n % 9 else "Jo"})
        for n in range(1, 41)
    ]
    rows.append(record("r99", fields={"day": "May 5th", "name": "Al"}))
    (finding,) = find_format_outliers(rows, of)[0]
    assert finding.records == ("r99",)
    assert finding.evidence["usual"] == "9-9-9" and finding.evidence["examples"] == ["May 5th"]


def test_lengths_need_both_a_robust_z_and_a_factor_of_two():
    texts = {f"{n}": "x" * (100 + n % 3) for n in range(40)}
    texts |= {"near": "x" * 190, "far": "x" * 230, "short": "x" * 40}
    found = length_values(texts)
    assert {key: value for key, value in found.items() if value != "usual"} == {
        "far": "longer",
        "short": "shorter",
    }
    wide = {f"{n}": "x" * 2 ** (n % 8) for n in range(64)}
    assert set(length_values(wide).values()) == {"usual"}, "a wide spread makes no outliers"


def test_every_feature_and_value_has_a_name_in_both_languages():
    for feature in set(FEATURES) - {"sentences"}:
        assert feature_name(feature).en and feature_name(feature).zh
    found = find_format_outliers(replies(changed=[(n, text) for n, (text, _) in DRIFT.items()]), REPLY)
    for feature, shares in found.facts[0].styles.items():
        for value in shares if feature != "sentences" else ():
            assert value_name(feature, value).zh


@needs_public_data
def test_planted_drift_among_banking_reasons():
    """3 % of 2,000 templated reasons drift in five ways: recall at least 0.95 at precision at least 0.9."""
    draw = random.Random(4)
    rows = draw.sample(banking(), 2000)
    changes = [
        lambda text, topic: f'{{"reason": "{text}"}}',
        lambda text, topic: f"顾客询问的是{len(topic)}号问题，详见来信内容。",
        lambda text, topic: f"- {text}\n- topic: {topic}",
        lambda text, topic: text.rstrip("."),
        lambda text, topic: " ".join([text] * 6),
    ]
    planted = set(draw.sample(range(2000), 60))
    records = []
    for n, (text, intent) in enumerate(rows):
        topic = intent.replace("_", " ").lower().rstrip("?")
        reason = draw.choice(PHRASES).format(topic=topic)
        if n in planted:
            reason = changes[n % 5](reason, topic)
        records.append(record(f"r{n:04}", text, label="a", reason=reason))
    of = scenario(task("t", labels={"a": "m", "b": "m"}, answer={"reason": True}))
    findings = find_format_outliers(records, of).findings
    flagged = {int(identifier[1:]) for each in findings for identifier in each.records}
    assert len(flagged & planted) >= 0.95 * len(planted)
    assert len(flagged & planted) >= 0.9 * len(flagged)


@needs_public_data
@pytest.mark.parametrize("language", ["en", "zh"])
def test_naturally_varied_answers_give_few_findings(language):
    rows = instructions(language)
    records = [record(f"r{n:04}", request, text=text) for n, (request, text) in enumerate(rows)]
    findings = find_format_outliers(records, scenario(task("t", "generate"), language=language)).findings
    assert len(findings) <= 8 and sum(len(each.records) for each in findings) <= 0.08 * len(records)


@needs_public_data
def test_foreign_answers_among_chinese_ones():
    english = [text for _, text in instructions("en") if len(text.split()) > 20][:40]
    chinese = instructions("zh")
    before = _flagged(chinese)
    mixed = [
        (request, english[n // 30] if n % 30 == 0 else text) for n, (request, text) in enumerate(chinese)
    ]
    planted = {n for n in range(0, len(chinese), 30)}
    assert len(_flagged(mixed) & planted) >= 0.95 * len(planted)
    assert len(_flagged(mixed) - planted - before) <= 3


def _flagged(rows):
    records = [record(f"{n}", request, text=text) for n, (request, text) in enumerate(rows)]
    findings = find_format_outliers(records, scenario(task("t", "generate"), language="zh")).findings
    return {int(identifier) for each in findings for identifier in each.records}
