"""A finished comparison on disk, as `compare` saves it: four kinds of systems, two tasks, some records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TFIDF = "TF-IDF + logistic regression"
_KINDS = {TFIDF: "classifier", "qwen2.5-0.5b": "model", "tuned": "adapter", "deepseek-chat": "api"}
_VALUES = {TFIDF: 0.71, "qwen2.5-0.5b": 0.55, "tuned": 0.86, "deepseek-chat": 0.84}
_METRICS = {"intent": "accuracy", "topics": "micro_f1"}


def comparison(language: str = "en", *, target: float | None = None, **decision: Any) -> dict[str, Any]:
    """Return `compare.json`; `decision` overrides what was decided, `target` asks for an accuracy of `intent`."""
    decided = {
        "choice": "tuned",
        "rule": "best",
        "leader": "tuned",
        "also": ["deepseek-chat"],
        "unsettled": [],
        "fine_tune": None,
    }
    ranked = sorted(_VALUES, key=lambda name: -_VALUES[name])
    return {
        "scenario": "support",
        "language": language,
        "split": "test",
        "n": 240,
        "tasks": {
            name: {"metric": metric, "kind": "choice", "n": 120, "ranked": ranked}
            for name, metric in _METRICS.items()
        },
        "systems": [system(name, target) for name in _VALUES],
        "pairs": [pair(name, task) for task in _METRICS for name in ranked[1:]],
        "decision": decided | decision,
        "left_out": [{"what": "embedding classifier", "why": "no model here"}],
        "page": "compare.html",
    }


def system(name: str, target: float | None) -> dict[str, Any]:
    value, kind = _VALUES[name], _KINDS[name]
    api = kind == "api"
    return {
        "name": name,
        "kind": kind,
        "about": {},
        "runs": 3 if kind == "adapter" else 1,
        "tasks": {task: scored(task, value, target) for task in _METRICS},
        "latency": {"median": 0.8 if api else 0.004, "p95": 2.5 if api else 0.012},
        "tokens": {"prompt": 80_000, "answer": 2_000, "per_record": None if kind == "classifier" else 341.7},
        "cost": {"currency": "USD", "total": 0.03, "per_1000": 0.125, "per_correct": 0.00015}
        if api
        else None,
        "seconds": {"total": 9.6, "per_1000": 40.0, "per_correct": 0.05},
        "right": 190,
    }


def scored(task: str, value: float, target: float | None) -> dict[str, Any]:
    asked = {"metric": "accuracy", "label": None, "at_least": target, "value": value, "low": value - 0.06}
    reached = {"met": value >= (target or 0), "sure": value - 0.06 >= (target or 0)}
    return {
        "n": 120,
        "metrics": {_METRICS[task]: {"value": value, "low": value - 0.06, "high": value + 0.06}},
        "errors": 0,
        "format_valid": 0.97,
        "target": asked | reached if target and task == "intent" else None,
    }


def pair(name: str, task: str) -> dict[str, Any]:
    difference = round(_VALUES[name] - _VALUES["tuned"], 3)
    unsure = abs(difference) < 0.05
    return {
        "a": name,
        "b": "tuned",
        "task": task,
        "metric": _METRICS[task],
        "difference": difference,
        "low": difference - 0.04,
        "high": difference + 0.04,
        "p": 0.3 if unsure else 0.0002,
        "test": "mcnemar exact (mid-p)",
        "n": 120,
        "p_adjusted": 0.3 if unsure else 0.001,
        "verdict": "inconclusive" if unsure else "worse",
        "against_best": True,
        "detectable": 0.082,
        "needed": 1900,
        "more_records": 1780 if unsure else None,
    }


def records(count: int = 12, *, text: str = "Why was I charged twice?") -> dict[str, Any]:
    """Return `side_by_side.json`: every third record answered alike, the others not."""
    rows = [_row(number, text) for number in range(count)]
    rows.sort(key=lambda row: not row["differ"])
    return {"n": count + 5, "differ": sum(row["differ"] for row in rows), "rows": rows}


def _row(number: int, text: str) -> dict[str, Any]:
    alike = number % 3 == 0
    answers = {name: {"text": "refund", "right": True, "error": None} for name in _VALUES}
    if not alike:
        answers["qwen2.5-0.5b"] = {"text": "card", "right": False, "error": None}
        answers["deepseek-chat"] = {"text": "", "right": None, "error": "6 tries failed"}
    return {
        "task": "intent" if number % 2 else "topics",
        "id": f"te-{number:03}",
        "tags": ["boundary"] if number == 1 else [],
        "text": f"{text} ({number})",
        "gold": "refund",
        "differ": not alike,
        "answers": answers,
    }


def write_comparison(directory: Path, saved: dict[str, Any], side: dict[str, Any] | None = None) -> Path:
    """Write what the page reads and return the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    manifest = {
        "command": ["sftloop", "compare", "examples/support"],
        "started": "2025-03-02T10:00:00+00:00",
        "inputs": {"test": "c" * 64},
        "settings": {"seed": 3},
        "versions": {"sftloop": "0.1.0"},
    }
    files = {"compare.json": saved, "side_by_side.json": side or records(), "manifest.json": manifest}
    for name, value in files.items():
        (directory / name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return directory
