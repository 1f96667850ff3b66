"""What a scenario's targets ask for: refused where nothing could meet them, and put in words.

Reads the scenario only, so that a wrong target is found before a model is loaded; `target.py` compares results.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sftloop.core.errors import ScenarioError, nearest
from sftloop.evaluate.kinds import KINDS
from sftloop.evaluate.measures import FALLING
from sftloop.scenario.schema import PER_LABEL_METRICS, Scenario, Target, Task

_CORRELATIONS = frozenset({"pearson", "spearman"})


def require_targets(scenario: Scenario) -> None:
    """Refuse targets that name no metric of their task, or a value that their metric can't take.

    Raises:
        ScenarioError: the first such target, with file, line and the nearest metric or the allowed values.
    """
    for task in scenario.tasks.values():
        if task.target is not None:
            _require_metric(scenario, task, task.target)
            _require_value(scenario, task, task.target)


def target_in_words(target: Mapping[str, Any]) -> str:
    """Return the metric, its label and the value to reach: "recall of 'high' ≥ 0.85".

    Args:
        target: "metric", "label" and "at_least", as `check_target` returns them.
    """
    label = f" of '{target['label']}'" if target["label"] else ""
    sign = "≤" if target["metric"] in FALLING else "≥"
    return f"{target['metric']}{label} {sign} {target['at_least']}"


def reached_in_words(target: Mapping[str, Any]) -> str:
    """Return the value reached, with as many decimals as tell it from the one that was asked for.

    Args:
        target: "value" and "at_least", as `check_target` returns them.
    """
    value, wanted = target["value"], target["at_least"]
    if value is None:
        return "–"
    texts = [f"{value:.{decimals}f}" for decimals in range(3, 7)]
    return texts[0] if value == wanted else next((text for text in texts if float(text) != wanted), texts[0])


def _require_metric(scenario: Scenario, task: Task, target: Target) -> None:
    names = _task_metrics(task) if target.label is None else PER_LABEL_METRICS
    whose = f"of a task of kind '{task.kind}'" if target.label is None else f"of the label '{target.label}'"
    if target.metric not in names:
        raise ScenarioError(
            f"{_where(scenario, task)} names the metric '{target.metric}', which is none {whose}.",
            hint=nearest(target.metric, names),
        )


def _task_metrics(task: Task) -> tuple[str, ...]:
    beside = ("format_valid", "evidence_found") if task.answer.evidence else ("format_valid",)
    return (*KINDS[task.kind].METRICS, *beside)


def _require_value(scenario: Scenario, task: Task, target: Target) -> None:
    low, high = _limits(target.metric)
    wanted = target.at_least
    if low <= wanted <= high:
        return
    allowed = f"from {low:g} to {high:g}" if math.isfinite(high) else f"at least {low:g}"
    percent = low == 0 and high < wanted <= 100
    raise ScenarioError(
        f"{_where(scenario, task)} asks for {target.metric} {wanted:g}; it must be {allowed}.",
        hint=f"{wanted:g} % is written {wanted / 100:g}." if percent else "Mend at_least.",
    )


def _limits(metric: str) -> tuple[float, float]:
    """Return the lowest and the highest value that a metric can take."""
    if metric in FALLING:
        return 0.0, math.inf
    return (-1.0 if metric in _CORRELATIONS else 0.0), 1.0


def _where(scenario: Scenario, task: Task) -> str:
    file = f"{scenario.file}:{scenario.line('tasks', task.name, 'target')}: " if scenario.file else ""
    return f"{file}the target of task '{task.name}'"
