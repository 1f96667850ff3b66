"""The question to a writer, what is read from its answer, and what is refused before any test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.reading_scenario import GOOD, YAML, write_reading_scenario

from sftloop.records import Prediction
from sftloop.scenario import Scenario, load_scenario, parse_answer, render_prompt, wording
from sftloop.scenario.yaml_edit import Change, ChangedPart
from sftloop.workflow.improve_check import REFUSALS, Checked, Refusal, check_proposal
from sftloop.workflow.improve_groups import Case, Group
from sftloop.workflow.improve_request import TASK, Earlier, Request, build_request, options_of, read_proposal
from sftloop.workflow.improve_wording import REQUEST_WORDS

CASE = Case(
    id="r1",
    text="parcel 7 please",
    gold="delivery",
    answered="refund",
    reason="It is about money.",
    gold_reason="A parcel is on its way.",
    margin=0.4,
    wrong=True,
)
GROUP = Group(task="intent", gold="delivery", answered="refund", cases=(CASE,))


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return load_scenario(write_reading_scenario(tmp_path / "case"))


def request_for(scenario: Scenario, *, earlier: tuple[Earlier, ...] = ()) -> Request:
    options = options_of(scenario.tasks["intent"], GROUP)
    return build_request(scenario, GROUP, options, earlier, "writer")


def answered(request: Request, text: str) -> Prediction:
    parsed = parse_answer(request.scenario.tasks[TASK], text, request.scenario.language)
    return Prediction(id=request.record.id, task=TASK, text=text, answer=parsed.answer)


@pytest.mark.parametrize(
    ("language", "written", "kept"),
    [
        ("zh", "重写‘delivery’的定义：询问订单在哪里。（没有新内容）", "询问订单在哪里。"),
        ("zh", "重写‘delivery’定义：重写‘delivery’定义：询问订单在哪里。", "询问订单在哪里。"),
        ("en", "delivery: Asks where: order or parcel", "Asks where: order or parcel"),
        ("en", "Asks about a delivery: where it is", "Asks about a delivery: where it is"),
        ("zh", "询问订单（或包裹）在哪里。", "询问订单（或包裹）在哪里。"),
        (
            "en",
            "Rewrite the definition of 'delivery': Asks where it is. (said nothing new)",
            "Asks where it is.",
        ),
        ("en", "Asks where an order is (or a parcel)", "Asks where an order is (or a parcel)"),
    ],
)
def test_the_request_s_own_phrases_are_no_proposal(
    scenario: Scenario, language: str, written: str, kept: str
) -> None:
    request = request_for(scenario.model_copy(update={"language": language}))
    option, text, _ = read_proposal(request, answered(request, json.dumps({"change": 1, "text": written})))
    assert option is not None and text == kept


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_question_shows_definitions_mistakes_reasons_and_choices(
    scenario: Scenario, language: str
) -> None:
    scenario = scenario.model_copy(update={"language": language})
    earlier = (Earlier(name="delivery", part="not", text="a rule", outcome="inconclusive"),)
    request = request_for(scenario, earlier=earlier)
    asked = request.scenario.tasks[TASK]
    text = render_prompt(request.scenario, asked, request.record.input).user
    words = REQUEST_WORDS[language]
    for shown in (
        "Which label fits the message?",
        f"refund{wording(language).colon}Asks about money due back.",  # type: ignore[arg-type]
        "complaints without a question",
        "parcel 7 please",
        "It is about money.",
        "A parcel is on its way.",
        words.confused.format(gold="delivery", answered="refund"),
        words.changes["examples"].format(name="delivery"),
        words.outcomes["inconclusive"],
        words.instruction,
    ):
        assert shown in text
    assert words.system in render_prompt(request.scenario, asked, request.record.input).system
    assert [(one.name, one.part) for one in request.options] == [
        ("delivery", "means"),
        ("refund", "not"),
        ("delivery", "examples"),
        ("refund", "means"),
    ]


def test_a_question_is_known_by_its_content(scenario: Scenario) -> None:
    earlier = (Earlier(name="delivery", part="not", text="t", outcome="worse"),)
    first, again, other = (request_for(scenario, earlier=one) for one in ((), (), earlier))
    assert first.record.id == again.record.id != other.record.id


@pytest.mark.parametrize(
    ("written", "part", "text"),
    [
        ('{"change": 1, "text": "New words.", "why": "w"}', "means", "New words."),
        ('{"change": 2, "text": "“a rule”", "why": "w"}', "not", "a rule"),
        (
            'Sure!\n```json\n{"change": "3", "text": "an\\n example", "why": "w"}\n```',
            "examples",
            "an example",
        ),
        ('{"change": 9, "text": "New words.", "why": "w"}', None, "New words."),
        ('{"change": 1.5, "text": "New words.", "why": "w"}', None, "New words."),
        ("I would change the first definition.", None, ""),
    ],
)
def test_reading_a_proposal(scenario: Scenario, written: str, part: str | None, text: str) -> None:
    request = request_for(scenario)
    option, found, _ = read_proposal(request, answered(request, written))
    assert (option.part if option else None, found) == (part, text)


def checked(scenario: Scenario, tmp_path: Path, part: ChangedPart, text: str) -> object:
    change = Change(task="intent", name="delivery", part=part, text=text)

    def keep(changed: str) -> Path:
        path = tmp_path / "changed.yaml"
        path.write_text(changed)
        return path

    assert scenario.file is not None
    documents = [
        "parcel 7 please",
        "My parcel of three chairs has been waiting at the depot since Monday morning.",
    ]
    return check_proposal(change, scenario.file.read_text(), scenario, documents, [], keep)


@pytest.mark.parametrize(
    ("part", "text", "kind"),
    [
        ("means", "{}", "malformed"),
        ("means", "…", "malformed"),
        ("means", "<text>", "malformed"),
        ("not", "word " * 41, "too_long"),
        ("means", "询问订单在哪里。", "other_language"),
        ("means", "asks where an order stays", "nothing_new"),
        ("not", "Complaints without a question.", "nothing_new"),
        ("examples", "delivery", "nothing_new"),
        ("not", "Refund means: asks about money due back, mostly.", "nothing_new"),
        ("means", "Something quite different is meant by this.", "drops_meaning"),
        ("means", "Order stays.", "drops_meaning"),
        ("examples", "parcel 7 please", "copies_record"),
        ("not", "three chairs has been waiting at the depot since Monday", "copies_record"),
        ("means", "Asks about colour or size stays.", "lint"),
    ],
)
def test_what_is_refused_and_why(
    scenario: Scenario, tmp_path: Path, part: ChangedPart, text: str, kind: str
) -> None:
    found = checked(scenario, tmp_path, part, text.strip())
    assert isinstance(found, Refusal)
    assert found.kind == kind and found.kind in REFUSALS and found.why


def test_a_chinese_scenario_wants_chinese(scenario: Scenario, tmp_path: Path) -> None:
    chinese = scenario.model_copy(update={"language": "zh"})
    found = checked(chinese, tmp_path, "not", "a question about parcels")
    assert isinstance(found, Refusal) and found.kind == "other_language"


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("means", GOOD),
        ("not", "waiting at the depot"),
        ("examples", "When will the van be here?"),
    ],
)
def test_what_may_be_tested(scenario: Scenario, tmp_path: Path, part: ChangedPart, text: str) -> None:
    found = checked(scenario, tmp_path, part, text)
    assert isinstance(found, Checked)
    label = found.scenario.tasks["intent"].labels["delivery"]
    assert text in (label.means, *label.not_, *label.examples)
    assert found.text != YAML


def test_the_same_is_not_proposed_twice(scenario: Scenario, tmp_path: Path) -> None:
    assert scenario.file is not None
    change = Change(task="intent", name="delivery", part="means", text=GOOD)
    twice = Change(task="intent", name="delivery", part="means", text=GOOD.upper())
    found = check_proposal(
        twice, scenario.file.read_text(), scenario, [], [change], lambda text: tmp_path / "x"
    )
    assert isinstance(found, Refusal) and found.kind == "nothing_new"


def test_a_broken_file_is_a_refusal(scenario: Scenario, tmp_path: Path) -> None:
    change = Change(task="intent", name="delivery", part="means", text=GOOD)
    text = YAML.replace("      delivery:", "      delivery: &d").replace(
        "{means: Asks about colour or size.}", "*d"
    )
    found = check_proposal(change, text, scenario, [], [], lambda changed: tmp_path / "x")
    assert isinstance(found, Refusal) and found.kind == "not_loadable" and "anchors" in found.why


def test_options_of_a_field() -> None:
    spec = {"kind": "extract", "input": ["t"], "fields": {"who": "Who."}}
    scenario = Scenario.model_validate({"name": "s", "model": "m", "tasks": {"x": spec}})
    group = Group(task="x", gold="who", answered=None, cases=(CASE,))
    request = build_request(scenario, group, options_of(scenario.tasks["x"], group), [], "w")
    option, text, why = read_proposal(
        request, answered(request, json.dumps({"change": None, "text": "Who did it.", "why": "w"}))
    )
    assert option is not None and text == "Who did it." and why == "w"
    assert option.change(scenario.tasks["x"], text).path == ("tasks", "x", "fields", "who")
