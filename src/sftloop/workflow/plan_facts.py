"""The facts that a plan rests on: records, their tokens, the model's shape, the machine.

Fetches nothing: a model that isn't on this machine is known by its configuration, and its tokens are estimated.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from sftloop.core.errors import ModelError
from sftloop.plan import Architecture, find_config, gpu_bytes, known_name
from sftloop.plan.base_model import Candidate
from sftloop.plan.facts import Facts, Hardware, Tokens
from sftloop.plan.fit import setup_of
from sftloop.plan.setup import Setup
from sftloop.records import Record
from sftloop.scenario import Scenario, format_answer, probe_prompts, render_prompt
from sftloop.workflow.plan_memory import find_architecture, without_bf16
from sftloop.workflow.training_case import TrainingData, read_training_case

if TYPE_CHECKING:
    from sftloop.models import PromptEncoder

_SAMPLE, _LONGEST = 1_000, 20
"""Records whose tokens are counted: so many spread over all, and the longest."""
_CHARACTERS_PER_TOKEN = {"en": 4.0, "zh": 1.5}
_CGROUP = Path("/sys/fs/cgroup/memory.max")


class Base(NamedTuple):
    """The base model as far as it is known here."""

    name: str
    folder: Path | None
    """None: not on this machine."""
    architecture: Architecture | None
    """None: a family that the planner doesn't know."""


class Lengths(NamedTuple):
    """Tokens of one record."""

    prefix: int
    own: int
    answer: int


def find_base(model: str) -> Base:
    """Find a model's shape, and its folder if it is on this machine.

    Raises:
        ModelError: it is neither here nor known to the planner, or its folder is unusable.
    """
    from sftloop.models import resolve_model

    try:
        folder = resolve_model(model, allow_download=False)
    except ModelError:
        if Path(model).expanduser().exists():
            raise
        return Base(model, None, find_architecture(model))
    try:
        return Base(model, folder, replace(find_architecture(str(folder)), name=model))
    except ModelError:
        return Base(model, folder, None)


def gather(scenario: Scenario, data: TrainingData, base: Base, gpu: str | None) -> Facts:
    """Return the facts for a plan.

    Args:
        scenario: whose.
        data: its records, capped.
        base: the model.
        gpu: plan for this GPU instead of this machine.

    Raises:
        UsageError: an unknown GPU.
        DataError: a record that can't be rendered.
    """
    counts = Counter(record.task for record in data.train)
    return Facts(
        records=dict(counts),
        kinds={name: scenario.tasks[name].kind for name in counts},
        validation=len(data.validation),
        tokens=_tokens(scenario, data.train, base.folder),
        architecture=base.architecture,
        hardware=_other(gpu) if gpu else _this_machine(),
        shareable=_shareable(base.folder),
    )


def setup_for(directory: Path, *, model: str | None, gpu: str | None) -> tuple[str, Setup]:
    """Return the base model and how `train` would train it on a scenario, for the ledger.

    Args:
        directory: the scenario's.
        model: instead of the scenario's.
        gpu: on this GPU instead of this machine.

    Raises:
        UsageError: an unknown GPU.
        ModelError: the model is neither here nor known to the planner.
        ScenarioError, DataError: the scenario or its records are wrong.
    """
    if gpu:
        gpu_bytes(gpu)  # refused before records are counted
    case = read_training_case(directory, {}, tasks=None, limit=None, skip_bad=False)
    base = find_base(model or case.scenario.model)
    settings = case.choices.model_dump(exclude_none=True)
    return base.name, setup_of(gather(case.scenario, case.data, base, gpu), settings)


def _shareable(folder: Path | None) -> bool:
    """Whether training on the model shares the prefix; a model that isn't here counts as one that does."""
    if folder is None:
        return True
    from transformers import AutoConfig

    from sftloop.models.packed import why_not_shareable

    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    return why_not_shareable(config, training=True) is None


def candidates(scenario: Scenario, base: Base) -> list[Candidate]:
    """Return the catalogue's models for the scenario's language whose shape is known."""
    from sftloop.models.catalog import list_models

    found = []
    for entry in list_models():
        config = find_config(entry.name)
        if config is None or entry.gated or scenario.language not in entry.languages:
            continue
        if known_name(entry.name) != known_name(base.name):
            found.append(Candidate(entry.name, Architecture.from_config(config, entry.name)))
    return found


def _tokens(scenario: Scenario, records: Sequence[Record], folder: Path | None) -> Tokens:
    if folder is None:
        return _summed(list(_estimated(scenario, _sample(records))), counted=False, context=None)
    from sftloop.models import PromptEncoder

    encoder = PromptEncoder.from_directory(folder)
    rows = list(_counted(scenario, _sample(records), encoder))
    return _summed(rows, counted=True, context=encoder.context_tokens)


def _summed(rows: Sequence[Lengths], *, counted: bool, context: int | None) -> Tokens:
    """Join the lengths; the longest records, added behind the sample, count for the maximum only."""
    usual = rows[:-_LONGEST] if len(rows) > _SAMPLE else rows
    return Tokens(
        prefix=max(row.prefix for row in rows),
        prefix_mean=fmean(row.prefix for row in usual),
        own=fmean(row.own for row in usual),
        own_longest=max(row.own for row in rows),
        answer=fmean(row.answer for row in usual),
        context=context,
        counted=counted,
    )


def _sample(records: Sequence[Record]) -> list[Record]:
    """Return all records, or some spread evenly over them and the longest behind these."""
    if len(records) <= _SAMPLE:
        return list(records)
    spread = [records[place * len(records) // _SAMPLE] for place in range(_SAMPLE)]
    longest = sorted(records, key=lambda record: len(str(record.input)) + len(str(record.answer)))
    return [*spread, *longest[-_LONGEST:]]


def _counted(scenario: Scenario, records: Sequence[Record], encoder: PromptEncoder) -> Iterator[Lengths]:
    from sftloop.models import TaskTokens

    tasks = {name: TaskTokens.of(scenario, name, encoder) for name in {record.task for record in records}}
    for record in records:
        tokens = tasks[record.task]
        prompt, target = tokens.prompt(record), tokens.target(record)
        cut = tokens.split(prompt)
        yield Lengths(cut, len(prompt) - cut + len(target) - 1, len(target))


def _estimated(scenario: Scenario, records: Sequence[Record]) -> Iterator[Lengths]:
    per_token = _CHARACTERS_PER_TOKEN[scenario.language]
    for record in records:
        task = scenario.tasks[record.task]
        probes = ["".join(m["content"] for m in p.messages) for p in probe_prompts(scenario, task)]
        prefix = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*probes, strict=False)))
        whole = sum(len(m["content"]) for m in render_prompt(scenario, task, record.input).messages)
        answer = len(format_answer(task, record.answer, scenario.language))
        sizes = (prefix, whole - prefix + answer, answer)
        yield Lengths(*(max(1, round(size / per_token)) for size in sizes))


def _other(gpu: str) -> Hardware:
    return Hardware(
        device="cuda",
        name=gpu,
        memory_bytes=gpu_bytes(gpu),
        cores=os.cpu_count() or 1,
        gpus=1,
        precision="fp32" if without_bf16(gpu) else "bf16",
    )


def _this_machine() -> Hardware:
    from sftloop.models import describe_machine

    machine = describe_machine()
    cards = machine["accelerators"] if machine["device"] == "cuda" else []
    return Hardware(
        device=machine["device"].partition(":")[0],
        name=cards[0]["name"] if cards else machine["cpu"],
        memory_bytes=cards[0]["memory_bytes"] if cards else _of_the_process(machine["memory_bytes"]),
        cores=machine["cores"],
        gpus=len(cards),
        precision="bf16" if machine["dtype"] == "bfloat16" else "fp32",
    )


def _of_the_process(memory_bytes: int | None) -> int | None:
    """Return the machine's memory, or less where the process's control group (a container) is given less."""
    try:
        limit = int(_CGROUP.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return memory_bytes
    return limit if memory_bytes is None else min(limit, memory_bytes)
