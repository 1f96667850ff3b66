"""Fields filled out of nothing: values given where none is expected, and values that stand nowhere in the input.

Works on `extract` tasks; adds to the figures that over_association.py computes for every item.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sftloop.evaluate.align import Scored
from sftloop.evaluate.evidence import quote_found
from sftloop.evaluate.proportions import proportion_interval
from sftloop.scenario import Task

_COPIED = ("string", "list")
"""Types whose values can be copied out of the input; a number or a date may be written otherwise there."""


def field_figures(task: Task, scored: Scored, items: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the items' figures with `invented`: values that don't stand verbatim in the input.

    A field whose type can be written otherwise has None. A value that is right is never invented: what the record
    expects may be worded differently from the input.
    """
    return {name: {**figures, "invented": _invented(task, name, scored)} for name, figures in items.items()}


def _invented(task: Task, name: str, scored: Scored) -> dict[str, Any] | None:
    if task.fields[name].type not in _COPIED:
        return None
    hits: list[bool] = []
    owners: list[int] = []
    for index, (record, prediction) in enumerate(zip(scored.records, scored.predictions, strict=True)):
        given = _texts(((prediction.answer.fields if prediction.answer else None) or {}).get(name))
        right = set(_texts((record.answer.fields or {}).get(name)))
        hits += [value not in right and not quote_found(value, record) for value in given]
        owners += [index if scored.clusters is None else int(scored.clusters[index])] * len(given)
    clusters = np.array(owners, dtype=np.int64) if len(set(owners)) < len(owners) else None
    return proportion_interval(np.array(hits, dtype=bool), clusters).to_json()


def _texts(value: Any) -> list[str]:
    entries = value if isinstance(value, (list, tuple)) else [value]
    return [str(entry) for entry in entries if entry is not None and str(entry).strip()]
