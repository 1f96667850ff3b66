"""Proposed rewrites of answers whose form deviates: the same content in the usual style, by the model at hand.

Proposals are checked and never applied: that is for the user. Small models often lose a fact while they tidy up,
so numbers and names are compared. (The idea is ReAlign's, Fan et al. 2024, arXiv:2402.12219; there formats are
described by hand, here the data set's own records show theirs.)

Knows texts, their style and a model; doesn't know which records deviate.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from sftloop.core.seeds import derive_seed
from sftloop.curate.style import style_of
from sftloop.scenario import format_answer, parse_answer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from sftloop.models import PromptEncoder
    from sftloop.records import Record
    from sftloop.scenario import Scenario

Part = Literal["answer", "reason"]
Problem = Literal["empty", "unchanged", "misfit", "lost", "invented", "still_deviates"]
"""`misfit`: no longer an answer of the task; `lost`, `invented`: numbers or names that only one text has."""

_EXAMPLES = 3
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_NAME = re.compile(
    r"(?<=[a-z,;] )[A-Z][\w'-]+|\b[A-Z][A-Z\d-]+\b|《[^》]+》|[A-Za-z][\w.-]*(?=[\u4e00-\u9fff])"
)
"""Capitals inside a sentence, acronyms, titles, Latin words in Chinese."""

_ORDERS = {
    "en": (
        "Rewrite the last text in the style of the examples: same form, tone and typical length. Keep every fact, "
        "number and name; add nothing. Answer with the rewritten text alone.",
        "Example {n}:",
        "Text to rewrite:",
    ),
    "zh": (
        "按照示例的写法改写最后一段文字：形式、语气和大致篇幅与示例一致。保留全部事实、数字和名称，不要添加内容。"
        "只输出改写后的文字。",
        "示例{n}：",
        "待改写的文字：",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One answer or reason, and how it could be written the usual way."""

    record_id: str
    part: Part
    before: str
    after: str
    problems: tuple[Problem, ...]
    """What the checks found; empty: the user can take it."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data, one line of a file."""
        return {
            "id": self.record_id,
            "part": self.part,
            "before": self.before,
            "after": self.after,
            "problems": list(self.problems),
        }


def propose_rewrites(
    model: PreTrainedModel,
    encoder: PromptEncoder,
    scenario: Scenario,
    records: Sequence[Record],
    outliers: Sequence[str],
    *,
    part: Part = "answer",
) -> list[Proposal]:
    """Let a model rewrite outliers, and check what it wrote.

    Args:
        model: the model at hand; an instructed one.
        encoder: its tokenizer.
        scenario: of the records.
        records: of one task, outliers and usual ones.
        outliers: ids of the records to rewrite, those of a `format_outlier` finding; without the part they
            are passed over.
        part: which text of the answer.
    """
    from sftloop.models.sample import write_answers

    texts = {record.id: text for record in records if (text := text_of(record, part))}
    kept = {name: text for name, text in texts.items() if name not in set(outliers)}
    asked = [record for record in records if record.id in set(outliers) and record.id in texts]
    if not asked or not kept:
        return []
    usual = usual_style(kept)
    shown = _examples(kept, usual)
    prompts = [encoder.prompt_ids(_messages(scenario, shown, texts[record.id])) for record in asked]
    limit = 2 * max(len(encoder.answer_ids(text)) for text in (*shown, *(texts[r.id] for r in asked)))
    written = write_answers(model, encoder, prompts, stop=None, limit=limit)
    return [
        Proposal(
            record_id=record.id,
            part=part,
            before=texts[record.id],
            after=after,
            problems=problems_of(scenario, record, part, after, usual),
        )
        for record, [after] in zip(asked, written, strict=True)
    ]


def problems_of(
    scenario: Scenario, record: Record, part: Part, after: str, usual: Mapping[str, str]
) -> tuple[Problem, ...]:
    """Return what speaks against a rewrite.

    Args:
        scenario: of the record.
        record: as it is.
        part: which text was rewritten.
        after: the rewritten text.
        usual: the usual value of each feature of style.
    """
    before = text_of(record, part) or ""
    if not after.strip():
        return ("empty",)
    if after.strip() == before.strip():
        return ("unchanged",)
    checks: dict[Problem, bool] = {
        "misfit": not _fits(scenario, record, part, after),
        "lost": _lacks(after, before),
        "invented": _lacks(before, after),
        "still_deviates": deviation(after, usual) >= deviation(before, usual),
    }
    return tuple(problem for problem, found in checks.items() if found)


def text_of(record: Record, part: Part) -> str | None:
    """Return the text that is rewritten."""
    return record.answer.text if part == "answer" else record.answer.reason


def usual_style(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the most frequent value of each feature of style; of equals, the first in the alphabet."""
    counts: dict[str, Counter[str]] = {}
    for text in texts.values():
        for feature, value in style_of(text).items():
            counts.setdefault(feature, Counter())[value] += 1
    return {feature: min(count, key=lambda v: (-count[v], v)) for feature, count in counts.items()}


def deviation(text: str, usual: Mapping[str, str]) -> int:
    """Return how many features of a text's style are not the usual ones."""
    return sum(value != usual.get(feature) for feature, value in style_of(text).items())


def _examples(texts: Mapping[str, str], usual: Mapping[str, str]) -> list[str]:
    """Return the most usual texts; among equals the draw doesn't depend on the records' order."""
    ranked = sorted(
        texts, key=lambda name: (deviation(texts[name], usual), derive_seed("rewrite", name), name)
    )
    return [texts[name] for name in ranked[:_EXAMPLES]]


def _messages(scenario: Scenario, shown: Sequence[str], text: str) -> list[dict[str, str]]:
    order, example, last = _ORDERS[scenario.language]
    blocks = [f"{example.format(n=n)}\n{own}" for n, own in enumerate(shown, start=1)]
    user = "\n\n".join([*blocks, f"{last}\n{text}"])
    return [{"role": "system", "content": order}, {"role": "user", "content": user}]


def _lacks(text: str, other: str) -> bool:
    """Whether a number or a name of the other text stands nowhere in this one."""
    if set(_NUMBER.findall(other)) - set(_NUMBER.findall(text)):
        return True
    return any(name not in text for name in _NAME.findall(other))


def _fits(scenario: Scenario, record: Record, part: Part, after: str) -> bool:
    """Whether the rewritten answer is read back as what it was meant to be."""
    task = scenario.tasks[record.task]
    own = record.answer
    answer = replace(own, text=after) if part == "answer" else replace(own, reason=after)
    parsed = parse_answer(task, format_answer(task, answer, scenario.language), scenario.language)
    return parsed.valid
