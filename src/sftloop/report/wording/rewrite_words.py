"""What the audit's page says of proposed rewrites, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sftloop.report.wording.words import Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class RewriteWords:
    """Answers out of style, written again by the model."""

    heading: str
    before: str
    after: str
    asked: Counted
    """How many were asked for; `{proposed}`."""
    dropped: str
    """`{reasons}`."""
    not_asked: str
    """`{reasons}`."""
    reason: str
    """`{reason}`, `{n}`."""
    left: Counted
    applied: str
    """`{file}`."""
    hint: str
    """`{file}`."""
    more: Counted
    """Proposals that the page doesn't show."""
    reasons: Mapping[str, str]
    """Why a reply was dropped, or why none was asked for."""


ENGLISH = RewriteWords(
    heading="Proposed rewrites",
    before="Before",
    after="After",
    asked=Counted(
        "The model was asked to write {n} answer again; {proposed} of them can be proposed.",
        "The model was asked to write {n} answers again; {proposed} of them can be proposed.",
    ),
    dropped="Dropped by a check: {reasons}.",
    not_asked="Not asked for: {reasons}.",
    reason="{reason} ({n})",
    left=Counted(
        "{n} more was left out; --rewrites raises the limit.",
        "{n} more were left out; --rewrites raises the limit.",
    ),
    applied="Applied in {file}.",
    hint="Your own file is unchanged. Read each one beside its input: the checks see numbers, quotations, names "
    "and words only. What you take out of {file} or correct there holds from then on; --apply-rewrites writes a "
    "new data file.",
    more=Counted("{n} more is in rewrites.jsonl.", "{n} more are in rewrites.jsonl."),
    reasons={
        "empty": "empty",
        "cut_off": "not finished",
        "unchanged": "unchanged",
        "changed_answer": "another answer",
        "language": "another language",
        "style": "still another style",
        "misfit": "doesn’t fit the task",
        "new_number": "a number that stands nowhere",
        "lost_number": "a number is missing",
        "new_quote": "a quotation that stands nowhere",
        "lost_quote": "a quotation is missing",
        "new_name": "a name that stands nowhere",
        "lost_name": "a name is missing",
        "from_an_example": "taken from an example",
        "other_content": "says something else",
        "too_long": "too long for the model",
        "taken_out": "taken out by you",
        "missing": "nothing is written there",
        "field": "the form of a field, which is no free text",
        "incomplete": "a person must complete it",
        "no_examples": "too few typical answers",
    },
)
CHINESE = RewriteWords(
    heading="改写建议",
    before="改写前",
    after="改写后",
    asked=Counted(
        "请模型改写了 {n} 条，其中 {proposed} 条可供参考。",
        "请模型改写了 {n} 条，其中 {proposed} 条可供参考。",
    ),
    dropped="未通过检查：{reasons}。",
    not_asked="没有请模型改写：{reasons}。",
    reason="{reason}（{n}）",
    left=Counted(
        "还有 {n} 条未改写，可用 --rewrites 提高上限。", "还有 {n} 条未改写，可用 --rewrites 提高上限。"
    ),
    applied="已写入 {file}。",
    hint="您的数据文件没有改动。请对照输入逐条阅读：检查只看数字、引文、名称和用词，看不出语义。在 {file} 中删去"
    "或修改的内容从此生效；--apply-rewrites 会另写一个新的数据文件。",
    more=Counted("还有 {n} 条见 rewrites.jsonl。", "还有 {n} 条见 rewrites.jsonl。"),
    reasons={
        "empty": "空白",
        "cut_off": "没有写完",
        "unchanged": "没有变化",
        "changed_answer": "改动了答案",
        "language": "语言不对",
        "style": "写法仍不一致",
        "misfit": "不合任务要求",
        "new_number": "出现无出处的数字",
        "lost_number": "遗漏数字",
        "new_quote": "出现无出处的引文",
        "lost_quote": "遗漏引文",
        "new_name": "出现无出处的名称",
        "lost_name": "遗漏名称",
        "from_an_example": "套用了例子",
        "other_content": "内容有变",
        "too_long": "超出模型长度",
        "taken_out": "已由您删去",
        "missing": "原本没有文字",
        "field": "字段的格式，不是自由文本",
        "incomplete": "需要人工补全",
        "no_examples": "典型答案太少",
    },
)
