"""What features of style and their values are called, in English and Chinese.

Words only; a value that isn't listed (a JSON key, an opening word) is shown as it is.
"""

from __future__ import annotations

from typing import NamedTuple


class Name(NamedTuple):
    """One thing in both languages."""

    en: str
    zh: str


PARTS = {
    "answer": Name("answers", "答案"),
    "reason": Name("reasons", "理由"),
}
_FEATURES = {
    "content": Name("Content", "内容状况"),
    "structure": Name("Structure", "结构"),
    "keys": Name("JSON keys", "JSON 键"),
    "language": Name("Language", "语言"),
    "reason_position": Name("Place of the reason", "理由的位置"),
    "length": Name("Length", "长度"),
    "closing": Name("Closing punctuation", "结尾标点"),
    "opening_kind": Name("First character", "首字符"),
    "opening": Name("First word", "开头用词"),
    "person": Name("Person", "人称"),
    "reason": Name("Reason", "理由"),
    "evidence": Name("Evidence", "证据"),
}
_VALUES = {
    "placeholder": Name("a placeholder", "占位文字"),
    "repeats": Name("repeats the whole input", "照抄整段输入"),
    "cut": Name("breaks off mid-sentence", "句子中断"),
    "whole": Name("whole", "完整"),
    "plain": Name("plain text", "纯文本"),
    "json": Name("JSON", "JSON"),
    "broken_json": Name("broken JSON", "残缺的 JSON"),
    "list": Name("a list", "列表"),
    "markdown": Name("Markdown", "Markdown"),
    "code": Name("code", "代码"),
    "zh": Name("Chinese", "中文"),
    "en": Name("English", "英文"),
    "mixed": Name("mixed", "中英混杂"),
    "none": Name("none", "无"),
    "reason_first": Name("before the answer", "在答案之前"),
    "answer_first": Name("after the answer", "在答案之后"),
    "usual": Name("near the median", "接近中位数"),
    "longer": Name("much longer", "明显偏长"),
    "shorter": Name("much shorter", "明显偏短"),
    "stop": Name("a full stop", "句号"),
    "question": Name("a question mark", "问号"),
    "exclamation": Name("an exclamation mark", "感叹号"),
    "other": Name("another mark", "其他符号"),
    "symbol": Name("a symbol", "符号"),
    "digit": Name("a digit", "数字"),
    "ideograph": Name("a Chinese character", "汉字"),
    "capital": Name("a capital letter", "大写字母"),
    "small": Name("a small letter", "小写字母"),
    "first": Name("first", "第一人称"),
    "second": Name("second", "第二人称"),
    "both": Name("first and second", "第一和第二人称"),
    "neither": Name("neither first nor second", "不用第一、第二人称"),
    "given": Name("given", "有"),
    "missing": Name("missing", "缺失"),
}
_FREE = ("opening", "keys")
"""Features whose values are words of the text itself."""


def feature_name(feature: str) -> Name:
    """Return what a feature is called; a field's form is called by its field."""
    if feature.startswith("form:"):
        field = feature.removeprefix("form:")
        return Name(f"Form of '{field}'", f"“{field}”的写法")
    return _FEATURES[feature]


def value_name(feature: str, value: str) -> Name:
    """Return what a feature's value is called."""
    if feature in _FREE or feature.startswith("form:"):
        return Name(f"'{value}'", f"“{value}”")
    return _VALUES[value]
