"""Which records ask for facts that the base model doesn't have: learning those teaches a model to invent.

After SliCK (Gekhman et al. 2024, arXiv:2405.05904). Only short answers that the record's own input doesn't hold
are facts: a label is a judgement, an extracted value stands in the text, and whether a long text is right can't be
told by comparing words.

Knows records and their facts; how one is asked stands in `asking`, how its class is decided in `slick`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.progress import Progress
from sftloop.curate.finding import DataFinding, Sentence
from sftloop.curate.knowledge.asking import Asker, Kind, few_shot_of
from sftloop.curate.knowledge.few_shot import Fact, FewShot
from sftloop.curate.knowledge.ledger import Asked, Ledger
from sftloop.curate.knowledge.short_facts import Exempt, facts_of
from sftloop.curate.knowledge.slick import CLASSES, Knowledge

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from sftloop.models import PromptEncoder
    from sftloop.records import Record
    from sftloop.scenario import Scenario

_AT_ONCE = 512
"""Facts that are asked side by side: enough that those behind each of ten sets of exemplars fill a batch."""
_SHOWN = 5

_UNKNOWN = Sentence(
    why="{count} of {measured} short answers of task '{name}' ({share:.0%}) ask for facts that the model doesn't "
    "get right in any of many tries. Learning such answers teaches it to state what it doesn't know.",
    mend="Keep these records out, or put the fact into the input (retrieval) so that the answer can be read "
    "there; a few do no harm if training stops early.",
    why_zh="任务“{name}”的 {measured} 条简短答案中，有 {count} 条（{share:.0%}）问的是模型多次尝试也答不出的事实。"
    "学习这类答案会让模型养成编造的习惯。",
    mend_zh="去掉这些记录，或通过检索把事实写进输入，让模型从中读出答案；如果尽早停止训练，保留少量也无妨。",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordKnowledge:
    """What the model knows of one record's answer."""

    record_id: str
    task: str
    verdict: Knowledge | None = None
    """Of its least known fact; None where there is nothing to know or it wasn't measured."""
    exempt: Exempt | None = None
    """Why it has no verdict."""
    fact: Fact | None = None
    """The least known one."""
    generations: int = 0
    """Answers written to find out, over all its facts."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data, one line of a file."""
        row: dict[str, Any] = {"id": self.record_id, "task": self.task}
        if self.fact is None:
            return {**row, "exempt": self.exempt}
        named = {"field": self.fact.field} if self.fact.field else {}
        return {**row, "knowledge": self.verdict, **named, "generations": self.generations}


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeReport:
    """What the model knows of a data set."""

    records: Sequence[RecordKnowledge]
    """In the order given."""
    findings: Sequence[DataFinding] = field(default_factory=tuple)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return per task how many records are of each class, or exempt for each reason."""
        tables: dict[str, Counter[str]] = {}
        for record in self.records:
            tables.setdefault(record.task, Counter())[record.verdict or str(record.exempt)] += 1
        return {task: dict(table) for task, table in tables.items()}

    @property
    def generations_per_record(self) -> float:
        """Mean answers written per measured record; beside them each fact is scored behind ten prompts."""
        measured = [record.generations for record in self.records if record.verdict]
        return sum(measured) / len(measured) if measured else 0.0


def measure_knowledge(
    model: PreTrainedModel,
    encoder: PromptEncoder,
    scenario: Scenario,
    records: Sequence[Record],
    *,
    seed: int = 0,
    inquiries: Path | None = None,
) -> KnowledgeReport:
    """Ask the base model for every short fact in the records' answers.

    Args:
        model: the base model, before training.
        encoder: its tokenizer.
        scenario: of the records.
        records: of any tasks; exemplars come from among them, whatever their order.
        seed: of exemplars and samples.
        inquiries: a file that gets a line per fact; one that is there is not asked for again.
    """
    found = [facts_of(scenario, record) for record in records]
    facts = [fact for own in found if isinstance(own, list) for fact in own]
    shots = few_shot_of(encoder, scenario, facts, seed)
    asker = Asker(model, encoder, shots, seed)
    askable = [fact for fact in facts if (fact.task, fact.field) in shots]
    ledger = Ledger(inquiries)
    left = [fact for fact in askable if fact not in ledger]
    with Progress("Asking for facts", len(askable), done=len(askable) - len(left)) as progress:
        for start in range(0, len(left), _AT_ONCE):
            part = left[start : start + _AT_ONCE]
            ledger.add(part, asker.ask(part, progress))
    asked = ledger.asked
    rows = [_of_record(record, own, shots, asked) for record, own in zip(records, found, strict=True)]
    return KnowledgeReport(records=rows, findings=_findings(rows))


def _of_record(
    record: Record,
    found: list[Fact] | Exempt,
    shots: Mapping[Kind, FewShot],
    found_out: Mapping[Fact, Asked],
) -> RecordKnowledge:
    if not isinstance(found, list):
        return RecordKnowledge(record_id=record.id, task=record.task, exempt=found)
    asked = [(fact, found_out[fact]) for fact in found if fact in found_out]
    if not asked:
        few = all((fact.task, fact.field) not in shots for fact in found)
        why: Exempt = "too_few_facts" if few else "too_long"
        return RecordKnowledge(record_id=record.id, task=record.task, exempt=why)
    classes = [(CLASSES.index(one.verdict), fact) for fact, one in asked]
    worst, fact = max(classes, key=lambda pair: pair[0])
    return RecordKnowledge(
        record_id=record.id,
        task=record.task,
        verdict=CLASSES[worst],
        fact=fact,
        generations=sum(one.generations for _, one in asked),
    )


def _findings(rows: Sequence[RecordKnowledge]) -> list[DataFinding]:
    found = []
    for task in dict.fromkeys(row.task for row in rows):
        measured = [row for row in rows if row.task == task and row.verdict]
        unknown = [row for row in measured if row.verdict == "unknown"]
        if not unknown:
            continue
        counts = Counter(row.verdict for row in measured)
        shown = [row.fact for row in unknown[:_SHOWN] if row.fact]
        found.append(
            DataFinding.of(
                "unknown_knowledge",
                "warning",
                _UNKNOWN,
                task=task,
                records=[row.record_id for row in unknown],
                evidence={
                    "classes": {name: counts[name] for name in CLASSES},
                    "examples": [{"question": fact.question, "answer": fact.answer} for fact in shown],
                },
                name=task,
                count=len(unknown),
                measured=len(measured),
                share=len(unknown) / len(measured),
            )
        )
    return found
