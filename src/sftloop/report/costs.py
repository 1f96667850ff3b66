"""Time and memory: facts of the run as lines to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sftloop.report.charts.durations import duration_bar
from sftloop.report.fact import Fact
from sftloop.report.figures import Figures
from sftloop.report.wording import Words

_PARTS = ("before", "train", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSection:
    """Time and memory."""

    bar: Markup | None
    times: tuple[Fact, ...]
    facts: tuple[Fact, ...]


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
    facts = _training_facts(summary, words) + _speeds(summary, words)
    return CostSection(bar=bar, times=tuple(times), facts=tuple(facts))


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
