"""How several ways to train stand to each other on one task: means with intervals, and comparisons.

Knows names and predictions; doesn't know what distinguishes the ways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sftloop.evaluate import compare_trainings, mean_interval
from sftloop.evaluate.holm import corrected_verdict, holm
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario

Answered = Mapping[str, Sequence[Sequence[Prediction]]]
"""Name → the predictions of each seed."""


def standings(
    scenario: Scenario, asked: Sequence[Record], answered: Answered, sizes: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Return per task what each way reached, and the first one compared with every other.

    Args:
        scenario: whose tasks.
        asked: the records that all answered.
        answered: the way that the others are compared with comes first.
        sizes: name → records that were trained on.

    Returns:
        Per task {"task", "metric", "rows": [{"name", "n", "values", "mean", "low", "high"}], "verdicts":
        [{"against", "difference", "low", "high", "p", "verdict"}]}, with a comparison's "note" where it has one;
        p-values are Holm's over the comparisons.
    """
    tasks = [name for name in scenario.tasks if any(record.task == name for record in asked)]
    return [_of_task(scenario, name, asked, answered, sizes) for name in tasks]


def _of_task(
    scenario: Scenario, name: str, asked: Sequence[Record], answered: Answered, sizes: Mapping[str, int]
) -> dict[str, Any]:
    task = scenario.tasks[name]
    rows = []
    for way, runs in answered.items():
        measured = mean_interval(task, asked, runs)
        metric = measured.pop("metric")
        rows.append({"name": way, **measured, "n": sizes[way]})
    chosen, *others = answered
    compared = {other: compare_trainings(task, asked, answered[other], answered[chosen]) for other in others}
    adjusted = holm([found["p"] for found in compared.values()])
    verdicts = [
        {
            "against": other,
            **{key: found[key] for key in ("difference", "low", "high", "note") if key in found},
            "p": p,
            "verdict": corrected_verdict(found, p),
        }
        for (other, found), p in zip(compared.items(), adjusted, strict=True)
    ]
    return {"task": name, "metric": metric, "rows": rows, "verdicts": verdicts}
