"""The systems of a comparison: from what the command line names to a list, and what was left out and why.

Finds files and reads training records; loads no weights and asks nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sftloop.core.errors import DataError, ModelError, UsageError
from sftloop.core.progress import say
from sftloop.records import cap_records, load_split
from sftloop.scenario import Scenario
from sftloop.workflow.api_systems import Services, api_systems
from sftloop.workflow.classifier_systems import classifier_systems
from sftloop.workflow.local_systems import Base, find_bases, model_systems, parse_adapter, tuned_system
from sftloop.workflow.prompt_variants import load_variants
from sftloop.workflow.system import System, distinct_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestants:
    """What is compared, as written on the command line."""

    models: Sequence[str] = ()
    """Open models; the scenario's where nothing else is named."""
    adapters: Sequence[str] = ()
    """`[NAME=]PATH[,PATH…]` each: one training, its seeds."""
    prompts: Sequence[Path] = ()
    """Other wordings, asked of every model and service."""
    services: Services = field(default_factory=Services)
    classifiers: bool = True
    """Train the two classifiers too."""


def gather_systems(
    scenario: Scenario,
    asked: Contestants,
    split: str,
    tasks: Collection[str] | None,
    seed: int,
    skip_bad: bool,
) -> tuple[list[System], list[dict[str, Any]]]:
    """Return all systems under names of their own, and what was left out and why."""
    variants = load_variants(scenario, asked.prompts)
    services = api_systems(asked.services, variants)
    trainings = [parse_adapter(text) for text in asked.adapters]
    named = list(asked.models)
    if not named and not services and not trainings:
        named = [scenario.model]
    bases = find_bases(named)
    found = model_systems(bases, variants)
    if trainings:
        needs_base = any(training.needs_base for training in trainings)
        known = bases or (find_bases([scenario.model]) if needs_base else [])
        found += [tuned_system(training, known, variants[0]) for training in trainings]
    found += services
    left_out: list[dict[str, Any]] = []
    if asked.classifiers:
        found += _classifiers(scenario, bases, split, tasks, seed, skip_bad, left_out)
    if len(found) < 2:
        raise UsageError(
            "A comparison needs two systems.", hint="Name more with --model, --adapter, --api or --prompt."
        )
    names = distinct_names([system.name for system in found])
    return [replace(system, name=name) for system, name in zip(found, names, strict=True)], left_out


def _classifiers(
    scenario: Scenario,
    bases: Sequence[Base],
    split: str,
    tasks: Collection[str] | None,
    seed: int,
    skip_bad: bool,
    left_out: list[dict[str, Any]],
) -> list[System]:
    def leave(what: str, why: str, what_zh: str, why_zh: str) -> None:
        left_out.append({"what": what, "why": why, "zh": {"what": what_zh, "why": why_zh}})
        say(f"Left out: {what} ({why})")

    if split == "train":
        leave(
            "classifiers", "they would be asked what they learned from", "分类器", "训练集正是它们学过的记录"
        )
        return []
    try:
        training = load_split(scenario, "train", tasks=tasks, skip_bad=skip_bad)
    except (DataError, UsageError) as error:
        leave("classifiers", error.message, "分类器", error.message)
        return []
    base = bases[0] if bases else _base_here(scenario)
    if base is None:
        leave(
            "embedding classifier",
            f"the model '{scenario.model}' is not on this machine",
            "嵌入向量分类器",
            f"本机没有模型“{scenario.model}”",
        )
    return classifier_systems(scenario, cap_records(training, scenario, seed=seed).kept, base, seed)


def _base_here(scenario: Scenario) -> Base | None:
    from sftloop.models import resolve_model

    try:
        return Base(name=scenario.model, path=resolve_model(scenario.model, allow_download=False))
    except ModelError:
        return None
