"""Findings about repeated, contradictory and leaking records: by hand, and planted in public data."""

import csv
import json
import os
import random
import re
import string
from pathlib import Path

import pytest

from sftloop.curate.copies.duplicates import find_conflicts, find_duplicates
from sftloop.curate.copies.inputs import input_keys
from sftloop.curate.copies.leaks import find_leaks
from sftloop.curate.copies.near_duplicates import near_pairs_across
from sftloop.curate.copies.near_records import find_near_duplicates
from sftloop.records import Record, input_key
from sftloop.scenario import Answer
from sftloop.scenario.answer import MAIN_KEY

PUBLIC = os.environ.get("SFTLOOP_BENCH_DATA")
public = pytest.mark.skipif(not PUBLIC, reason="SFTLOOP_BENCH_DATA names no directory with the public files")
CARD = "I still have not received my new card, I ordered over a week ago."
CARD_TYPO = "I still have not recieved my new card, I ordered over a week ago."


def rec(identifier, message, label="a", task="intent", tags=(), source=None, **parts):
    if not parts.keys() & {*MAIN_KEY.values()}:
        parts["label"] = label
    return Record(
        id=identifier,
        task=task,
        input={"message": message},
        answer=Answer(**parts),
        tags=tags,
        source=source,
    )


def test_copies_are_one_finding_and_the_most_careful_one_stays():
    records = [
        rec("r1", "Where is it?"),
        rec("r2", "where is it", tags=("boundary",)),
        rec("r3", "WHERE  is it!", source="hand"),
        rec("r4", "Where is it?", tags=("reviewed",)),
        rec("r5", "Where is it?", label="b"),
        rec("r6", "Where is it?", task="other"),
    ]
    (finding,) = find_duplicates(records)
    assert (finding.kind, finding.severity, finding.task) == ("duplicate", "warning", "intent")
    assert finding.records == ("r1", "r2", "r3", "r4")
    assert finding.evidence == {"keep": "r4", "drop": ["r1", "r2", "r3"]}
    assert "4 records" in finding.why and "r4" in finding.mend and "4 条记录" in finding.why_zh
    kept = [find_duplicates(records[:n])[0].evidence["keep"] for n in (2, 3)]
    assert kept == ["r2", "r3"] and find_duplicates(records[:1]) == []


POLICY = "Guests may cancel until noon of the day before arrival without a fee. " * 6
QUESTIONS = [
    "May I bring my dog?",
    "When does breakfast end?",
    "Is there a lift to the third floor?",
    "How do I get a second key?",
    "Can I pay in cash?",
    "Where do I leave the car?",
]


def about_policy(identifier, message, label="a"):
    return Record(
        id=identifier,
        task="reply",
        input={"message": message, "facts": POLICY},
        answer=Answer(label=label),
    )


def test_a_long_context_that_records_share_makes_them_no_copies():
    train = [about_policy(f"r{n}", text) for n, text in enumerate(QUESTIONS)]
    test = [about_policy("t", "Do you have a swimming pool?")]
    assert find_near_duplicates(train) == []
    assert find_leaks({"train": train, "test": test}) == []
    typo = about_policy("typo", QUESTIONS[2].replace("third", "thrid"))
    (near,) = find_near_duplicates([*train, typo])
    assert set(near.records) == {"r2", "typo"}
    (leak,) = find_leaks({"train": train, "test": [*test, typo]})
    assert leak.records == ("r2",)


def test_one_question_about_several_documents_is_no_copy():
    texts = [" ".join(random.Random(n).choices(string.ascii_lowercase, k=99)) for n in range(6)]
    records = [
        Record(
            id=f"r{n}",
            task="reply",
            input={"message": QUESTIONS[n % 2], "facts": text},
            answer=Answer(label="a"),
        )
        for n, text in enumerate(texts)
    ]
    assert find_near_duplicates(records) == []


def test_a_finding_is_one_short_line():
    records = [rec(f"r{n}", "Wo ist {meine}\n" * 40) for n in range(2)]
    (finding,) = find_duplicates(records)
    assert "\n" not in finding.why and len(finding.why) < 130 and "{meine}" in finding.why


def test_several_documents_are_one_input():
    def posts(identifier, *texts):
        return Record(id=identifier, task="t", input={"posts": list(texts)}, answer=Answer(label="a"))

    records = [
        posts("r1", "one", "two"),
        posts("r2", "One", "two!"),
        posts("r3", "two", "one"),
        posts("r4", "one two"),
    ]
    assert [finding.records for finding in find_duplicates(records)] == [("r1", "r2")]
    same = [[a == b for b in input_keys(records)] for a in input_keys(records)]
    keys = [input_key(record.input) for record in records]
    assert same == [[a == b for b in keys] for a in keys]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"labels": ("x", "y")}, {"labels": ("y", "x")}, True),
        ({"label": "x", "reason": "so"}, {"label": "x", "reason": "else"}, True),
        ({"fields": {"a": 1, "b": None}}, {"fields": {"b": None, "a": 1}}, True),
        ({"fields": {"a": 1}}, {"fields": {"a": 2}}, False),
        ({"fields": {"a": "x", "b": None}}, {"fields": {"a": "x"}}, True),
        ({"fields": {"a": 3}}, {"fields": {"a": 3.0}}, True),
        ({"score": 3}, {"score": 3.0}, True),
        ({"score": 1}, {"score": 1.5}, False),
        ({"text": "Yes, of course."}, {"text": "yes of course"}, True),
        ({"labels": ()}, {"labels": ("x",)}, False),
    ],
)
def test_what_counts_as_the_same_answer(one, other, same):
    records = [rec("r1", "text", **one), rec("r2", "Text", **other)]
    assert (len(find_duplicates(records)), len(find_conflicts(records))) == ((1, 0) if same else (0, 1))


def test_a_conflict_names_every_answer_and_what_speaks_for_one():
    records = [rec("r1", "Lost"), rec("r2", "lost", label="b"), rec("r3", "lost!", label="b")]
    (finding,) = find_conflicts(records)
    assert (finding.kind, finding.severity, finding.records) == ("conflict", "error", ("r1", "r2", "r3"))
    assert finding.evidence["answers"] == [
        {"answer": "a", "records": ["r1"]},
        {"answer": "b", "records": ["r2", "r3"]},
    ]
    assert finding.evidence["suggested"] == "b" and finding.mend.startswith("Most records")
    checked = [rec("r0", "lost", tags=("reviewed",)), *records]
    (finding,) = find_conflicts(checked)
    assert finding.evidence["suggested"] == "a" and "人工核对" in finding.mend_zh
    assert finding.records == ("r2", "r3", "r0", "r1")
    (open_,) = find_conflicts(records[:2])
    assert open_.evidence["suggested"] is None and "Decide" in open_.mend


def test_two_checked_answers_that_differ_settle_nothing():
    records = [rec(f"r{n}", "x", label=label, source="hand") for n, label in enumerate("aab")]
    assert find_conflicts(records)[0].evidence["suggested"] is None


def test_different_texts_are_no_error():
    (finding,) = find_conflicts([rec("r1", "Hello", text="Hi!"), rec("r2", "hello", text="Good day")])
    assert finding.severity == "note" and finding.evidence["suggested"] is None


def test_near_duplicates_leave_copies_to_the_other_finding():
    records = [rec("r1", CARD), rec("r2", CARD.upper()), rec("r3", CARD_TYPO), rec("r4", CARD, task="other")]
    (finding,) = find_near_duplicates(records)
    assert (finding.kind, finding.severity, finding.task) == ("near_duplicate", "warning", "intent")
    assert set(finding.records) == {"r1", "r3"} and finding.records[0] == finding.evidence["keep"]
    assert finding.evidence["similarity"] == round(57 / 65, 4)  # 4 of 61 shingles differ on either side
    assert {shown["text"] for shown in finding.evidence["texts"]} == {CARD, CARD_TYPO}
    assert find_near_duplicates(records[:2]) == []


def test_the_reviewed_record_stays_and_similarity_is_measured_to_it():
    long = "please tell me how I can change the personal code of my card at once"
    records = [
        rec("r1", long),
        rec("r2", f"hello {long}"),
        rec("r3", f"{long} thank you", tags=("reviewed",)),
    ]
    (finding,) = find_near_duplicates(records)
    assert finding.evidence["keep"] == "r3" and finding.evidence["drop"] == ["r1", "r2"]
    only = find_near_duplicates(records[1:])
    assert only[0].evidence["similarity"] == finding.evidence["similarity"]


def test_near_inputs_with_different_answers_are_a_note():
    (finding,) = find_near_duplicates([rec("r1", CARD), rec("r2", CARD_TYPO, label="b")])
    assert finding.severity == "note" and finding.evidence["answers_differ"]
    assert "answered differently" in finding.why and "答案却不同" in finding.why_zh


def test_leaks_go_from_the_earlier_split():
    splits = {
        "test": [rec("t1", CARD), rec("t2", "How do I change my PIN?")],
        "train": [
            rec("r1", CARD.lower()),
            rec("r2", CARD, task="other"),
            rec("r3", "How do i change my PIN now?"),
            rec("r4", "Is there a fee?"),
        ],
        "validation": [rec("v1", "How do I change my PIN??"), rec("v2", "Do you ship abroad?")],
    }
    found = {(f.severity, f.evidence["split"]): f for f in find_leaks(splits)}
    assert len(found) == len(find_leaks(splits)) == 3
    exact = found["error", "train"]
    assert exact.records == ("r1", "r2") and exact.task is None and exact.evidence["exact"]
    assert exact.evidence["against"] == [{"split": "test", "records": ["t1"]}]
    near = found["warning", "train"]
    assert near.records == ("r3",) and near.task == "intent"
    assert near.evidence["against"] == [
        {"split": "validation", "records": ["v1"]},
        {"split": "test", "records": ["t2"]},
    ]
    assert 0.65 <= near.evidence["similarity"] < 1 and "validation + test" in near.why
    assert found["error", "validation"].records == ("v1",)


def test_what_leaks_exactly_is_not_told_again_as_near():
    splits = {"train": [rec("r1", CARD)], "test": [rec("t1", CARD), rec("t2", CARD_TYPO)]}
    (finding,) = find_leaks(splits)
    assert finding.severity == "error" and find_leaks({"train": splits["train"]}) == []


def test_a_text_of_several_tasks_leaks_only_across_splits():
    both = [rec("r1", CARD), rec("r2", CARD, task="other")]
    assert find_leaks({"train": both, "test": []}) == [] == find_duplicates(both)


def banking():
    with (Path(PUBLIC or "") / "banking77" / "train.csv").open(encoding="utf-8", newline="") as stream:
        return [(row["text"], row["category"]) for row in csv.DictReader(stream)]


def tnews():
    lines = (Path(PUBLIC or "") / "fewclue/tnews/unlabeled.json").read_text(encoding="utf-8").splitlines()
    return [(json.loads(line)["sentence"], "x") for line in lines]


def respelled(draw, text):
    """Case, punctuation and space: an exact copy to anyone who normalises."""
    text = text.replace("，", "、 ").replace(", ", " - ").rstrip("?？!！.。")
    return "".join(draw.choice((mark.upper(), mark.lower())) for mark in text) + draw.choice("!?.。 ")


def edited(draw, text):
    """One character wrong, or a greeting in front."""
    chinese = re.search("[\u4e00-\u9fff]", text)
    if draw.random() < 0.5:
        return draw.choice(("您好，", "请问，") if chinese else ("Hi, ", "Hello! ")) + text
    place = draw.randrange(len(text))
    wrong = draw.choice(
        "的一是了我不人在他有这" if chinese else string.ascii_lowercase.replace(text[place].lower(), "")
    )
    return text[:place] + wrong + text[place + draw.randint(0, 1) :]


def touched(finding):
    others = [identifier for side in finding.evidence.get("against", ()) for identifier in side["records"]]
    return {*finding.records, *others}


def naturally_near(records):
    """Return the ids of records that are near to another one before anything is planted."""
    texts = [record.text() for record in records]
    pairs = near_pairs_across(texts * 2, [0] * len(texts) + [1] * len(texts))
    ends = [(left, right - len(texts)) for left, right, _ in pairs]
    return {records[end].id for pair in ends if pair[0] != pair[1] for end in pair}


def scored(findings, planted, natural):
    """Return recall of the planted pairs, and the planted share of what is touched.

    What is near by nature, without anything planted, doesn't count in the share.
    """
    groups = [touched(finding) for finding in findings]
    families = {identifier for pair in planted for identifier in pair}
    counted = {i for group in groups for i in group if i.split("+")[0] not in natural}
    found = sum(any({*pair} <= group for group in groups) for pair in planted)
    return found / len(planted), len(counted & families) / len(counted)


@pytest.fixture(scope="module", params=[banking, tnews])
def drawn(request):
    """Return 4,000 public records of which 500 are held out, the ids that are near by nature, and a draw."""
    draw = random.Random(5)
    rows = [row for row in draw.sample(request.param(), 4000) if len(row[0]) > 5]
    records = [rec(f"o{n}", text, label) for n, (text, label) in enumerate(rows)]
    return records, naturally_near(records), draw


def planted(draw, records, change):
    return [rec(f"{r.id}+", change(draw, r.input["message"]), r.answer.label) for r in records]


@public
def test_respelled_copies_in_public_data_are_found(drawn):
    records, _, draw = drawn
    copies = planted(draw, draw.sample(records, 300), respelled)
    pairs = [(copy.id, copy.id[:-1]) for copy in copies]
    before = {identifier for finding in find_duplicates(records) for identifier in finding.records}
    assert scored(find_duplicates([*records, *copies]), pairs, before) == (1, 1)


@public
def test_edited_copies_in_public_data_are_found(drawn):
    records, natural, draw = drawn
    copies = planted(draw, draw.sample(records, 300), edited)
    recall, precision = scored(
        find_near_duplicates([*records, *copies]), [(copy.id, copy.id[:-1]) for copy in copies], natural
    )
    assert recall >= 0.95 and precision >= 0.9


@public
@pytest.mark.parametrize(("change", "severity"), [(respelled, "error"), (edited, "warning")])
def test_leaks_in_public_data_are_found(drawn, change, severity):
    records, natural, draw = drawn
    train, test = records[:-500], records[-500:]
    leaked = planted(draw, draw.sample(train, 200), change)
    findings = find_leaks({"train": train, "test": [*test, *leaked]})
    recall, precision = scored(findings, [(leak.id, leak.id[:-1]) for leak in leaked], natural)
    assert recall >= 0.95 and precision >= 0.9
    severities = [finding.severity for finding in findings]
    assert severities.count(severity) > len(severities) / 2


def test_near_leaks_are_found_where_the_same_questions_are_asked_about_many_documents():
    draw = random.Random(3)
    documents = [" ".join(draw.choices(string.ascii_lowercase, k=300)) for _ in range(12)]
    questions = [
        " ".join(draw.choices(["where", "when", "who", "paid", "cold", "rain", "sold"], k=9))
        for _ in range(40)
    ]

    def record(identifier, question, document):
        given = {"message": question, "facts": document}
        return Record(id=identifier, task="reply", input=given, answer=Answer(label="a"))

    train = [
        record(f"r{d}-{q}", text, doc) for d, doc in enumerate(documents) for q, text in enumerate(questions)
    ]
    near = {(d, q) for d in range(12) for q in range(0, 40, 5)}
    test = [record(f"t{d}-{q}", f"Please, {questions[q]}", documents[d]) for d, q in sorted(near)]
    found = {name for leak in find_leaks({"train": train, "test": test}) for name in leak.records}
    assert {f"r{d}-{q}" for d, q in near} <= found
