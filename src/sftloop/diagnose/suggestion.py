"""What a suggestion is: why, what to do, in both languages, and draft records to be read before they are used.

Knows words; when each is made is suggestions.py's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sftloop.records import Record

Kind = Literal["trap", "own_trap", "evidence", "over_claim", "no_abstain", "rule", "validation"]


class Words(NamedTuple):
    """Why and what to do, in both languages; `{names}` stand for facts."""

    why: str
    mend: str
    why_zh: str
    mend_zh: str


WORDS: Mapping[Kind, Words] = {
    "trap": Words(
        "The model falls for {failed} of {n} traps of the kind “{title}”.",
        "Add two to four such records to the training set. The drafts below are made from training records: "
        "read them, mend them, keep those that are right.",
        "“{title}”类陷阱共 {n} 条，模型中招 {failed} 条。",
        "往训练集里补 2～4 条这样的记录。下面的草稿由训练集记录改写而成：请先逐条审读、修改，再保留正确的。",
    ),
    "own_trap": Words(
        "The model falls for {failed} of {n} of your own traps{named}.",
        "Write two to four records in their manner for the training set: what measures must not be trained on.",
        "自备的陷阱{named_zh}共 {n} 条，模型中招 {failed} 条。",
        "仿照它们另写 2～4 条，补进训练集：不要直接拿评测的记录来训练。",
    ),
    "evidence": Words(
        "With its evidence taken away, the model still gives the old answer on {failed} of {n} records: it leans "
        "on something else in the input.",
        "Add two to four records that look like a claim but hold no evidence. The drafts are training records "
        "without theirs: check that nothing else decides them.",
        "去掉证据之后，{n} 条记录中仍有 {failed} 条给出原来的答案：模型依据的并不是证据。",
        "补 2～4 条“看着像、但没有证据”的记录。草稿是去掉证据的训练集记录：请确认剩下的内容不足以判断。",
    ),
    "over_claim": Words(
        "“{label}” is claimed too freely: recall {recall:.0%}, precision {precision:.0%}. Where it is not the "
        "answer, it was given on {failed} of {n} records, such as {examples}.",
        "Add two to four records on the boundary of “{label}”, in the manner of these, and a “not” rule for what "
        "they have in common. Write new ones: records of the split that measures must not be trained on.",
        "“{label}”判得太松：召回率 {recall:.0%}，精确率 {precision:.0%}；"
        "{n} 条不属于它的记录中有 {failed} 条被判成它，例如 {examples}。",
        "参照这些记录，另写 2～4 条“{label}”的边界记录，并把它们的共同点写成一条 not 规则。"
        "不要直接拿评测集的记录来训练。",
    ),
    "no_abstain": Words(
        "The task has no label that says “can't tell”, so the model must decide even where the input doesn't.",
        "Add a label with abstain: true and a few records that carry it, if such inputs occur.",
        "任务没有表示“无法判断”的标签，输入不足以判断时模型也只能硬判。",
        "如果会遇到这样的输入，请增加一个 abstain: true 的标签，并补几条对应的记录。",
    ),
    "rule": Words(
        "No generated trap tests the rule “{rule}” of “{label}”.",
        "Write two to four records for it, tagged trap:NAME; they then get a row of their own here.",
        "“{label}”的规则“{rule}”没有对应的自动陷阱。",
        "为它写 2～4 条记录并打上 trap:名称 标签，下次就会单独列出。",
    ),
    "validation": Words(
        "No threshold can be shown to reach {metric} {at_least:.0%} for “{label}”: the validation split holds {n} "
        "records of it, and even with every claim right {needed} claims are needed.",
        "Add about {missing} validation records of “{label}”.",
        "无法证明哪个阈值能让“{label}”的{metric_zh}达到 {at_least:.0%}："
        "验证集只有 {n} 条这类记录，即使全部判对也需要 {needed} 条。",
        "给验证集补大约 {missing} 条“{label}”的记录。",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One thing to do."""

    task: str
    kind: Kind
    item: str | None
    """The label, family or rule it is about."""
    facts: Mapping[str, Any]
    drafts: Sequence[Record] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data; the Chinese words stand under `zh`."""
        facts = {**self.facts}
        why, mend = (text.format_map(facts) for text in WORDS[self.kind][:2])
        chinese = {**facts, "title": facts.get("title_zh", facts.get("title"))}
        why_zh, mend_zh = (text.format_map(chinese) for text in WORDS[self.kind][2:])
        return {
            "task": self.task,
            "kind": self.kind,
            "item": self.item,
            "why": why,
            "mend": mend,
            "zh": {"why": why_zh, "mend": mend_zh},
            "records": [record.to_json() for record in self.drafts],
        }
