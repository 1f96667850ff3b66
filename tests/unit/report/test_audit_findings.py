"""What the audit's page shows of a finding and of a task: records, evidence, limits, pictures."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.report.saved_audit import audited, found, record

from sftloop.curate.finding import KINDS, SEVERITIES
from sftloop.curate.style.rewrite_checks import DROPPED
from sftloop.curate.style.rewriting import NOT_ASKED
from sftloop.report.audit_evidence import evidence_facts
from sftloop.report.audit_findings import FindingLimits, finding_groups
from sftloop.report.audit_pictures import task_pictures
from sftloop.report.audit_reach import reach_notes
from sftloop.report.charts.histogram import histogram
from sftloop.report.charts.stacked_bar import stacked_bar
from sftloop.report.style_names import style_feature, style_value
from sftloop.report.wording import report_words
from sftloop.report.wording.audit_chinese import CHINESE
from sftloop.report.wording.audit_english import ENGLISH

EN, ZH = report_words("en"), report_words("zh")
LIMITS = FindingLimits(cards=2, lines=3, records=2, characters=50)


texts = st.lists(
    st.tuples(st.sampled_from(KINDS), st.sampled_from(SEVERITIES), st.lists(st.sampled_from("abcdef"))),
    max_size=30,
)


@given(texts)
def test_no_finding_is_lost_without_a_word(drawn):
    findings = [found(severity, *records, kind=kind) for kind, severity, records in drawn]
    records = {one: record("t", f"text of {one}", one) for one in "abc"}
    groups = finding_groups(audited(*findings, records=records), EN, ENGLISH, LIMITS)
    for group in groups:
        left_out = int(group.left_out.split()[0]) if group.left_out else 0
        counted = int(group.counted.split()[0])
        assert len(group.cards) + len(group.lines) + left_out == counted
    assert sum(int(group.counted.split()[0]) for group in groups) == len(findings)


def test_the_first_records_shown_have_different_answers():
    ids = ["a", "b", "c", "d"]
    records = {one: record("t", one, "no" if one == "d" else "yes") for one in ids}
    audit = audited(found("error", *ids), records=records)
    card = finding_groups(audit, EN, ENGLISH, LIMITS)[0].cards[0]
    assert [(one.id, one.answer) for one in card.records] == [("a", "yes"), ("d", "no")]
    assert card.more == "2 more records: b, c"


def test_records_to_keep_and_to_drop_are_marked_and_quoted_once():
    records = {one: record("t", f"the same text {one}", "x") for one in "ab"}
    evidence = {"keep": "a", "drop": ["b"], "similarity": 0.943, "texts": ["the same text a", "another text"]}
    audit = audited(found("warning", "a", "b", kind="near_duplicate", **evidence), records=records)
    card = finding_groups(audit, EN, ENGLISH, LIMITS)[0].cards[0]
    assert [one.role for one in card.records] == ["keep", "drop"]
    assert card.quotes == ("another text",)
    assert [(fact.name, fact.value) for fact in card.facts] == [("Similarity", "94.3%")]


def test_a_quote_is_known_again_in_another_layout():
    records = {"a": record("t", "One post.\nAnother post, long enough to tell.", "x")}
    texts = ["one post / another post, long enough", "one post / a third"]
    audit = audited(found("warning", "a", kind="near_duplicate", texts=texts), records=records)
    assert finding_groups(audit, EN, ENGLISH, LIMITS)[0].cards[0].quotes == ("one post / a third",)


def test_findings_about_many_records_show_none_of_them():
    audit = audited(found("note", "a", "b", kind="over_cap"), records={"a": record("t", "x", "y")})
    card = finding_groups(audit, EN, ENGLISH, LIMITS)[0].cards[0]
    assert (card.records, card.more) == ((), "2 records: a, b")


def test_labels_by_difficulty_show_what_was_not_measured():
    levels = {"yes": {"easy": 4, "boundary": 1, "hard": 0}}
    task = {
        "n": 8,
        "labels": {"no": 2, "yes": 6},
        "difficulty": {"easy": 4, "boundary": 1, "by_label": levels},
    }
    labels = task_pictures("t", 1, task, EN, ENGLISH, rows=9).labels
    assert labels is not None
    assert [(row.name, row.cells) for row in labels.rows] == [
        ("yes", ("6", "4", "1", "0")),
        ("no", ("2", "0", "0", "0")),
    ]
    assert [name for _, name in labels.legend] == ["easy", "boundary", "not measured"]
    assert re.findall(r'class="(\w+)" x="([\d.]+)%"', labels.rows[0].bar) == [
        ("easy", "0"),
        ("boundary", "66.67"),
        ("unmeasured", "83.33"),
    ]


def test_styles_that_vary_are_drawn_and_the_others_named():
    shares = {
        "structure": {"plain": 1.0},
        "keys": {"none": 1.0},
        "opening": {"a": 0.4, "b": 0.3, "c": 0.1, "d": 0.08, "e": 0.06},
    }
    styles = task_pictures("t", 1, {"n": 5, "styles": shares}, EN, ENGLISH, rows=9).styles
    assert styles is not None
    assert [(row.name, row.cells[0]) for row in styles.rows] == [
        ("'a'", "40.0%"),
        ("'b'", "30.0%"),
        ("'c'", "10.0%"),
        ("'d'", "8.0%"),
        ("others", "12.0%"),
    ]
    assert styles.note.startswith("Alike in all answers: Structure (plain text). ")


def test_difficulty_says_whether_it_was_measured():
    counts = {"easy": 3, "boundary": 1, "hard": 0}
    tagged = task_pictures("t", 1, {"n": 4, "difficulty": counts}, EN, ENGLISH, rows=9).difficulty
    margins = {"margins": [1, 3], "edges": [-1, 0, 1]}
    measured = task_pictures("t", 1, {"n": 4, "difficulty": counts | margins}, EN, ENGLISH, rows=9).difficulty
    assert tagged is not None and measured is not None
    assert (tagged.caption, tagged.notes) == ("Difficulty as tagged", ())
    assert measured.caption == "Difficulty for the untrained model"
    assert [(fact.name, fact.value) for fact in measured.facts] == [
        ("easy", "3 · 75.0%"),
        ("boundary", "1 · 25.0%"),
    ]


def test_long_texts_are_cut_and_say_so():
    audit = audited(found("error", "a"), records={"a": record("t", "x" * 80, "y")})
    shown = finding_groups(audit, EN, ENGLISH, LIMITS)[0].cards[0].records[0]
    assert shown.text == "x" * 50 + "… (30 more characters)"


@pytest.mark.parametrize(
    "answers",
    [
        {"yes": ["a", "b"], "no": ["c"]},
        {"a": "yes", "b": "yes", "c": "no"},
        [{"answer": "yes", "ids": ["a", "b"]}, {"answer": "no", "ids": ["c"]}],
    ],
)
def test_answers_of_a_conflict_are_counted(answers):
    facts = evidence_facts(found("error", "a", answers=answers), EN, ENGLISH)
    assert [(fact.name, fact.value) for fact in facts] == [("Answers", "yes × 2, no × 1")]


def test_evidence_by_kind():
    label = {"given": "a", "suggested": "b", "p_given": 0.03, "p_suggested": 0.912}
    outlier = {"feature": "structure", "usual": "plain", "found": "json", "share": 0.98, "examples": ["{}"]}
    leak = {"split": "test", "ids": [f"t{n}" for n in range(8)], "similarity": 1.0}
    sides = [{"split": "validation", "records": ["v1"]}, {"split": "test", "records": ["t1", "t2"]}]
    known = {"classes": {"highly_known": 3, "maybe_known": 0, "unknown": 1}}
    assert pairs("label_error", label) == [("Given label", "a (3.0%)"), ("More likely", "b (91.2%)")]
    assert pairs("format_outlier", outlier) == [
        ("Trait", "Structure"),
        ("Usual", "plain text (98.0%)"),
        ("Here", "JSON"),
    ]
    assert pairs("leak", leak) == [
        ("Also in", "test set: t0, t1, t2, t3, t4, t5 and 2 more in audit.json"),
        ("Similarity", "100.0%"),
    ]
    assert pairs("leak", {"split": "train", "against": sides, "exact": True}) == [
        ("Also in", "validation set: v1"),
        ("Also in", "test set: t1, t2"),
    ]
    assert pairs("unknown_knowledge", known) == [("always right", "3"), ("never right", "1")]
    assert pairs("imbalance", {"ratio": 14.0, "odd_key": 1234, "deep": {"a": {"b": 1}}}) == [
        ("Ratio", "14"),
        ("odd key", "1,234"),
    ]


def test_quoted_texts_stand_under_their_heading():
    leak = found("error", "a", kind="leak", split="train", against=[{"split": "test"}], texts=["x", "y"])
    facts = found("warning", kind="unknown_knowledge", examples=[{"question": "Capital?", "answer": "Paris"}])
    cards = [group.cards[0] for group in finding_groups(audited(leak, facts), EN, ENGLISH, LIMITS)]
    assert [(card.quote_heading, card.quotes) for card in cards] == [
        ("In the test set", ("y",)),
        ("Example", ("Capital?\n→ Paris",)),
    ]


def test_styles_keep_their_own_names_where_there_are_no_words():
    assert style_feature("structure", "zh-CN") == "结构" and style_value("structure", "json", "en") == "JSON"
    assert style_feature("reason_closing", "en") == "Reason · Closing punctuation"
    assert style_value("reason_closing", "stop", "zh-CN") == "句号"
    assert style_feature("new_feature", "en") == "new feature"
    assert style_value("new_feature", "new", "en") == style_value("structure", "new", "en") == "new"


def pairs(kind: str, evidence: dict[str, Any]) -> list[tuple[str, str]]:
    facts = evidence_facts(found("error", kind=kind, **evidence), EN, ENGLISH)
    return [(fact.name, fact.value) for fact in facts]


ODD = [None, {}, {"answers": 7}, {"ids": "x", "split": None}, {"given": {"a": {}}, "p_given": "x"}]


@pytest.mark.parametrize("evidence", ODD)
@pytest.mark.parametrize("kind", KINDS)
def test_missing_or_odd_evidence_is_left_out(kind, evidence):
    one = found("error", "a", kind=kind) | {"evidence": evidence}
    assert evidence_facts(one, ZH, CHINESE) is not None
    assert finding_groups(audited(one, records={"a": {}}), ZH, CHINESE, LIMITS)[0].cards[0].why == "原因"


def test_bars_share_a_scale():
    drawn = stacked_bar([("easy", 30), ("boundary", 0), ("hard", 20)], 200)
    assert re.findall(r'class="(\w+)" x="([\d.]+)%" y="0" width="([\d.]+)%"', drawn) == [
        ("easy", "0", "15"),
        ("hard", "15", "10"),
    ]
    assert "rect" not in stacked_bar([("easy", 0)], 0)


def test_histogram_by_hand():
    drawn = histogram([2, 0, 4], [-1.0, 0.0, 0.5, 1.0], "margins")
    assert re.findall(
        r'class="(below|above)" x="([\d.]+)%" y="([\d.]+)" width="([\d.]+)%" height="([\d.]+)"', drawn
    ) == [
        ("below", "0.00", "75", "50.00", "75"),
        ("above", "75.00", "0", "25.00", "150"),
    ]
    with pytest.raises(ValueError, match="2 bins need 3 edges, got 2"):
        histogram([1, 1], [0.0, 1.0], "x")


def test_rewrites_stand_before_and_after_and_what_was_dropped_is_told():
    finding = found("warning", "a", "b", kind="format_outlier") | {
        "rewrites": [{"record": f"r{n}", "before": f"- old {n}", "after": f"New {n}."} for n in range(7)]
    }
    counts = {
        "asked": 12,
        "proposed": 7,
        "dropped": {"lost_number": 3, "style": 2},
        "not_asked": {"incomplete": 1},
        "left": 4,
        "file": "out/rewrites.jsonl",
        "applied": None,
    }
    audit = audited(finding, records={})
    audit["summary"]["rewrites"] = counts
    [group] = finding_groups(audit, EN, ENGLISH, LIMITS)
    shown = group.cards[0].rewrites
    assert [(row.id, row.before, row.after) for row in shown.rows] == [
        (f"r{n}", f"- old {n}", f"New {n}.") for n in range(4)
    ]
    assert shown.more == "3 more are in rewrites.jsonl."
    assert group.notes[0] == (
        "The model was asked to write 12 answers again; 7 of them can be proposed. Dropped by a check: a number "
        "is missing (3) and still another style (2). Not asked for: a person must complete it (1). 4 more were "
        "left out; --rewrites raises the limit."
    )
    assert "out/rewrites.jsonl" in group.notes[1]
    [chinese] = finding_groups(audit, ZH, CHINESE, LIMITS)
    assert (
        "遗漏数字（3）、写法仍不一致（2）" in chinese.notes[0]
        and chinese.cards[0].rewrites.heading == "改写建议"
    )


def test_every_reason_has_words_in_both_languages():
    reasons = {*DROPPED, *NOT_ASKED, "taken_out"}
    assert reasons <= set(ENGLISH.rewrites.reasons) == set(CHINESE.rewrites.reasons)


def test_coverage_is_told_by_split():
    task = {"coverage": {"by": "n-grams", "splits": {"validation": {"n": 75, "covered": 0.964}}}}
    assert reach_notes(task, EN, ENGLISH) == (
        "Covered by the training set as well as it covers itself: 96.4% of the validation set (75); texts "
        "compared by their n-grams.",
    )
    task["coverage"]["by"] = "some-model"
    assert reach_notes(task, ZH, CHINESE) == (
        "训练集的覆盖程度（与覆盖自身相比）：验证集 96.4%（75 条）；按模型 some-model 的隐藏状态比较文本。",
    )
    assert reach_notes({"coverage": None}, EN, ENGLISH) == ()


def test_uncovered_labels_are_counted():
    evidence = {"splits": ["test"], "labels": {"a": {"n": 45, "far": 27}}, "examples": ["x"]}
    audit = audited(
        found("warning", "t1", kind="uncovered", **evidence), records={"t1": record("t", "x", "y")}
    )
    card = finding_groups(audit, EN, ENGLISH, LIMITS)[0].cards[0]
    assert [(fact.name, fact.value) for fact in card.facts] == [
        ("Splits", "test set"),
        ("Labels", "a (27 of 45)"),
    ]
    assert card.records == (), "another split's ids may stand for other records"
