"""The same question asked otherwise: labels in another order, the instruction in other words, sections swapped.

A model that reads its input answers alike. The wordings are frames around the scenario's own instruction; true
paraphrases need an author. Makes scenarios and compares answers; runs no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sftloop.diagnose.claims import claimed
from sftloop.evaluate.align import align_pairs, cluster_codes
from sftloop.evaluate.bootstrap import bootstrap_interval
from sftloop.evaluate.field_values import same_values
from sftloop.evaluate.proportions import proportion_interval
from sftloop.evaluate.resample import additive
from sftloop.records import Prediction, Record
from sftloop.scenario import Answer, Language, Scenario, Task

Aspect = Literal["label_order", "wording", "sampling"]
ASPECTS: tuple[Aspect, ...] = ("label_order", "wording", "sampling")

_FRAMES: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "polite": "Please answer the following. {instruction}",
        "strict": "{instruction} Judge only by what the input says.",
    },
    "zh": {"polite": "请回答下面的问题：{instruction}", "strict": "{instruction}只依据输入的内容判断。"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One other way to ask."""

    name: str
    aspect: Aspect
    scenario: Scenario
    """With one task of the original's changed."""


def variants_of(scenario: Scenario, task: Task) -> list[Variant]:
    """Return the ways to ask a task otherwise: labels reversed and rotated, two frames, sections swapped."""
    found = []
    labels = list(task.labels.items())
    orders = {"reversed": labels[::-1], "rotated": labels[1:] + labels[:1]}
    for name, turned in orders.items():
        if turned != labels and (name == "reversed" or turned != labels[::-1]):
            changed = task.model_copy(update={"labels": dict(turned)})
            found.append(Variant(name=name, aspect="label_order", scenario=_with(scenario, changed)))
    if instruction := task.instruction.strip():
        for name, frame in _FRAMES[scenario.language].items():
            changed = task.model_copy(update={"instruction": frame.replace("{instruction}", instruction)})
            found.append(Variant(name=name, aspect="wording", scenario=_with(scenario, changed)))
        order = "instruction_first" if scenario.order == "input_first" else "input_first"
        swapped = scenario.with_format(scenario.format.model_copy(update={"order": order}))
        found.append(Variant(name="sections", aspect="wording", scenario=swapped))
    return found


def stability_figures(
    task: Task,
    records: Sequence[Record],
    base: Sequence[Prediction],
    asked: Sequence[tuple[str, Aspect, Sequence[Prediction]]],
    *,
    seed: int,
) -> dict[str, Any]:
    """Return how often the answer stays when the question is asked otherwise, or again.

    Args:
        task: the task.
        records: those that were asked in every way.
        base: the answers to the scenario's own prompt.
        asked: name, aspect and answers of every other way.
        seed: of the bootstrap.

    Returns:
        {aspect: {"agreement": share of answers equal to the base's, clustered by group, else by record, "ways":
        {name: share}}}.
        `sampling` of a choice task with probabilities is exact: the mean probability of the answer given, which is
        how often a draw at temperature 1 repeats it.
    """
    found: dict[str, Any] = {}
    for aspect in ASPECTS:
        ways = {
            name: _agreement(task, records, base, answers) for name, own, answers in asked if own == aspect
        }
        if ways:
            hits = np.concatenate([own for own, _ in ways.values()])
            owners = [owner for _, each in ways.values() for owner in each]
            found[aspect] = {
                "agreement": proportion_interval(hits, cluster_codes(owners)).to_json(),
                "ways": {
                    name: proportion_interval(own, cluster_codes(each)).to_json()
                    for name, (own, each) in ways.items()
                },
            }
    exact = _repeated(task, records, base, seed)
    if exact is not None and "sampling" not in found:
        found["sampling"] = {"agreement": exact, "ways": {}}
    return found


def _with(scenario: Scenario, task: Task) -> Scenario:
    return scenario.model_copy(update={"tasks": {**scenario.tasks, task.name: task}})


def _agreement(
    task: Task, records: Sequence[Record], base: Sequence[Prediction], other: Sequence[Prediction]
) -> tuple[Any, list[str]]:
    """Return whether each answer stayed, and which group, else which record, it belongs to."""
    pairs = align_pairs(task, records, base, other)
    both = zip(pairs.before.predictions, pairs.after.predictions, strict=True)
    hits = np.array([_same(task, first.answer, second.answer) for first, second in both], dtype=bool)
    return hits, [record.group or record.id for record in pairs.before.records]


def _same(task: Task, first: Answer | None, second: Answer | None) -> bool:
    """Whether two answers say the same; fields are compared by type, not by spelling."""
    if task.kind != "extract":
        return claimed(task, first) == claimed(task, second)
    if first is None or second is None:
        return first is second
    one, two = first.fields or {}, second.fields or {}
    return all(same_values(one.get(name), two.get(name), field.type) for name, field in task.fields.items())


def _repeated(
    task: Task, records: Sequence[Record], base: Sequence[Prediction], seed: int
) -> dict[str, Any] | None:
    if task.kind != "choice":
        return None
    drawn = {p.id: max(p.probabilities.values()) for p in base if p.task == task.name and p.probabilities}
    known = [record for record in records if record.task == task.name and record.id in drawn]
    if not known:
        return None
    shares = [drawn[record.id] for record in known]
    clusters = cluster_codes([record.group for record in known])
    sums = np.column_stack([shares, np.ones(len(shares))])
    mean = additive(sums, lambda sums_bK: sums_bK[:, 0] / sums_bK[:, 1])
    return bootstrap_interval(mean, len(shares), clusters=clusters, seed=seed, share=True).to_json()
