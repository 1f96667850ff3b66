"""The verdict in sentences: overall, per task, against its target, against the linear baseline.

Compares saved numbers with each other to choose a sentence; computes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sftloop.evaluate.measures import FALLING
from sftloop.report.charts.differences import Difference, difference_axis, difference_row
from sftloop.report.charts.svg import Axis
from sftloop.report.figures import PLAIN_METRICS, Figures
from sftloop.report.wording import Words

_VERDICTS = ("better", "worse", "inconclusive")
_NAMED_TASKS = 4
"""At most so many tasks are named in the overall sentence; more are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A sentence with a mark that says at a glance how it ends."""

    state: str
    """`good`, `bad` or `unsure`; chooses colour and sign."""
    badge: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskVerdict:
    """One task's row of the first screen."""

    task: str
    anchor: str
    verdict: str
    badge: str
    sentence: str
    picture: Markup | None
    target: Statement | None
    linear: Statement | None
    """Said here only where the baseline is as good or close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The first screen."""

    state: str
    """The overall verdict: better, worse, inconclusive or mixed."""
    headline: str
    targets: str
    key_lost: Statement | None
    """Said where a task got worse that the scenario calls a key task."""
    tasks: tuple[TaskVerdict, ...]


def overall_verdict(tasks: Mapping[str, Mapping[str, Any]], words: Words) -> Verdict:
    """Return the first screen for all tasks of a summary."""
    axis = _points_axis(tasks)
    given: dict[str, list[str]] = {verdict: [] for verdict in _VERDICTS}
    for name, task in tasks.items():
        given[task["paired"]["verdict"]].append(name)
    return Verdict(
        state=_state(given),
        headline=_headline(given, len(tasks), words),
        targets=_targets(tasks, words),
        key_lost=_key_lost(tasks, words),
        tasks=tuple(
            _task_verdict(name, index, task, axis, words)
            for index, (name, task) in enumerate(tasks.items(), start=1)
        ),
    )


def metric_name(metric: str, words: Words) -> str:
    """Return a metric's name on the page; an unknown one keeps its own."""
    return words.task.metrics.get(metric, metric)


def named_in_sentence(metric: str, words: Words) -> str:
    """Return a metric's name as it stands before Chinese or English words: Latin letters keep a space."""
    name = metric_name(metric, words)
    return f"{name} " if words.verdict.sentence_join == "" and name[-1:].isascii() else name


def linear_sentence(task: Mapping[str, Any], words: Words) -> Statement | None:
    """Say how the linear baseline stands beside the fine-tuned model; None where there is none."""
    if not task.get("linear"):
        return None
    metric, figures = task["paired"]["metric"], Figures(words.figures)
    linear = (task["linear"]["metrics"].get(metric) or {}).get("value")
    after = task["after"]["metrics"].get(metric) or {}
    if linear is None or after.get("value") is None:
        return Statement(state="unsure", badge="", text=words.linear.unknown)
    falling = metric in FALLING
    as_good = linear <= after["value"] if falling else linear >= after["value"]
    edge = after.get("high" if falling else "low")
    inside = edge is not None and (linear <= edge if falling else linear >= edge)
    state, template = next(
        chosen
        for applies, chosen in (
            (as_good, ("bad", words.linear.as_good)),
            (inside, ("unsure", words.linear.close)),
            (True, ("good", words.linear.behind)),
        )
        if applies
    )
    said = template.format(
        linear=figures.value(metric, linear),
        after=figures.value(metric, after["value"]),
        interval=figures.range(metric, after.get("low"), after.get("high")),
    )
    return Statement(state=state, badge="", text=said)


def target_statement(task: Mapping[str, Any], words: Words) -> Statement | None:
    """Say whether the task reached its target; None where it has none."""
    target = task.get("target")
    if not target:
        return None
    metric, figures = target["metric"], Figures(words.figures)
    what = named_in_sentence(metric, words)
    if target.get("label"):
        what = words.target.of_label.format(metric=what, label=target["label"])
    wanted = words.target.at_most if metric in FALLING else words.target.at_least
    met = bool(target.get("met"))
    sure = bool(target.get("sure", met))
    template = words.target.met if met and sure else words.target.met_unsure if met else words.target.missed
    if target.get("value") is None:
        template = words.target.unknown
    reached, asked = figures.apart(metric, target.get("value"), target["at_least"])
    said = template.format(
        what=what,
        value=reached,
        wanted=wanted.format(value=asked),
        low=figures.value(metric, target.get("low")),
    )
    badge = words.target.badge_met if met else words.target.badge_missed
    return Statement(state="good" if met else "bad", badge=badge, text=said)


def paired_sentence(paired: Mapping[str, Any], words: Words) -> str:
    """Return the sentence that states one task's difference with its interval."""
    if paired.get("difference") is None:
        return words.verdict.not_compared
    metric, verdict, figures = paired["metric"], paired["verdict"], Figures(words.figures)
    falling = "_falling" if metric in FALLING else ""
    name = {"better": f"gain{falling}", "worse": f"loss{falling}", "inconclusive": "unclear"}[verdict]
    template: str = getattr(words.verdict, name)
    difference, low, high = (paired.get(key) for key in ("difference", "low", "high"))
    if verdict == "worse":
        difference, low, high = (None if end is None else -end for end in (difference, high, low))
    signed = verdict == "inconclusive"
    return template.format(
        metric=named_in_sentence(metric, words),
        before=figures.value(metric, paired.get("before")),
        after=figures.value(metric, paired.get("after")),
        difference=figures.difference(metric, difference, signed=signed),
        interval=figures.interval(metric, low, high, signed=signed),
    )


def _state(given: Mapping[str, list[str]]) -> str:
    if given["better"] and given["worse"]:
        return "mixed"
    return next((verdict for verdict in ("better", "worse") if given[verdict]), "inconclusive")


def _headline(given: Mapping[str, list[str]], n: int, words: Words) -> str:
    clauses = [_clause(verdict, names, n, words) for verdict, names in given.items() if names]
    sentence = words.verdict.clause_join.join(clauses) + words.verdict.stop
    if any(sentence.startswith(name) for names in given.values() for name in names):
        return sentence
    return sentence[0].upper() + sentence[1:]


def _clause(verdict: str, names: list[str], n: int, words: Words) -> str:
    if len(names) == n:
        all_of: Any = getattr(words.verdict, f"{verdict}_on_all")
        return str(all_of.of(n))
    if len(names) > _NAMED_TASKS:
        return str(getattr(words.verdict, f"{verdict}_on_some").format(k=len(names), n=n))
    shown = Figures(words.figures).names(names)
    return str(getattr(words.verdict, f"{verdict}_on").format(names=shown))


def _targets(tasks: Mapping[str, Mapping[str, Any]], words: Words) -> str:
    met = [bool(task["target"].get("met")) for task in tasks.values() if task.get("target")]
    if not met:
        return words.verdict.no_targets
    if all(met) or not any(met):
        same = words.verdict.targets_all_met if met[0] else words.verdict.targets_none_met
        return same.of(len(met))
    return words.verdict.targets_some_met.format(k=sum(met), n=len(met))


def _key_lost(tasks: Mapping[str, Mapping[str, Any]], words: Words) -> Statement | None:
    lost = [name for name, task in tasks.items() if task.get("key") and task["paired"]["verdict"] == "worse"]
    if not lost:
        return None
    names = Figures(words.figures).names(lost)
    return Statement(
        state="bad", badge=words.verdict.badge_key_lost, text=words.verdict.key_lost.format(names=names)
    )


def _task_verdict(name: str, index: int, task: Mapping[str, Any], axis: Axis, words: Words) -> TaskVerdict:
    paired = task["paired"]
    linear = linear_sentence(task, words)
    return TaskVerdict(
        task=name,
        anchor=f"task-{index}",
        verdict=paired["verdict"],
        badge=words.verdict.badges[paired["verdict"]],
        sentence=paired_sentence(paired, words),
        picture=_picture(name, paired, axis, words),
        target=target_statement(task, words),
        linear=linear if linear and linear.state != "good" else None,
    )


def _points_axis(tasks: Mapping[str, Mapping[str, Any]]) -> Axis:
    """Return the axis, in points, that all differences of shares are drawn on."""
    shares = [task["paired"] for task in tasks.values() if task["paired"]["metric"] not in PLAIN_METRICS]
    return difference_axis([_difference(paired, 100.0, "") for paired in shares if _complete(paired)])


def _picture(name: str, paired: Mapping[str, Any], axis: Axis, words: Words) -> Markup | None:
    if not _complete(paired):
        return None
    figures, metric = Figures(words.figures), paired["metric"]
    label = words.task.difference_label.format(
        task=name,
        difference=figures.difference(metric, paired["difference"], signed=True),
        interval=figures.interval(metric, paired["low"], paired["high"], signed=True),
    )
    plain = metric in PLAIN_METRICS
    difference = _difference(paired, 1.0 if plain else 100.0, label)
    return difference_row(difference, difference_axis([difference]) if plain else axis)


def _complete(paired: Mapping[str, Any]) -> bool:
    return all(paired.get(key) is not None for key in ("difference", "low", "high"))


def _difference(paired: Mapping[str, Any], scale: float, label: str) -> Difference:
    return Difference(
        value=paired["difference"] * scale,
        low=paired["low"] * scale,
        high=paired["high"] * scale,
        verdict=paired["verdict"],
        label=label,
    )
