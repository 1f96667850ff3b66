"""What training would refuse or learn wrongly, cause by cause."""

import random

import pytest
from audit_cases import banking, needs_public_data, record, scenario, task
from tests import tiny_scenario

from sftloop.curate.trainable.token_fit import closes_turns
from sftloop.curate.trainable.trainability import find_untrainable
from sftloop.models import TaskTokens
from sftloop.records import Record
from sftloop.scenario import Answer

YES_NO = {"yes": "m", "no": "m"}
CHOICE = scenario(task("t", labels=YES_NO))
REPLY = scenario(task("t", "generate"))


def causes(findings):
    return {each.evidence["cause"]: each.records for each in findings}


@pytest.mark.parametrize("text", ["", "  \n", "...", "？！", "-- . --"])
def test_empty_answers_and_only_punctuation(text):
    (finding,) = find_untrainable([record("a", text=text), record("b", text="fine")], REPLY).findings
    assert causes([finding]) == {"empty": ("a",)}
    assert finding.severity == "error" and "1 of 2 records of task 't'" in finding.why
    assert "2 条记录中有 1 条" in finding.why_zh


def test_answers_of_one_sign_that_mean_something():
    assert (
        find_untrainable([record("a", text="+"), record("b", text="3"), record("c", text="👍")], REPLY)[0]
        == []
    )


def test_labels_may_be_signs():
    signs = scenario(task("t", labels={"-": "m", "?": "m"}))
    assert find_untrainable([record("a", label="-"), record("b", label="?")], signs).findings == []


def test_what_does_not_fit_the_scenario():
    of = scenario(task("t", labels=YES_NO, answer={"reason": True}))
    records = [
        record("a", label="maybe", reason="so"),
        record("b", label="yes"),
        record("c", label="no", reason="because"),
        record("d", text="yes"),
    ]
    findings = find_untrainable(records, of).findings
    assert causes(findings) == {"empty": ("d",), "misfit": ("a", "b")}
    assert any("has no label 'maybe'" in text for text in findings[1].evidence["examples"])
    assert any(
        "asks for 'reason' and the answer has none" in text for text in findings[1].evidence["examples"]
    )


def test_a_text_that_is_not_read_back_as_written():
    of = scenario(task("t", "generate", answer={"format": "json"}))
    records = [record("fine", text="two\nlines"), record("odd", text="  spaces  around ")]
    assert find_untrainable(records, of).findings == []
    multi = scenario(task("t", "multi", labels=YES_NO, answer={"format": "json"}))
    (finding,) = find_untrainable([record("twice", labels=["yes", "yes"])], multi).findings
    assert finding.evidence["cause"] == "misfit"


def test_evidence_must_stand_in_the_input_word_for_word():
    of = scenario(task("t", labels=YES_NO, answer={"evidence": True}))
    records = [
        record("a", "My son is three.", label="yes", evidence=["My son is three."]),
        record("b", "My son is three.", label="yes", evidence=["my son is 3"]),
        record("c", "Hello.", label="no", evidence=[]),
    ]
    (finding,) = find_untrainable(records, of).findings
    assert causes([finding]) == {"unquoted": ("b",)} and "my son is 3" in finding.why
    assert find_untrainable(records, CHOICE).findings == [], "evidence that isn't asked for isn't written"


def test_a_label_behind_a_mark_is_a_leak_and_as_a_word_it_is_not():
    records = [record(f"w{n}", f"{n}: yes, I said no", label=("yes", "no")[n % 2]) for n in range(40)]
    records += [
        record("l1", "Is it late? Label: yes", label="yes"),
        record("l2", 'The answer is "no".', label="no"),
        record("l3", "label: yes", label="no"),
        record("l4", "label: yesterday", label="yes"),
    ]
    (finding,) = find_untrainable(records, CHOICE).findings
    assert causes([finding]) == {"label_in_input": ("l1", "l2")}
    assert finding.severity == "error"


def test_chinese_marks():
    of = scenario(task("t", labels={"有": "m", "没有": "m"}), language="zh")
    records = [record("a", "我家孩子三岁。标签：有", label="有"), record("b", "没有孩子", label="没有")]
    assert causes(find_untrainable(records, of).findings) == {"label_in_input": ("a",)}


def test_a_label_in_all_of_its_own_inputs_and_no_others():
    texts = {"yes": "[yes] {n} is here", "no": "{n} is not here"}
    records = [
        record(f"{label}{n:02}", texts[label].format(n=n), label=label) for label in texts for n in range(40)
    ]
    (finding,) = find_untrainable(records, CHOICE).findings
    assert len(finding.records) == 40 and set(finding.records) == {f"yes{n:02}" for n in range(40)}
    topic = [
        record(f"{label}{n:02}", f"{n} {label if n % 3 else 'else'}", label=label)
        for label in texts
        for n in range(40)
    ]
    assert find_untrainable(topic, CHOICE).findings == [], "two of three inputs name a topic's word"


def test_an_identifier_in_the_input_is_telling_at_once():
    of = scenario(task("t", labels={"card_arrival": "m", "refund": "m"}))
    records = [
        record("a", "where is it #card_arrival", label="card_arrival"),
        record("b", "card arrival please", label="card_arrival"),
        record("c", "not card_arrival_old", label="card_arrival"),
    ]
    assert causes(find_untrainable(records, of).findings) == {"label_in_input": ("a",)}


def test_an_answer_that_stands_in_the_input_unless_that_is_the_task():
    answer = "The parcel will arrive on Monday morning."
    records = [
        record(f"r{n}", f"question {n}", text=f"Another answer, number {n}, of its own.") for n in range(9)
    ]
    leak = record("x", f"When? {answer} Thanks", text=answer)
    (finding,) = find_untrainable([*records, leak], REPLY).findings
    assert causes([finding]) == {"answer_in_input": ("x",)} and finding.severity == "warning"
    copying = [
        record(f"c{n}", f"Copy: sentence number {n} as it is.", text=f"sentence number {n} as it is.")
        for n in range(9)
    ]
    assert find_untrainable([*copying, leak], REPLY).findings == []
    assert find_untrainable([*records, record("s", "yes or no?", text="yes")], REPLY).findings == []


def words(identifier, text, label="w30"):
    return Record(id=identifier, task="kind", input={"text": text}, answer=Answer(label=label))


def test_with_a_tokenizer():
    of = tiny_scenario.scenario()
    encoder = tiny_scenario.tiny_encoder()
    tokens = {name: TaskTokens.of(of, name, encoder) for name in of.tasks}
    records = [
        words("short", "w50"),
        words("long", " ".join(["w60"] * 30)),
        words("longer", " ".join(["w60"] * 40)),
    ]
    sizes = {r.id: len(tokens["kind"].prompt(r)) + len(tokens["kind"].target(r)) for r in records}
    found, (fact,) = find_untrainable(records, of, tokens=tokens, context_tokens=sizes["long"] - 1)
    assert causes(found) == {"too_long": ("longer", "long")}
    assert f"longer ({sizes['longer']} tokens)" in found[0].why
    assert fact.longest == sizes["longer"] and fact.target_tokens == 2
    assert fact.target_share == pytest.approx(6 / sum(sizes.values()))
    assert fact.prefix_tokens == len(tokens["kind"].prefix)
    assert find_untrainable(records, of, tokens=tokens, context_tokens=sizes["longer"]).findings == []
    assert find_untrainable(records, of, tokens=tokens).findings == [], "without a known context"


def test_answers_longer_than_evaluation_lets_them_be():
    of = scenario(task("t", "generate", max_answer_tokens=4))
    tokens = {"t": TaskTokens.of(of, "t", tiny_scenario.tiny_encoder())}
    records = [
        record("fits", text="w3 w4 w5"),
        record("long", text="w3 w4 w5 w6"),
        record("b", text="w3 " * 9),
    ]
    (finding,) = find_untrainable(records, of, tokens=tokens).findings
    assert causes([finding]) == {"cut_off": ("b", "long")} and finding.severity == "warning"
    assert "b (10 tokens)" in finding.why and "max_answer_tokens" in finding.mend


def test_an_answer_whose_tokens_are_all_dropped(monkeypatch):
    of = tiny_scenario.scenario()
    tokens = {"kind": TaskTokens.of(of, "kind", tiny_scenario.tiny_encoder())}
    monkeypatch.setattr(TaskTokens, "target", lambda self, record: [2])
    (finding,) = find_untrainable([words("a", "w50")], of, tokens=tokens).findings
    assert causes([finding]) == {"masked": ("a",)}


def test_a_template_that_does_not_end_the_turn():
    of = tiny_scenario.scenario()
    encoder = tiny_scenario.tiny_encoder()
    assert closes_turns(encoder)
    encoder.tokenizer.chat_template = "{% for m in messages %}{{ m.content }} {% endfor %}"
    assert not closes_turns(encoder)
    tokens = {"kind": TaskTokens.of(of, "kind", encoder)}
    (finding,) = find_untrainable([words("a", "w50")], of, tokens=tokens).findings
    assert (finding.severity, finding.task, finding.evidence) == ("note", None, {"cause": "no_end_of_turn"})


def test_the_order_of_the_records_plays_no_part():
    records = [record(f"r{n}", f"label: yes {n}", label="yes") for n in range(9)] + [record("x", text="a")]
    shuffled = random.Random(0).sample(records, len(records))
    assert find_untrainable(records, CHOICE) == find_untrainable(shuffled, CHOICE)


@needs_public_data
def test_banking_itself_gives_nothing_away_and_planted_leaks_are_found():
    rows = banking()
    of = scenario(task("t", labels=dict.fromkeys(sorted({intent for _, intent in rows}), "m")))
    records = [record(f"r{n:05}", text, label=intent) for n, (text, intent) in enumerate(rows)]
    assert find_untrainable(records, of).findings == []
    planted = {f"r{n:05}" for n in range(0, len(rows), 40)}
    leaking = [
        record(r.id, f"{r.input['text']} (category: {r.answer.label})", label=r.answer.label)
        if r.id in planted
        else r
        for r in records
    ]
    (finding,) = find_untrainable(leaking, of).findings
    assert set(finding.records) == planted
