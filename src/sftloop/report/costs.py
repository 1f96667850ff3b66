"""Time, memory, and how to run it again: facts of the run as lines to read."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sftloop.report.charts.durations import duration_bar
from sftloop.report.figures import Figures
from sftloop.report.wording import Words

_PARTS = ("before", "train", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A name and what it stands for."""

    name: str
    value: str
    style: str = ""
    """CSS class of the bar that the fact explains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSection:
    """Time and memory."""

    bar: Markup | None
    times: tuple[Fact, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproduceSection:
    """What is needed to run it again."""

    command: str
    facts: tuple[Fact, ...]
    versions: tuple[Fact, ...]
    inputs: tuple[Fact, ...]
    settings: tuple[Fact, ...]
    training: tuple[Fact, ...]
    footer: str


def cost_section(summary: Mapping[str, Any], words: Words) -> CostSection:
    """Return the section on time and memory."""
    figures, costs = Figures(words.figures), words.costs
    seconds = summary.get("seconds") or {}
    names = {"before": costs.before, "train": costs.train, "after": costs.after}
    known = [part for part in _PARTS if seconds.get(part) is not None]
    times = [Fact(name=names[part], value=figures.duration(seconds[part]), style=part) for part in known]
    if seconds.get("total") is not None:
        times.append(Fact(name=costs.total, value=figures.duration(seconds["total"]), style="total"))
    bar = duration_bar([(part, seconds[part]) for part in known], costs.where_time_went) if known else None
    return CostSection(bar=bar, times=tuple(times), facts=(*_training_facts(summary, words), *_speeds(summary, words)))


def reproduce_section(
    manifest: Mapping[str, Any], summary: Mapping[str, Any], words: Words
) -> ReproduceSection:
    """Return the section on how to run it again."""
    settings = _flat(manifest.get("settings") or {})
    training = _flat((summary.get("train") or {}).get("settings") or {})
    seeds = {name: value for name, value in settings.items() if "seed" in name.split(".")[-1]}
    machine = _flat(manifest.get("machine") or {})
    facts = [
        Fact(name=words.reproduce.started, value=str(manifest.get("started") or words.figures.missing)),
        Fact(name=words.reproduce.machine, value=words.figures.comma.join(f"{k} {v}" for k, v in machine.items())),
    ]
    if seeds:
        facts.append(
            Fact(
                name=words.reproduce.seeds,
                value=words.figures.comma.join(f"{name} {value}" for name, value in seeds.items()),
            )
        )
    versions = manifest.get("versions") or {}
    return ReproduceSection(
        command=shlex.join(str(part) for part in manifest.get("command") or ()),
        facts=tuple(facts),
        versions=_facts(versions),
        inputs=_facts(manifest.get("inputs") or {}),
        settings=_facts({name: value for name, value in settings.items() if name not in seeds}),
        training=_facts(training),
        footer=words.reproduce.footer.format(version=versions.get("sftloop", "")).replace("  ", " "),
    )


def _training_facts(summary: Mapping[str, Any], words: Words) -> list[Fact]:
    train, figures, costs = summary.get("train") or {}, Figures(words.figures), words.costs
    facts = []
    if train.get("peak_memory_bytes"):
        facts.append(Fact(name=costs.peak_memory, value=figures.size(train["peak_memory_bytes"])))
    if train.get("trainable_parameters") is not None:
        value = costs.trainable_of.format(
            trainable=figures.count(train["trainable_parameters"]), all=figures.count(train.get("parameters"))
        )
        facts.append(Fact(name=costs.trainable, value=value))
    if train.get("suffix_tokens") is not None:
        template = costs.tokens_shared if train.get("shared_prefix", True) else costs.tokens_plain
        value = template.format(
            prefix=figures.count(train.get("prefix_tokens")), suffix=figures.count(train["suffix_tokens"])
        )
        facts.append(Fact(name=costs.tokens, value=value))
    return facts


def _speeds(summary: Mapping[str, Any], words: Words) -> list[Fact]:
    """Return the seconds per test record of each task that was timed."""
    facts = []
    for name, task in summary["tasks"].items():
        sides = [task[side].get("seconds_per_record") for side in ("before", "after")]
        if any(side is None for side in sides):
            continue
        value = words.costs.per_record.format(before=f"{sides[0]:.2f}", after=f"{sides[1]:.2f}")
        facts.append(Fact(name=f"{words.costs.seconds_per_record} · {name}", value=value))
    return facts


def _facts(values: Mapping[str, Any]) -> tuple[Fact, ...]:
    return tuple(Fact(name=str(name), value=str(value)) for name, value in values.items())


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as `a.b` → text; what isn't set is left out."""
    found: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        elif value is not None:
            found[f"{prefix}{key}"] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return found
