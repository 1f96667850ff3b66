"""Which few records would teach the model the most: from a diagnosis to things to do, the most telling first.

Drafts are made from training records only, so that nothing of what measures is trained on. Knows the figures'
shape; runs no model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sftloop.core.seeds import derive_seed
from sftloop.diagnose.claims import claimed
from sftloop.diagnose.interventions import without_evidence
from sftloop.diagnose.probes import Answered, Probes
from sftloop.diagnose.suggestion import Suggestion
from sftloop.diagnose.trap_families import untested_rules
from sftloop.diagnose.traps import OWN, SOURCE, build_traps
from sftloop.evaluate.abstention import abstain_labels
from sftloop.records import Record
from sftloop.scenario import Language, Scenario, Task

DRAFTS = 3
"""A bad case is usually mended by two to four records."""
_FAMILIES, _LABELS, _RULES, _EXAMPLES = 4, 3, 3, 3
_TOLERATED = 0.1
"""Share of records that keep their answer without evidence which is not worth a suggestion."""

_NO_EVIDENCE: Mapping[Language, str] = {
    "en": "The input holds no direct evidence.",
    "zh": "原文没有直接证据。",
}
_METRICS_ZH = {"precision": "精确率", "recall": "召回率"}


def suggest(
    scenario: Scenario,
    probes: Probes,
    answered: Answered,
    diagnosis: Mapping[str, Any],
    train: Sequence[Record],
    *,
    seed: int,
) -> list[Suggestion]:
    """Return what to add for one task, at most one suggestion of each kind and item.

    Args:
        scenario: of the task.
        probes: what was asked.
        answered: what the model answered.
        diagnosis: the result of `diagnose_task`.
        train: records that drafts are made from; none are drafted without. Drafts of before that stand among
            them are neither made again nor made from.
        seed: of the choice among them.
    """
    task = probes.task
    own = [record for record in train if record.task == task.name and record.source != SOURCE]
    drafting = _Drafting(scenario, task, own, {record.id for record in train}, seed)
    return [
        *_traps(drafting, diagnosis),
        *_evidence(drafting, diagnosis),
        *_over_claims(probes, answered, diagnosis),
        *_threshold(task, diagnosis),
        *_missing_label(task),
        *_rules(scenario, task),
    ]


class _Drafting(NamedTuple):
    """What drafts are made from."""

    scenario: Scenario
    task: Task
    sources: Sequence[Record]
    known: Collection[str]
    """Ids of what is there already."""
    seed: int


def _traps(drafting: _Drafting, diagnosis: Mapping[str, Any]) -> list[Suggestion]:
    """Suggest records for the families that the model fails worst."""
    scenario, task, sources, known, seed = drafting
    failed = [
        (name, row) for name, row in diagnosis["traps"].items() if row["n"] and row["passed"] < row["n"]
    ]
    failed.sort(key=lambda item: (item[1]["value"], -item[1]["n"]))
    draft_seed = derive_seed(seed, "drafts")
    drafts = build_traps(scenario, task, sources, seed=draft_seed, most=DRAFTS, known=known)
    found = []
    for name, row in failed[:_FAMILIES]:
        counts, title = {"failed": row["n"] - row["passed"], "n": row["n"]}, row["title"]
        if title is None:
            named, named_zh = ("", "") if name == OWN else (f" of the kind “{name}”", f"“{name}”")
            facts = counts | {"named": named, "named_zh": named_zh}
            found.append(Suggestion(task=task.name, kind="own_trap", item=name, facts=facts))
            continue
        own = [trap.record for trap in drafts if trap.family == name]
        facts = counts | {"title": title["en"], "title_zh": title["zh"]}
        found.append(Suggestion(task=task.name, kind="trap", item=name, facts=facts, drafts=own))
    return found


def _evidence(drafting: _Drafting, diagnosis: Mapping[str, Any]) -> list[Suggestion]:
    scenario, task, sources, known, seed = drafting
    removed = (diagnosis["interventions"] or {}).get("removed")
    if not removed or removed["keeps"]["value"] <= _TOLERATED:
        return []
    rows = sorted(sources, key=lambda record: (derive_seed("removed", seed, record.id), record.id))
    made = (without_evidence(task, record) for record in rows)
    reason = _NO_EVIDENCE[scenario.language] if task.answer.reason else None
    drafts = [
        replace(
            record,
            answer=replace(record.answer, reason=reason),
            tags=("boundary", "generated"),
            source=SOURCE,
        )
        for record in made
        if record is not None and record.id not in known
    ]
    kept = removed["keeps"]
    return [
        Suggestion(
            task=task.name,
            kind="evidence",
            item=None,
            facts={"failed": round(kept["value"] * kept["n"]), "n": kept["n"]},
            drafts=drafts[:DRAFTS],
        )
    ]


def _over_claims(probes: Probes, answered: Answered, diagnosis: Mapping[str, Any]) -> list[Suggestion]:
    """Suggest boundary records for labels whose recall is surely above their precision."""
    task = probes.task
    if task.kind == "extract":
        return []
    given = {answer.id: claimed(task, answer.answer) or frozenset() for answer in answered.records}
    found = []
    gaps = {label: row for label, row in diagnosis["labels"].items() if (row["gap"]["low"] or 0) > 0}
    for label in sorted(gaps, key=lambda one: -gaps[one]["gap"]["value"])[:_LABELS]:
        row = gaps[label]
        wrong = [r.id for r in probes.records if label in given[r.id] and label not in r.labels()]
        found.append(
            Suggestion(
                task=task.name,
                kind="over_claim",
                item=label,
                facts={
                    "label": label,
                    "recall": row["recall"]["value"],
                    "precision": row["precision"]["value"],
                    "failed": len(wrong),
                    "n": row["unsupported"]["n"],
                    "examples": ", ".join(wrong[:_EXAMPLES]),
                },
            )
        )
    return found


def _threshold(task: Task, diagnosis: Mapping[str, Any]) -> list[Suggestion]:
    """Suggest more validation records where too few of them bar every threshold."""
    found = diagnosis["threshold"]
    if not found or found["why_not"] != "out_of_reach" or not found["needed"]:
        return []
    missing = found["needed"] - found["n"]
    if missing <= 0:
        return []
    metric_zh = _METRICS_ZH[found["metric"]]
    named = {key: found[key] for key in ("label", "metric", "at_least", "n", "needed")}
    facts = {**named, "missing": missing, "metric_zh": metric_zh}
    return [Suggestion(task=task.name, kind="validation", item=found["label"], facts=facts)]


def _missing_label(task: Task) -> list[Suggestion]:
    if task.kind != "choice" or abstain_labels(task):
        return []
    return [Suggestion(task=task.name, kind="no_abstain", item=None, facts={})]


def _rules(scenario: Scenario, task: Task) -> list[Suggestion]:
    if task.kind != "choice" or not abstain_labels(task):
        return []
    return [
        Suggestion(task=task.name, kind="rule", item=rule, facts={"label": label, "rule": rule})
        for label, rule in untested_rules(task, scenario.language)[:_RULES]
    ]
