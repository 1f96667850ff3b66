"""Prompts, character for character, in both languages; what all records of a task share comes first."""

from __future__ import annotations

import json
import re

import pytest

from sftloop.core.errors import DataError
from sftloop.scenario import Scenario, parse_answer, placeholder_input, render_prompt, wording

POSTS = {"name": "posts", "prefix": "微博 {n}", "many": True}
CHILD = {
    "kind": "choice",
    "input": [POSTS],
    "instruction": "根据发帖记录判断该网民是否有孩子。",
    "labels": {
        "有": {
            "means": "本人养育孩子的直接证据。",
            "not": ["亲戚的孩子", "只表达愿望"],
            "examples": ["儿子今天上小学了"],
        },
        "没有": "本人没有孩子的直接说明。",
        "无法判断": {"means": "没有直接证据。", "abstain": True},
    },
    "answer": {"reason": True, "evidence": True},
}
INTENT = {
    "kind": "choice",
    "input": [{"name": "message", "prefix": "Message"}],
    "instruction": "What does the customer want?",
    "labels": {
        "refund": {"means": "Wants money back.", "not": ["has it already", "only asks how"]},
        "other": {"means": "Anything else.", "examples": ["Are you open?", "Thanks!"]},
    },
}


def scenario(task: dict, **parts) -> Scenario:
    """A scenario of one task `t`."""
    return Scenario.model_validate(
        {"name": "n", "model": "m", "system": "Be exact.", "tasks": {"t": task}, **parts}
    )


def prompt(task: dict, input: dict, **parts):
    """The prompt of one input."""
    made = scenario(task, **parts)
    return render_prompt(made, made.tasks["t"], input)


def test_chinese_judgement_with_evidence_and_reason():
    made = prompt(CHILD, {"posts": ["接娃放学", "好累"]}, language="zh", system="你是一名严谨的分析师。")
    assert made.system == (
        "你是一名严谨的分析师。\n\n"
        "标签：\n"
        "- 有：本人养育孩子的直接证据。\n"
        "  不算：亲戚的孩子；只表达愿望\n"
        "  例如：“儿子今天上小学了”\n"
        "- 没有：本人没有孩子的直接说明。\n"
        "- 无法判断：没有直接证据。\n\n"
        "只输出一行 JSON，不要输出其他内容：\n"
        '{"label": "<标签>", "evidence": ["<原文>"], "reason": "<理由>"}\n'
        "label：以上标签中的一个；evidence：从输入中逐字摘录的原文，没有则为 []；reason：一句话说明理由。"
    )
    assert made.user == "输入：\n微博 1：接娃放学\n微博 2：好累\n\n指令：\n根据发帖记录判断该网民是否有孩子。"
    assert made.messages == [
        {"role": "system", "content": made.system},
        {"role": "user", "content": made.user},
    ]


def test_english_choice():
    made = prompt(INTENT, {"message": " Where is my money?\n"})
    assert made.system == (
        "Be exact.\n\n"
        "Labels:\n"
        "- refund: Wants money back.\n"
        "  Not: has it already; only asks how\n"
        "- other: Anything else.\n"
        '  For example: "Are you open?"; "Thanks!"\n\n'
        "Answer with exactly one of these labels and nothing else."
    )
    assert made.user == "Input:\nMessage: Where is my money?\n\nInstruction:\nWhat does the customer want?"


def test_instruction_first_makes_more_of_the_prompt_shared():
    made = prompt(INTENT, {"message": "Hi"}, prompt={"order": "instruction_first"})
    assert made.user == "Instruction:\nWhat does the customer want?\n\nInput:\nMessage: Hi"


RULES = [
    (
        {"kind": "multi", "labels": {"food": "Eats.", "sport": "Runs."}},
        "Answer with every label that applies, separated by commas, and nothing else. If no label applies, "
        "answer: none",
        "输出所有符合的标签，用逗号“，”隔开，不要输出其他内容；都不符合时只输出“无”。",
    ),
    (
        {"kind": "multi", "labels": {"food": "Eats."}, "answer": {"evidence": True}},
        "Answer with one line of JSON and nothing else:\n"
        '{"labels": ["<label>"], "evidence": ["<quote>"]}\n'
        "labels: every label that applies, [] if none does; evidence: quotes copied word for word from the "
        "input, [] if there are none.",
        "只输出一行 JSON，不要输出其他内容：\n"
        '{"labels": ["<标签>"], "evidence": ["<原文>"]}\n'
        "labels：所有符合的标签，都不符合则为 []；evidence：从输入中逐字摘录的原文，没有则为 []。",
    ),
    (
        {"kind": "score", "range": [1, 5]},
        "Answer with one number from 1 to 5 and nothing else.",
        "只输出一个 1 到 5 之间的数字，不要输出其他内容。",
    ),
    (
        {"kind": "score", "answer": {"reason": True}, "range": [0, 0.5]},
        "Answer with one line of JSON and nothing else:\n"
        '{"score": <number>, "reason": "<reason>"}\n'
        "score: one number from 0 to 0.5; reason: one short sentence.",
        "只输出一行 JSON，不要输出其他内容：\n"
        '{"score": <数字>, "reason": "<理由>"}\n'
        "score：一个 0 到 0.5 之间的数字；reason：一句话说明理由。",
    ),
    (
        {"kind": "score"},
        "Answer with one number and nothing else.",
        "只输出一个数字，不要输出其他内容。",
    ),
    (
        {"kind": "generate"},
        "Answer with the text itself and nothing else.",
        "直接输出正文，不要输出其他内容。",
    ),
    (
        {"kind": "generate", "answer": {"reason": True}},
        "Answer with one line of JSON and nothing else:\n"
        '{"text": "<text>", "reason": "<reason>"}\n'
        "text: the answer; reason: one short sentence.",
        "只输出一行 JSON，不要输出其他内容：\n"
        '{"text": "<文本>", "reason": "<理由>"}\n'
        "text：回答的正文；reason：一句话说明理由。",
    ),
    (
        {"kind": "extract", "fields": {"item": "What was bought.", "sum": {"type": "number"}}},
        "Fields:\n- item (text): What was bought.\n- sum (number)\n"
        "Write null for a field that the input does not mention.\n\n"
        "Answer with one line of JSON and nothing else:\n"
        '{"item": "<text>", "sum": <number>}',
        "字段：\n- item（文本）：What was bought.\n- sum（数字）\n"
        "输入中没有提到的字段填 null。\n\n"
        "只输出一行 JSON，不要输出其他内容：\n"
        '{"item": "<文本>", "sum": <数字>}',
    ),
    (
        {
            "kind": "extract",
            "fields": {"on": {"type": "date"}, "ok": {"type": "boolean"}, 'a "b"': {"type": "list"}},
            "answer": {"evidence": True},
        },
        'Fields:\n- on (date as YYYY-MM-DD)\n- ok (true or false)\n- a "b" (list of texts)\n'
        "Write null for a field that the input does not mention.\n\n"
        "Answer with one line of JSON and nothing else:\n"
        '{"fields": {"on": "<date>", "ok": <true or false>, "a \\"b\\"": ["<text>"]}, "evidence": ["<quote>"]}\n'
        "evidence: quotes copied word for word from the input, [] if there are none.",
        '字段：\n- on（日期，格式 YYYY-MM-DD）\n- ok（true 或 false）\n- a "b"（文本列表）\n'
        "输入中没有提到的字段填 null。\n\n"
        "只输出一行 JSON，不要输出其他内容：\n"
        '{"fields": {"on": "<日期>", "ok": <true 或 false>, "a \\"b\\"": ["<文本>"]}, "evidence": ["<原文>"]}\n'
        "evidence：从输入中逐字摘录的原文，没有则为 []。",
    ),
]


@pytest.mark.parametrize(("task", "english", "chinese"), RULES)
def test_the_rule_for_the_answer(task, english, chinese):
    for language, expected in (("en", english), ("zh", chinese)):
        made = prompt({"input": ["a"], **task}, {"a": "x"}, language=language, system="S")
        assert made.system.split("\n\n", 1)[1].removeprefix(_labels(made.system)) == expected


def _labels(system: str) -> str:
    """The section of label definitions, which other tests cover."""
    found = re.search(r"(Labels:|标签：)\n.*?\n\n", system, re.DOTALL)
    return found[0] if found else ""


@pytest.mark.parametrize(
    "task", [task for task, _, _ in RULES if "answer" in task or task["kind"] == "extract"]
)
def test_the_sample_line_filled_in_is_a_valid_answer(task):
    made = scenario({"input": ["a"], **task})
    sample = re.search(r"^\{.*\}$", render_prompt(made, made.tasks["t"], {"a": "x"}).system, re.MULTILINE)[0]
    for holder, value in (
        ("<number>", "0.5"),
        ("<true or false>", "true"),
        ("<date>", "2024-02-29"),
        ("<label>", "food"),
    ):
        sample = sample.replace(holder, value)
    json.loads(sample)
    parsed = parse_answer(made.tasks["t"], sample, "en")
    assert parsed.valid, parsed.problem


HEADINGS = [
    ([{"name": "a"}], {"a": "x"}, "x"),
    ([{"name": "a", "prefix": "Question:"}], {"a": "x"}, "Question: x"),
    ([{"name": "a"}, {"name": "b"}], {"a": "x", "b": "y"}, "a: x\nb: y"),
    ([{"name": "a", "many": True}], {"a": ["x", "y"]}, "Document 1: x\nDocument 2: y"),
    ([{"name": "a", "many": True, "prefix": "Post"}], {"a": ["x", "y"]}, "Post 1: x\nPost 2: y"),
    ([{"name": "a", "many": True, "prefix": "[{n}]"}], {"a": ["x\ny", "z"]}, "[1]: x\ny\n[2]: z"),
    ([{"name": "a", "many": True, "prefix": "Post {n}"}], {"a": []}, "Post: (none)"),
    ([{"name": "a"}], {"a": "x", "unused": "y"}, "x"),
    ([{"name": "a", "prefix": "{n}", "many": True}], {"a": ["{n} {0}"]}, "1: {n} {0}"),
]


@pytest.mark.parametrize(("parts", "input", "text"), HEADINGS)
def test_every_document_has_its_heading(parts, input, text):
    made = prompt({"kind": "generate", "input": parts, "instruction": "Go."}, input)
    assert made.user == f"Input:\n{text}\n\nInstruction:\nGo."


def test_documents_are_never_joined_by_bare_newlines_in_chinese():
    made = prompt(
        {**CHILD, "input": [{"name": "posts", "many": True}]}, {"posts": ["一", "二"]}, language="zh"
    )
    assert "文档 1：一\n文档 2：二" in made.user


def test_without_instruction_or_system_nothing_empty_is_left():
    made = prompt({"kind": "generate", "input": ["a"]}, {"a": "x"}, system=" ")
    assert made.user == "Input:\nx"
    assert made.system == "Answer with the text itself and nothing else."


BAD_INPUTS = [
    (INTENT, {"mesage": "x"}, "the input lacks 'message', which the task 't' shows. Did you mean 'mesage'?"),
    (
        INTENT,
        {"message": ["x"]},
        "the input 'message' of task 't' is list; it must be text. Set `many: true` for 'message' if it holds "
        "several documents.",
    ),
    (
        CHILD,
        {"posts": "x"},
        "the input 'posts' of task 't' is str; it must be a list of texts (`many: true`). Write it as a list, "
        "or drop `many`.",
    ),
]


@pytest.mark.parametrize(("task", "input", "message"), BAD_INPUTS)
def test_an_input_that_does_not_fit(task, input, message):
    with pytest.raises(DataError) as caught:
        prompt(task, input)
    assert str(caught.value) == message


def test_all_prompts_of_a_task_share_everything_up_to_the_first_document():
    one, other = (prompt(CHILD, {"posts": [text]}, language="zh") for text in ("甲", "乙"))
    assert one.system == other.system
    assert one.user.split("甲") == other.user.split("乙")
    assert one.user.startswith("输入：\n微博 1：甲")


def test_field_names_stand_for_an_input():
    made = scenario(CHILD, language="zh")
    task = made.tasks["t"]
    assert "微博 1：<posts>" in render_prompt(made, task, placeholder_input(task, wording("zh"))).user
