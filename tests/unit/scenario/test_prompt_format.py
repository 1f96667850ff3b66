"""Every choice of `format`: the prompt and the answer it makes, character for character."""

from __future__ import annotations

import pytest

from sftloop.scenario import (
    Answer,
    Format,
    Scenario,
    format_answer,
    label_slots,
    lint,
    parse_answer,
    probe_prompts,
    render_prompt,
)
from sftloop.scenario.prompt_format import letters

CHILD = {
    "kind": "choice",
    "input": [{"name": "post"}],
    "instruction": "Has the author a child?",
    "labels": {"yes": {"means": "Speaks of an own child.", "not": ["a pet"]}, "no": "Says so."},
    "answer": {"reason": True, "evidence": True},
}
STAY = {
    "kind": "extract",
    "input": [{"name": "post"}],
    "instruction": "Read it out.",
    "fields": {"guest": "Who.", "nights": {"type": "number"}, "extras": {"type": "list"}},
}
TOPICS = {
    "kind": "multi",
    "input": ["post"],
    "instruction": "Mark.",
    "labels": {"food": "Eats.", "sport": "Runs."},
}
ANSWER = Answer(label="yes", reason="A son is named.", evidence=("my son",))


def made(task: dict, **format: str) -> Scenario:
    """A scenario of one task `t` in a format."""
    return Scenario.model_validate(
        {"name": "n", "model": "m", "system": "Be exact.", "tasks": {"t": task}, "format": format}
    )


def rule(task: dict, **format: str) -> str:
    """The answer rule, the system message's last block."""
    scenario = made(task, **format)
    return render_prompt(scenario, scenario.tasks["t"], {"post": "x"}).system.split("\n\n")[-1]


DEFINITIONS = "Labels:\n- yes: Speaks of an own child.\n  Not: a pet\n- no: Says so."
RULE = "Answer with exactly one of these labels and nothing else."
ASKED, SHOWN = "Instruction:\nHas the author a child?", "Input:\nMy son!"
ORDERS = {
    "input_first": (["Be exact.", DEFINITIONS, RULE], [SHOWN, ASKED]),
    "instruction_first": (["Be exact.", DEFINITIONS, RULE], [ASKED, SHOWN]),
    "instruction_opens": (["Be exact.", ASKED, DEFINITIONS, RULE], [SHOWN]),
    "input_opens": (["Be exact."], [SHOWN, ASKED, DEFINITIONS, RULE]),
}


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_of_the_sections(order: str) -> None:
    scenario = made({**CHILD, "answer": {}}, order=order)
    prompt = render_prompt(scenario, scenario.tasks["t"], {"post": "My son!"})
    system, user = ORDERS[order]
    assert prompt.system == "\n\n".join(system)
    assert prompt.user == "\n\n".join(user)


def test_only_an_input_that_opens_shortens_what_is_shared() -> None:
    def shared(order: str) -> int:
        scenario = made(CHILD, order=order)
        texts = [
            "\n".join(m["content"] for m in p.messages) for p in probe_prompts(scenario, scenario.tasks["t"])
        ]
        return next(i for i, signs in enumerate(zip(*texts, strict=False)) if len(set(signs)) > 1)

    sizes = {order: shared(order) for order in ORDERS}
    assert sizes["input_opens"] < sizes["input_first"] < sizes["instruction_first"]
    assert sizes["instruction_opens"] == sizes["instruction_first"]
    found = [finding.kind for finding in lint(made(CHILD, order="input_opens"))]
    assert "short_prefix" in found
    assert "short_prefix" not in [finding.kind for finding in lint(made(CHILD, order="instruction_opens"))]


TEXTS = [
    ({}, '{"label": "yes", "evidence": ["my son"], "reason": "A son is named."}', '{"label": "', 'yes",'),
    (
        {"reason": "before"},
        '{"evidence": ["my son"], "reason": "A son is named.", "label": "yes"}',
        ', "label": "',
        'yes"}',
    ),
    ({"reason": "none"}, '{"label": "yes", "evidence": ["my son"]}', '{"label": "', 'yes",'),
    (
        {"labels": "letters"},
        '{"label": "A", "evidence": ["my son"], "reason": "A son is named."}',
        '{"label": "',
        'A",',
    ),
    ({"answer": "plain"}, 'label: yes\nevidence: ["my son"]\nreason: A son is named.', "label: ", "yes\n"),
    (
        {"answer": "plain", "reason": "before", "labels": "letters"},
        'evidence: ["my son"]\nreason: A son is named.\nlabel: A',
        "\nlabel: ",
        "A",
    ),
]


@pytest.mark.parametrize(("format", "text", "lead", "slot"), TEXTS)
def test_the_text_of_a_choice(format: dict[str, str], text: str, lead: str, slot: str) -> None:
    task = made(CHILD, **format).tasks["t"]
    assert format_answer(task, ANSWER, "en") == text
    parsed = parse_answer(task, text, "en")
    assert parsed.valid
    assert parsed.answer is not None
    assert parsed.answer.label == "yes"
    found, slots = label_slots(task, "en")
    assert (found, slots["yes"]) == (lead, slot)


def test_extracted_fields_in_lines_and_what_could_be_mistaken_is_quoted() -> None:
    task = made(STAY, answer="plain").tasks["t"]
    fields = {"guest": "null", "nights": 2, "extras": ["cot"]}
    text = format_answer(task, Answer(fields=fields), "en")
    assert text == 'guest: "null"\nnights: 2\nextras: ["cot"]'
    assert parse_answer(task, text, "en").answer == Answer(fields=fields)
    missing = parse_answer(task, "guest: Ana\nnights: null", "en")
    assert missing.problem == "2 lines in place of 3"
    assert missing.answer == Answer(fields={"guest": "Ana", "nights": None, "extras": None})
    assert parse_answer(task, "Nights: 3\n- Guest：Ana", "en").answer == Answer(
        fields={"guest": "Ana", "nights": 3, "extras": None}
    )


RULES = [
    (CHILD, {"answer": "json", "labels": "letters", "reason": "before"}, [
        "Answer with one line of JSON and nothing else:",
        '{"evidence": ["<quote>"], "reason": "<reason>", "label": "<letter>"}',
        "evidence: quotes copied word for word from the input, [] if there are none; reason: one short sentence; "
        "label: the letter of one of the labels above.",
    ]),
    (CHILD, {"answer": "plain", "reason": "none", "wording": "zh"}, [
        "只输出以下各行，不要输出其他内容：",
        "label: <标签>",
        'evidence: ["<原文>"]',
        "label：以上标签中的一个；evidence：从输入中逐字摘录的原文，没有则为 []。",
    ]),
    (STAY, {"answer": "plain"}, [
        "Answer with these lines and nothing else:",
        "guest: <text>",
        "nights: <number>",
        'extras: ["<text>"]',
    ]),
    (TOPICS, {"labels": "letters"}, [
        "Answer with the letter of every label that applies, separated by commas, and nothing else. "
        "If no label applies, answer: none",
    ]),
    (TOPICS, {"labels": "letters", "answer": "json"}, [
        "Answer with one line of JSON and nothing else:",
        '{"labels": ["<letter>"]}',
        "labels: the letter of every label that applies, [] if none does.",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("task", "format", "lines"), RULES)
def test_the_answer_rule(task: dict, format: dict[str, str], lines: list[str]) -> None:
    assert rule(task, **format) == "\n".join(lines)


def test_lettered_labels_stand_beside_their_definitions() -> None:
    scenario = made(CHILD, labels="letters")
    system = render_prompt(scenario, scenario.tasks["t"], {"post": "x"}).system
    assert "Labels:\n- A. yes: Speaks of an own child.\n  Not: a pet\n- B. no: Says so." in system


def test_letters_go_on_behind_z() -> None:
    found = letters(60)
    assert found[:3] == ["A", "B", "C"]
    assert found[25:28] == ["Z", "AA", "AB"]
    assert found[51:53] == ["AZ", "BA"]
    assert len(set(letters(2000))) == 2000


@pytest.mark.parametrize(
    ("text", "labels"), [("A，B", ("food", "sport")), ("b", ("sport",)), ("food", ("food",)), ("none", ())]
)
def test_several_letters_are_read_leniently(text: str, labels: tuple[str, ...]) -> None:
    task = made(TOPICS, labels="letters").tasks["t"]
    assert parse_answer(task, text, "en").answer == Answer(labels=labels)


def test_an_empty_format_is_the_default_and_another_one_replaces_prompt_order() -> None:
    plain = made(CHILD)
    spelled = made(CHILD, labels="names", reason="after", order="input_first")
    for scenario in (spelled, plain.with_format(Format())):
        shown = [render_prompt(one, one.tasks["t"], {"post": "x"}) for one in (plain, scenario)]
        assert shown[0] == shown[1]
    first = Scenario.model_validate(
        {"name": "n", "model": "m", "tasks": {"t": CHILD}, "prompt": {"order": "instruction_first"}}
    )
    assert first.order == "instruction_first"
    assert first.with_format(Format(labels="letters")).order == "instruction_first"
    assert first.with_format(Format(order="input_opens")).order == "input_opens"
