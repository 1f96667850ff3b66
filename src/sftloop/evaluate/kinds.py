"""Which module measures which kind of task: the closed registry of kinds.

Knows no formula.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import cast

from sftloop.evaluate import choice, extract, generate, multi, score
from sftloop.evaluate.measures import Kind
from sftloop.scenario.schema import Task

KINDS = MappingProxyType(
    {
        "choice": cast(Kind, choice),
        "multi": cast(Kind, multi),
        "extract": cast(Kind, extract),
        "generate": cast(Kind, generate),
        "score": cast(Kind, score),
    }
)


def primary_metric(task: Task) -> str:
    """Return the metric that decides comparisons of this task.

    choice: accuracy; multi: micro_f1; extract: field_f1; generate: chrf; score: mae (which falls as answers
    improve).
    """
    return KINDS[task.kind].PRIMARY
