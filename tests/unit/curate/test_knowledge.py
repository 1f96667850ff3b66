"""Facts are told from judgements and from what the input says; few answers say what all 170 would."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from tests.tiny_models import tiny_model
from tests.tiny_scenario import tiny_encoder

from sftloop.curate.knowledge import asking, knowledge
from sftloop.curate.knowledge.asking import SAMPLING, few_shot_of
from sftloop.curate.knowledge.few_shot import Fact, FewShot
from sftloop.curate.knowledge.knowledge import KnowledgeReport, RecordKnowledge, _findings, measure_knowledge
from sftloop.curate.knowledge.right_answer import is_right
from sftloop.curate.knowledge.short_facts import facts_of
from sftloop.curate.knowledge.slick import CLASSES, PROMPTS, SAMPLES, full_class
from sftloop.models.sample import write_answers
from sftloop.records import Record
from sftloop.scenario import Answer, Scenario, load_scenario

YAML = """\
name: facts
model: model
tasks:
  qa: {kind: generate, input: [question], instruction: w13 w14}
  card:
    kind: extract
    input: [text]
    fields: {city: where, year: {means: when, type: number}, met: {means: did they, type: boolean},
             day: {means: the day, type: date}}
  kind: {kind: choice, input: [text], labels: {a: one, b: two}}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    (tmp_path / "scenario.yaml").write_text(YAML)
    return load_scenario(tmp_path)


def asked(question: str, text: str, **more: Any) -> Record:
    return Record(id=question, task="qa", input={"question": question}, answer=Answer(text=text, **more))


def card(text: str, **fields: Any) -> Record:
    return Record(id=text, task="card", input={"text": text}, answer=Answer(fields=fields))


@pytest.mark.parametrize(
    ("written", "expected", "right"),
    [
        ("Paris", "Paris", True),
        ("It is paris, of course.", "Paris", True),
        ("Parisian", "Paris", False),
        ("The answer is New York City", "New York", True),
        ("York New", "New York", False),
        ("1,945", "1945", True),
        ("in 1945.", "1945", True),
        ("19450", "1945", False),
        ("3.14", "3", False),
        ("首都是北京。", "北京", True),
        ("首都是南京。", "北京", False),
        ("ＰＡＲＩＳ", "Paris", True),
        ("", "Paris", False),
        ("anything", "?", False),
    ],
)
def test_right_answers(written: str, expected: str, right: bool) -> None:
    assert is_right(written, expected) is right


def test_a_label_is_a_judgement(scenario: Scenario) -> None:
    record = Record(id="r", task="kind", input={"text": "x"}, answer=Answer(label="a"))
    assert facts_of(scenario, record) == "judgement"


def test_what_the_input_says_is_no_fact(scenario: Scenario) -> None:
    assert facts_of(scenario, asked("Is it Paris or Lyon?", "paris")) == "grounded"
    quoted = asked("We met at noon.", "twelve o'clock", evidence=("at noon",))
    assert facts_of(scenario, quoted) == "grounded"
    made_up = asked("We met at noon.", "twelve o'clock", evidence=("at dawn",))
    assert isinstance(facts_of(scenario, made_up), list)
    nearly = asked(
        "The order was sent on Monday from the old store.", "It was sent on Monday from the old store"
    )
    assert facts_of(scenario, nearly) == "grounded"


def test_a_short_answer_from_elsewhere_is_a_fact(scenario: Scenario) -> None:
    question = "What is the capital of France?"
    assert facts_of(scenario, asked(question, " Paris ")) == [Fact(question, "qa", None, question, "Paris")]


def test_a_long_answer_is_not_measured(scenario: Scenario) -> None:
    assert facts_of(scenario, asked("Why?", "because " * 21)) == "long_answer"
    assert isinstance(facts_of(scenario, asked("Why?", "because " * 20)), list)
    assert facts_of(scenario, asked("为何？", "因为" * 16)) == "long_answer"  # 32 characters
    assert isinstance(facts_of(scenario, asked("为何？", "因为" * 15)), list)


def test_only_fields_that_the_text_lacks_are_facts(scenario: Scenario) -> None:
    text = "In 1990 they met in Rome on 5 March."
    assert facts_of(scenario, card(text, city="Rome", year=1990.0, met=True, day="1990-03-05")) == "grounded"
    assert facts_of(scenario, card(text, city="Oslo", year=1990, met=True, day="1990-03-06")) == [
        Fact(text, "card", "city", text, "Oslo"),
        Fact(text, "card", "day", text, "1990-03-06"),
    ]
    assert facts_of(scenario, card(text, city=None, year=1991.0)) == [
        Fact(text, "card", "year", text, "1991")
    ]
    assert facts_of(scenario, card(text, city=None, year=None)) == "nothing_said"
    assert facts_of(scenario, card(text, met=False)) == "judgement"
    assert facts_of(scenario, asked("How?", "…!")) == "nothing_said"


def facts(count: int, *, answers: int = 1000) -> list[Fact]:
    return [Fact(f"r{n}", "qa", None, f"w{20 + n} w3", f"w{70 + n % answers}") for n in range(count)]


def few_shot(own: list[Fact]) -> FewShot:
    return FewShot(tiny_encoder(), own, instruction="w13 w14", language="en", seed=0)


def test_prompts_show_four_others_and_never_give_the_answer_away() -> None:
    own, encoder = facts(12), tiny_encoder()
    for fact in own:
        [question], [answer] = (
            encoder.tokenizer.convert_tokens_to_ids([word])
            for word in (fact.question.split()[0], fact.answer)
        )
        prompts = few_shot(own).prompts(fact)
        assert len(prompts) == PROMPTS
        assert len({tuple(prompt) for prompt in prompts}) > PROMPTS // 2
        for prompt in prompts:
            assert prompt.count(question) == 1
            assert answer not in prompt
            assert sum(encoder.tokenizer.convert_tokens_to_ids(f.answer) in prompt for f in own) == 4


def test_equal_answers_are_shown_only_where_no_others_are_left() -> None:
    own = facts(8, answers=1)
    assert len(few_shot(own).prompts(own[0])) == PROMPTS
    copy = Fact("copy", "qa", None, own[0].question, "w99")
    shown = few_shot([*own, copy]).prompts(copy)
    question = tiny_encoder().tokenizer.convert_tokens_to_ids("w20")
    assert all(prompt.count(question) == 1 for prompt in shown)


def test_exemplars_do_not_depend_on_the_records_order() -> None:
    own = facts(15)
    assert few_shot(own).prompts(own[3]) == few_shot(own[::-1]).prompts(own[3])


def test_most_prompts_of_a_set_begin_alike() -> None:
    own = facts(30)
    shots = few_shot(own)
    for number in range(PROMPTS):
        beginnings = [tuple(shots.prompts(fact)[number][:-4]) for fact in own]
        assert max(map(beginnings.count, beginnings)) >= 20


def records_that_a_model_half_knows(scenario: Scenario) -> tuple[Any, list[Record], list[Fact]]:
    """Two words as answers, at random but for some facts that are nobody's exemplar: what the model writes to one
    of its prompts.

    Returns:
        The model, the records, and twenty facts that are worth a look.
    """
    model, draw, encoder = tiny_model("llama", seed=3), random.Random(1), tiny_encoder()
    questions = [f"w{20 + n} w{100 - n} w3" for n in range(60)]
    own = [
        asked(question, f"w{draw.randrange(60, 120)} w{draw.randrange(60, 120)}") for question in questions
    ]
    found = [fact for record in own for fact in facts_of(scenario, record)]
    shots = few_shot_of(encoder, scenario, found, 0)["qa", None]
    shown = {shot for pool in shots._pools for shot in pool[:5]}
    looked_at = [fact for fact in found if fact not in shown][:16]
    for number, fact in enumerate(looked_at[:12]):
        prompt = shots.prompts(fact)[number % PROMPTS]
        [[written]] = write_answers(model, encoder, [prompt], stop=None, limit=2)
        known = asked(fact.question, written.text)
        if isinstance(facts_of(scenario, known), list):
            own[questions.index(fact.question)] = known
    names = {fact.record_id for fact in [*looked_at, *list(shown)[:4]]}
    return model, own, [fact for r in own if r.id in names for fact in facts_of(scenario, r)]


def by_all_answers(
    model: Any, scenario: Scenario, records: list[Record], looked_at: list[Fact]
) -> dict[str, str]:
    encoder = tiny_encoder()
    found = [fact for record in records for fact in facts_of(scenario, record)]
    shots = few_shot_of(encoder, scenario, found, 0)["qa", None]
    classes = {}
    for fact in looked_at:
        prompts, limit = shots.prompts(fact), asking._room(shots.answer(fact))
        greedy = write_answers(model, encoder, prompts, limit=limit)
        samples = write_answers(
            model, encoder, prompts, numbers=[range(SAMPLES)] * PROMPTS, sampling=SAMPLING, limit=limit
        )
        classes[fact.record_id] = full_class(
            [is_right(own.text, fact.answer) for [own] in greedy],
            [is_right(each.text, fact.answer) for own in samples for each in own],
        )
    return classes


def test_few_answers_say_what_all_would(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_room", len)  # a random model never ends its answer
    model, records, looked_at = records_that_a_model_half_knows(scenario)
    expected = by_all_answers(model, scenario, records, looked_at)
    assert len(set(expected.values())) >= 3
    report = measure_knowledge(model, tiny_encoder(), scenario, records)
    got = {record.record_id: record.verdict for record in report.records}
    assert sum(got[name] == expected[name] for name in expected) >= 0.9 * len(expected)
    assert 0 < report.generations_per_record <= 17
    assert sum(report.counts()["qa"].values()) == len(records)


def test_neither_order_nor_company_changes_a_verdict(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_room", len)
    model, records, _ = records_that_a_model_half_knows(scenario)
    report = measure_knowledge(model, tiny_encoder(), scenario, records)
    monkeypatch.setattr(knowledge, "_AT_ONCE", 15)
    backwards = measure_knowledge(model, tiny_encoder(), scenario, records[::-1])
    assert list(backwards.records[::-1]) == list(report.records)


def test_what_was_asked_is_kept_over_a_kill(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(asking, "_room", len)
    monkeypatch.setattr(knowledge, "_AT_ONCE", 4)
    model, records, _ = records_that_a_model_half_knows(scenario)
    file = tmp_path / "inquiries.jsonl"
    report = measure_knowledge(model, tiny_encoder(), scenario, records, inquiries=file)
    lines = file.read_text().splitlines(keepends=True)
    assert len(lines) == len({json.loads(line)["fact"]["record_id"] for line in lines}) == len(records)
    file.write_text("".join(lines[:-2]) + lines[-2][:20])
    asked: list[int] = []
    real = asking.Asker.ask
    monkeypatch.setattr(
        asking.Asker,
        "ask",
        lambda self, facts, progress: asked.append(len(facts)) or real(self, facts, progress),
    )
    again = measure_knowledge(model, tiny_encoder(), scenario, records, inquiries=file)
    assert asked == [2], "the torn line's and the last one"
    assert list(again.records) == list(report.records)


def test_what_cannot_be_asked_is_counted(scenario: Scenario) -> None:
    model, encoder = tiny_model("llama"), tiny_encoder()
    few = [asked(f"w{20 + n}", f"w{60 + n}") for n in range(4)]
    label = Record(id="l", task="kind", input={"text": "x"}, answer=Answer(label="a"))
    report = measure_knowledge(model, encoder, scenario, [*few, label])
    assert report.counts() == {"qa": {"too_few_facts": 4}, "kind": {"judgement": 1}}
    assert report.findings == []
    assert report.records[0].to_json() == {"id": "w20", "task": "qa", "exempt": "too_few_facts"}
    encoder.context_tokens = 20
    long = [asked(f"w{20 + n}", f"w{60 + n}") for n in range(6)]
    assert measure_knowledge(model, encoder, scenario, long).counts() == {"qa": {"too_long": 6}}


def test_unknown_facts_are_a_finding() -> None:
    own = facts(4)
    verdicts = ["unknown", "highly_known", "unknown", "weakly_known"]
    rows = [
        RecordKnowledge(record_id=fact.record_id, task="qa", verdict=verdict, fact=fact, generations=3)
        for fact, verdict in zip(own, verdicts, strict=True)
    ]
    [finding] = _findings([*rows, RecordKnowledge(record_id="x", task="qa", exempt="grounded")])
    assert (finding.kind, finding.severity, finding.records) == ("unknown_knowledge", "warning", ("r0", "r2"))
    assert "2 of 4 short answers of task 'qa' (50%)" in finding.why
    assert "“qa”的 4 条" in finding.why_zh
    assert finding.evidence["classes"] == dict(zip(CLASSES, (1, 0, 1, 2), strict=True))
    report = KnowledgeReport(records=rows)
    assert report.generations_per_record == 3
    assert report.records[0].to_json() == {"id": "r0", "task": "qa", "knowledge": "unknown", "generations": 3}
