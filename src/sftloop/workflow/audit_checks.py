"""The checks of an audit: the quick ones that read records only, and those that ask the base model.

Chains what `curate` finds; doesn't know files of results, pages or terminals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftloop.core.files import atomic_write_json, read_json
from sftloop.core.jsonl import write_jsonl
from sftloop.core.progress import say
from sftloop.core.rundir import RunDirectory
from sftloop.records import Record, sample_records
from sftloop.scenario import Scenario

if TYPE_CHECKING:
    from sftloop.curate.difficulty import DifficultyReport
    from sftloop.curate.finding import DataFinding
    from sftloop.models import LocalModel, TaskTokens

Facts = dict[str, dict[str, Any]]
"""Task → facts of its own."""


@dataclass(slots=True)
class Checked:
    """What all checks found."""

    findings: list[DataFinding] = field(default_factory=list)
    facts: Facts = field(default_factory=dict)
    not_checked: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, task: str, **facts: Any) -> None:
        """Add facts of a task."""
        self.facts.setdefault(task, {}).update(facts)

    def left_out(self, what: str, why: str, what_zh: str, why_zh: str) -> None:
        """Note what wasn't checked."""
        self.not_checked.append({"what": what, "why": why, "zh": {"what": what_zh, "why": why_zh}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokenised:
    """A model's tokenizer, where the model is on this machine."""

    tokens: Mapping[str, TaskTokens]
    context_tokens: int | None

    @classmethod
    def of(cls, scenario: Scenario, tasks: set[str], path: Path) -> Tokenised:
        """Tokenise the tasks once."""
        from sftloop.models import PromptEncoder, TaskTokens

        encoder = PromptEncoder.from_directory(path)
        tokens = {name: TaskTokens.of(scenario, name, encoder) for name in sorted(tasks)}
        return cls(tokens=tokens, context_tokens=encoder.context_tokens)


def check_trainable(
    checked: Checked, scenario: Scenario, records: Sequence[Record], tokenised: Tokenised | None
) -> list[Record]:
    """Find what can't be trained on; return the records that can.

    Args:
        checked: gets findings and facts.
        scenario: of the records.
        records: what is audited.
        tokenised: None: nothing is counted in tokens.
    """
    from sftloop.curate.trainable import find_untrainable

    found = find_untrainable(
        records,
        scenario,
        tokens=tokenised.tokens if tokenised else None,
        context_tokens=tokenised.context_tokens if tokenised else None,
    )
    checked.findings += found.findings
    for fit in found.facts:
        checked.tell(fit.task, tokens=fit.to_json())
    bad = {name for finding in found.findings if finding.severity == "error" for name in finding.records}
    return [record for record in records if record.id not in bad]


def check_records(
    checked: Checked,
    scenario: Scenario,
    split: str,
    splits: Mapping[str, Sequence[Record]],
    *,
    difficulty: DifficultyReport | None,
    seed: int,
    whole: bool,
) -> None:
    """Run every check that needs no model but `check_trainable`.

    Args:
        checked: gets findings and facts.
        scenario: of the records.
        split: what is audited.
        splits: all splits there are; the audited one among them.
        difficulty: as measured; None: taken from the tags.
        seed: of everything drawn.
        whole: all records of the split are there, so that their numbers say something.
    """
    from sftloop.curate.copies import (
        find_conflicts,
        find_duplicates,
        find_group_leaks,
        find_leaks,
        find_near_duplicates,
    )
    from sftloop.curate.labels import find_label_errors
    from sftloop.curate.spread import find_imbalance
    from sftloop.curate.style import find_format_outliers

    records = splits[split]
    levels = {row.record_id: row.level for row in difficulty.records} if difficulty else None
    say(f"Reading {len(records):,} records")
    balance = find_imbalance(records, scenario, difficulty=levels, seed=seed)
    styles = find_format_outliers(records, scenario)
    labels = find_label_errors(records, scenario, seed=seed)
    checked.findings += [
        *find_duplicates(records),
        *find_conflicts(records),
        *find_near_duplicates(records, seed=seed),
        *(
            leak
            for leak in (*find_leaks(splits, seed=seed), *find_group_leaks(splits))
            if leak.evidence["split"] == split
        ),
        *labels.findings,
        *styles.findings,
        *(balance.findings if whole else ()),
    ]
    if not whole:
        checked.left_out(
            "balance of tasks and labels",
            "--limit takes as many records of each label as it can; without it they are counted",
            "任务与标签的均衡",
            "--limit 会尽量均匀地抽取各标签的记录；不加它才会统计数量",
        )
    for fact in balance.facts:
        own = fact.to_json()
        checked.tell(own.pop("task"), kind=scenario.tasks[fact.task].kind, **own)
    for style in styles.facts:
        checked.tell(
            style.task, styles=style.to_json()["styles"], characters_of=style.to_json()["characters"]
        )
    for judged in labels.facts:
        pairs = {f"{given or '–'}→{suggested or '–'}": count for given, suggested, count in judged.pairs}
        checked.tell(
            judged.task, label_errors=pairs if judged.trusted else {}, labels_judged=judged.to_json()
        )
        if not judged.trusted:
            checked.left_out(
                f"labels of '{judged.task}'",
                f"a classifier on the texts agrees with {judged.agreement:.0%} of them: too few to doubt one",
                f"“{judged.task}”的标签",
                f"基于文本的分类器只与 {judged.agreement:.0%} 的标签一致，不足以质疑某一条",
            )
    _variety(checked, records, scenario, seed)


def sampled(checked: Checked, records: Sequence[Record], most: int, seed: int) -> list[Record]:
    """Return the records that the model is asked about, and note what is left out.

    Args:
        checked: is told.
        records: what could be asked about.
        most: records of each task, spread over its labels; 0: all.
        seed: of the draw.
    """
    drawn = sample_records(records, most, seed=seed) if most else list(records)
    left = len(records) - len(drawn)
    if left:
        say(f"The model is asked about {len(drawn):,} of {len(records):,} records; --sample 0 asks about all")
        checked.left_out(
            f"difficulty and knowledge of {left:,} records",
            f"the model was asked about a sample of {most:,} a task; --sample 0 asks about all",
            f"{left:,} 条记录的难度与知识",
            f"每个任务只抽取 {most:,} 条询问模型；--sample 0 则询问全部",
        )
    return drawn


def ask_model(
    run: RunDirectory,
    checked: Checked,
    scenario: Scenario,
    records: Sequence[Record],
    local: LocalModel,
    seed: int,
) -> DifficultyReport:
    """Measure difficulty and knowledge with the base model, and keep a line per record in the run's directory."""
    from sftloop.curate.difficulty import measure_difficulty
    from sftloop.curate.finding import DataFinding
    from sftloop.curate.knowledge import measure_knowledge

    difficulty = measure_difficulty(local, scenario, records, directory=run.path)
    write_jsonl(run.file("difficulty.jsonl"), (row.to_json() for row in difficulty.records))
    checked.findings += difficulty.findings
    _tell_difficulty(checked, difficulty)
    if not run.step_done("knowledge"):
        knowledge = measure_knowledge(
            local.model, local.encoder, scenario, records, seed=seed, inquiries=run.file("inquiries.jsonl")
        )
        write_jsonl(run.file("knowledge.jsonl"), (row.to_json() for row in knowledge.records))
        kept = {"counts": knowledge.counts(), "findings": [each.to_json() for each in knowledge.findings]}
        atomic_write_json(run.file("knowledge.json"), kept)
        run.mark_done("knowledge")
    known = read_json(run.file("knowledge.json"), "what the model knows")
    checked.findings += [DataFinding.from_json(row) for row in known["findings"]]
    _tell_knowledge(checked, known["counts"])
    return difficulty


def _variety(checked: Checked, records: Sequence[Record], scenario: Scenario, seed: int) -> None:
    from sftloop.curate.similarity.hashed_ngrams import hashed_ngrams
    from sftloop.curate.spread import effective_number, vendi_score

    for name in scenario.tasks:
        own = [record for record in records if record.task == name]
        if not own:
            continue
        texts = [record.text() for record in own]
        checked.tell(
            name,
            diversity={
                "effective_labels": effective_number(label for record in own for label in record.labels()),
                "effective_tags": effective_number(tag for record in own for tag in record.tags),
                "vendi": vendi_score(hashed_ngrams(texts, scenario.language, seed=seed), seed=seed),
                "n": len(own),
            },
        )


def _tell_difficulty(checked: Checked, report: DifficultyReport) -> None:
    """Add each task's levels, what calibration said, and a histogram of margins (IFD where there are none)."""
    import numpy as np

    for task, facts in report.tasks.items():
        own = [row for row in report.records if row.task == task]
        values = [row.margin if row.margin is not None else row.ifd for row in own]
        counts, edges = np.histogram([value for value in values if value is not None], bins=20)
        levels = facts["levels"]
        checked.tell(
            task,
            measured_difficulty={
                **levels,
                "margins": counts.tolist(),
                "edges": edges.tolist(),
                "facts": dict(facts),
            },
        )


def _tell_knowledge(checked: Checked, table: Mapping[str, Mapping[str, int]]) -> None:
    from sftloop.curate.knowledge import CLASSES, NOTHING_TO_KNOW

    for task, counts in table.items():
        exempt = {name: counts[name] for name in NOTHING_TO_KNOW if name in counts}
        passed = {name: n for name, n in counts.items() if name not in CLASSES and name not in exempt}
        most = max(exempt, key=lambda name: exempt[name], default=None)
        checked.tell(
            task,
            knowledge={
                **{name: counts.get(name, 0) for name in CLASSES},
                "exempt": sum(exempt.values()),
                "not_measured": sum(passed.values()),
                "why_exempt": most,
            },
        )
