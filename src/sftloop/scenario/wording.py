"""The built-in words of prompts and answers, in English and Chinese.

Knows phrases only; which of them a prompt needs, and in which order, is `render.py`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Every phrase that the package itself puts into a prompt or expects in an answer."""

    input_heading: str
    instruction_heading: str
    labels_heading: str
    fields_heading: str
    colon: str
    """Stands between a heading and its text on one line."""
    document: str
    """Heading of the n-th document when the scenario gives no prefix; `{n}` counts from 1."""
    no_documents: str
    """Stands for an empty list of documents."""
    not_lead: str
    """Opens the near-miss rules of a label."""
    examples_lead: str
    """Opens the examples of a label."""
    quoted: str
    """How one example is set off."""
    list_join: str
    """Joins rules or examples on one line."""
    separator: str
    """Joins the labels of a plain `multi` answer."""
    nothing: str
    """The plain `multi` answer without any label."""
    plain_choice: str
    plain_multi: str
    letter_choice: str
    """`plain_choice` where labels are lettered."""
    letter_multi: str
    plain_score: str
    """`{number}` is `a_number` or `a_number_between`."""
    plain_generate: str
    json_lead: str
    lines_lead: str
    key_join: str
    """Joins the explanations of the keys."""
    key_stop: str
    """Closes the explanations of the keys."""
    a_number: str
    a_number_between: str
    """`{low}` and `{high}` are both allowed values."""
    key_means: Mapping[str, str]
    """What each JSON key holds; `score` is not here because it depends on the range."""
    letter_means: Mapping[str, str]
    """The same of `label` and `labels` where labels are lettered."""
    line_labels: Mapping[str, str]
    """What the line `labels` holds in a plain answer of several lines, by how labels are written."""
    null_rule: str
    """What to write for a field the input doesn't mention."""
    type_names: Mapping[str, str]
    """How each field type is written in JSON."""
    placeholders: Mapping[str, str]
    """What the sample line of JSON shows in place of values."""
    not_available: str
    """Shown by `prompt show` in place of an input when there is no record; `{name}` is the field."""


ENGLISH = Wording(
    input_heading="Input:",
    instruction_heading="Instruction:",
    labels_heading="Labels:",
    fields_heading="Fields:",
    colon=": ",
    document="Document {n}",
    no_documents="(none)",
    not_lead="Not: ",
    examples_lead="For example: ",
    quoted='"{text}"',
    list_join="; ",
    separator=", ",
    nothing="none",
    plain_choice="Answer with exactly one of these labels and nothing else.",
    plain_multi=(
        "Answer with every label that applies, separated by commas, and nothing else. "
        "If no label applies, answer: none"
    ),
    letter_choice="Answer with the letter of exactly one of these labels and nothing else.",
    letter_multi=(
        "Answer with the letter of every label that applies, separated by commas, and nothing else. "
        "If no label applies, answer: none"
    ),
    plain_score="Answer with {number} and nothing else.",
    plain_generate="Answer with the text itself and nothing else.",
    json_lead="Answer with one line of JSON and nothing else:",
    lines_lead="Answer with these lines and nothing else:",
    key_join="; ",
    key_stop=".",
    a_number="one number",
    a_number_between="one number from {low} to {high}",
    key_means={
        "label": "one of the labels above",
        "labels": "every label that applies, [] if none does",
        "text": "the answer",
        "fields": "the fields above",
        "evidence": "quotes copied word for word from the input, [] if there are none",
        "reason": "one short sentence",
    },
    letter_means={
        "label": "the letter of one of the labels above",
        "labels": "the letter of every label that applies, [] if none does",
    },
    line_labels={
        "names": "every label that applies, separated by commas, none if no label applies",
        "letters": "the letter of every label that applies, separated by commas, none if no label applies",
    },
    null_rule="Write null for a field that the input does not mention.",
    type_names={
        "string": "text",
        "number": "number",
        "date": "date as YYYY-MM-DD",
        "boolean": "true or false",
        "list": "list of texts",
    },
    placeholders={
        "label": "<label>",
        "letter": "<letter>",
        "string": "<text>",
        "number": "<number>",
        "date": "<date>",
        "boolean": "<true or false>",
        "evidence": "<quote>",
        "reason": "<reason>",
    },
    not_available="<{name}>",
)

CHINESE = Wording(
    input_heading="输入：",
    instruction_heading="指令：",
    labels_heading="标签：",
    fields_heading="字段：",
    colon="：",
    document="文档 {n}",
    no_documents="（无）",
    not_lead="不算：",
    examples_lead="例如：",
    quoted="“{text}”",
    list_join="；",
    separator="，",
    nothing="无",
    plain_choice="只输出以上标签中的一个，不要输出其他内容。",
    plain_multi="输出所有符合的标签，用逗号“，”隔开，不要输出其他内容；都不符合时只输出“无”。",
    letter_choice="只输出以上标签中一个的字母，不要输出其他内容。",
    letter_multi="输出所有符合的标签的字母，用逗号“，”隔开，不要输出其他内容；都不符合时只输出“无”。",
    plain_score="只输出{number}，不要输出其他内容。",
    plain_generate="直接输出正文，不要输出其他内容。",
    json_lead="只输出一行 JSON，不要输出其他内容：",
    lines_lead="只输出以下各行，不要输出其他内容：",
    key_join="；",
    key_stop="。",
    a_number="一个数字",
    a_number_between="一个 {low} 到 {high} 之间的数字",
    key_means={
        "label": "以上标签中的一个",
        "labels": "所有符合的标签，都不符合则为 []",
        "text": "回答的正文",
        "fields": "以上各字段",
        "evidence": "从输入中逐字摘录的原文，没有则为 []",
        "reason": "一句话说明理由",
    },
    letter_means={
        "label": "以上标签中一个的字母",
        "labels": "所有符合的标签的字母，都不符合则为 []",
    },
    line_labels={
        "names": "所有符合的标签，用逗号“，”隔开，都不符合则写“无”",
        "letters": "所有符合的标签的字母，用逗号“，”隔开，都不符合则写“无”",
    },
    null_rule="输入中没有提到的字段填 null。",
    type_names={
        "string": "文本",
        "number": "数字",
        "date": "日期，格式 YYYY-MM-DD",
        "boolean": "true 或 false",
        "list": "文本列表",
    },
    placeholders={
        "label": "<标签>",
        "letter": "<字母>",
        "string": "<文本>",
        "number": "<数字>",
        "date": "<日期>",
        "boolean": "<true 或 false>",
        "evidence": "<原文>",
        "reason": "<理由>",
    },
    not_available="<{name}>",
)

_BY_LANGUAGE: Mapping[str, Wording] = {"en": ENGLISH, "zh": CHINESE}


def wording(language: Language) -> Wording:
    """Return the built-in words of `language`."""
    return _BY_LANGUAGE[language]
