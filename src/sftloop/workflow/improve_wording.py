"""The words with which a writer is asked for a proposal, in English and Chinese.

Knows phrases only; what is filled in is `improve_request.py`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestWords:
    """Every phrase of the request, for one language."""

    system: str
    question: str
    """Heading of the task's own instruction."""
    definition: str
    """Heading of the n-th definition; `{n}` counts from 1."""
    mistake: str
    """Heading of what is mistaken for what."""
    record: str
    """Heading of the n-th record; `{n}`."""
    change: str
    """Heading of the n-th possible change; `{n}`."""
    earlier: str
    """Heading of the n-th earlier proposal; `{n}`."""
    confused: str
    """`{gold}`, `{answered}`."""
    unusable: str
    missed: str
    """`{gold}`: not given although it belongs there; no other label in its place."""
    needless: str
    """`{answered}`: given where none belongs."""
    wrong_field: str
    """`{gold}`: a field of an extract task."""
    right: str
    """`{gold}`."""
    given: str
    """`{answered}`."""
    barely: str
    """`{answered}`: right, by a small margin."""
    reason: str
    """`{reason}`: the model's own."""
    why_right: str
    """`{reason}`: the record's."""
    changes: Mapping[str, str]
    """means, not, examples; `{name}`."""
    outcome: str
    """One earlier proposal: `{change}`, `{text}`, `{outcome}`."""
    outcomes: Mapping[str, str]
    """How it ended: the kind of a refusal or a decision; `tested` for any other."""
    instruction: str
    field_change: str
    field_text: str
    field_why: str


ENGLISH = RequestWords(
    system=(
        "You improve the definitions in a prompt that a language model answers from. You change one "
        "thing at a time, "
        "in plain words that hold for inputs nobody has seen yet, and you never copy the text of a record."
    ),
    question="What the model is asked",
    definition="Present definition {n}",
    mistake="What goes wrong",
    record="Record {n}",
    change="Possible change {n}",
    earlier="Earlier proposal {n}",
    confused="The right answer is '{gold}', the model answers '{answered}', or nearly does.",
    unusable="The right answer is '{gold}', the model gives no usable answer.",
    missed="'{gold}' belongs to the answer, the model leaves it out.",
    needless="The model answers '{answered}', which does not belong there.",
    wrong_field="The field '{gold}' is filled wrongly.",
    right="Right answer: {gold}",
    given="The model answered: {answered}",
    barely="The model answered: {answered}, by a small margin",
    reason="Its reason: {reason}",
    why_right="Why the right answer is right: {reason}",
    changes={
        "means": "rewrite the definition of '{name}'",
        "not": "add a rule of what does not count as '{name}'",
        "examples": "add an example of '{name}'",
    },
    outcome="{change}: {text} ({outcome})",
    outcomes={
        "nothing_new": "said nothing new",
        "copies_record": "copied a record",
        "drops_meaning": "dropped the present meaning",
        "lint": "made the definitions harder to tell apart",
        "too_long": "was too long",
        "other_language": "was in another language",
        "inconclusive": "tested: no clear gain",
        "worse": "tested: worse",
        "anchors": "tested: right answers were lost",
        "precision": "tested: a label became less precise",
        "better": "tested: better, to be tested again",
        "tested": "tested",
    },
    instruction=(
        "Propose ONE change that would keep the model from these mistakes without harming other inputs. "
        "Choose one of "
        "the possible changes by its number. A rewritten definition has one or two sentences and keeps what the "
        "present one says. A rule or an example is short and stands alone, without the label's name. Say "
        "something "
        "new: repeat no earlier proposal and copy no record."
    ),
    field_change="The number of the chosen change.",
    field_text="The new definition, rule or example, on one line.",
    field_why="One sentence: which mistake it prevents.",
)

CHINESE = RequestWords(
    system=(
        "你负责改进一份提示词里的定义，语言模型按这些定义作答。每次只改一处，用通俗的话写，要对没见过的输入也成立，"
        "绝不照抄任何一条记录的原文。"
    ),
    question="向模型提的问题",
    definition="现有定义 {n}",
    mistake="错在哪里",
    record="记录 {n}",
    change="可选的改动 {n}",
    earlier="以前的提议 {n}",
    confused="正确答案是“{gold}”，模型却答成或几乎答成“{answered}”。",
    unusable="正确答案是“{gold}”，模型没有给出可用的答案。",
    missed="答案里应有“{gold}”，模型漏掉了。",
    needless="模型答了“{answered}”，其实不该有。",
    wrong_field="字段“{gold}”填错了。",
    right="正确答案：{gold}",
    given="模型的回答：{answered}",
    barely="模型的回答：{answered}（优势很小）",
    reason="模型的理由：{reason}",
    why_right="正确答案的理由：{reason}",
    changes={
        "means": "重写“{name}”的定义",
        "not": "补充一条什么情况不算“{name}”的规则",
        "examples": "补充一个“{name}”的例子",
    },
    outcome="{change}：{text}（{outcome}）",
    outcomes={
        "nothing_new": "没有新内容",
        "copies_record": "照抄了记录",
        "drops_meaning": "丢掉了原有含义",
        "lint": "使定义更难区分",
        "too_long": "太长",
        "other_language": "换了语言",
        "inconclusive": "测过：没有明显提高",
        "worse": "测过：变差",
        "anchors": "测过：原来答对的变错",
        "precision": "测过：有标签的精确率下降",
        "better": "测过：更好，将再测一次",
        "tested": "测过",
    },
    instruction=(
        "提出一处改动，使模型不再犯这些错误，又不损害其他输入。用编号选出上面可选改动中的一个。重写的定义写一两句话，"
        "并保留现有定义的意思；规则或例子要简短，独立成句，不写标签名。要有新内容：不重复以前的提议，不照抄记录。"
    ),
    field_change="所选改动的编号。",
    field_text="新的定义、规则或例子，写成一行。",
    field_why="一句话：它避免哪种错误。",
)

REQUEST_WORDS: Mapping[str, RequestWords] = {"en": ENGLISH, "zh": CHINESE}
