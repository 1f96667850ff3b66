"""What a system's answers took: seconds, tokens, money.

Adds up what predictions say of themselves; doesn't know models, metrics or where prices come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sftloop.records.prediction import Prediction

Runs = Sequence[Sequence[Prediction]]
"""The predictions of each seed."""


def latency(runs: Runs) -> dict[str, float | None]:
    """Return {"median", "p95"} seconds per answer, None where none was timed."""
    timed = [one.latency_seconds for run in runs for one in run if one.latency_seconds is not None]
    if not timed:
        return {"median": None, "p95": None}
    median, p95 = np.quantile(timed, [0.5, 0.95])
    return {"median": float(median), "p95": float(p95)}


def tokens(runs: Runs) -> dict[str, float | int | None]:
    """Return {"prompt", "answer", "per_record"}: sums over the records of one run, and their mean per record.

    None where a prediction doesn't say, as a classifier's.
    """
    answered = [one for run in runs for one in run if one.error is None]
    counted = [one for one in answered if one.tokens is not None and one.prompt_tokens is not None]
    if not counted or len(counted) < len(answered):
        return {"prompt": None, "answer": None, "per_record": None}
    prompt = sum(one.prompt_tokens or 0 for one in counted)
    answer = sum(one.tokens or 0 for one in counted)
    return {
        "prompt": round(prompt / len(runs)),
        "answer": round(answer / len(runs)),
        "per_record": (prompt + answer) / len(counted),
    }


def price(
    runs: Runs, right: int | None, per_million: Mapping[str, Any] | None, *, judged: Runs | None = None
) -> dict[str, Any] | None:
    """Return {"currency", "total", "per_1000", "per_correct"} at list price; None where that is unknown.

    Discounts for what a service had in its own cache are left out: another day's calls may not get them.

    Args:
        runs: the predictions.
        right: right answers per run, None where answers are not right or wrong.
        per_million: {"input", "output", "currency"} of a million tokens.
        judged: the predictions among them that are right or wrong, which alone count per right answer; None: all.
    """
    total = None if per_million is None else _spent(runs, per_million)
    if per_million is None or total is None:
        return None
    counted = total if judged is None else _spent(judged, per_million)
    return {"currency": per_million["currency"], **_shared(total, counted, runs, right)}


def time_spent(
    runs: Runs, right: int | None, *, judged: Runs | None = None
) -> dict[str, float | None] | None:
    """Return {"total", "per_1000", "per_correct"} seconds of one run, as in `price`; None where none was timed."""
    total = _seconds(runs)
    if total is None:
        return None
    return _shared(total, total if judged is None else _seconds(judged), runs, right)


def _spent(runs: Runs, per_million: Mapping[str, Any]) -> float | None:
    used = tokens(runs)
    if used["prompt"] is None or used["answer"] is None:
        return None
    return float(used["prompt"] * per_million["input"] + used["answer"] * per_million["output"]) / 1e6


def _seconds(runs: Runs) -> float | None:
    timed = [one.latency_seconds for run in runs for one in run if one.latency_seconds is not None]
    return sum(timed) / len(runs) if timed else None


def _shared(total: float, counted: float | None, runs: Runs, right: int | None) -> dict[str, float | None]:
    answered = sum(one.error is None for run in runs for one in run) / len(runs)
    return {
        "total": total,
        "per_1000": 1000 * total / answered if answered else None,
        "per_correct": counted / right if right and counted is not None else None,
    }
