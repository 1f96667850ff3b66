"""A selection as `sftloop select` leaves it: pruned with a proof, filtered in stages, or attributed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_SHARED = {
    "scenario": "support",
    "language": "en",
    "model": "smollm2-135m-instruct",
    "selected": "selected.jsonl",
    "scores": "scores.jsonl",
    "baselines": {name: f"baselines/{name}.jsonl" for name in ("random", "balanced", "longest", "bm25")},
    "overlap": {"random": 0.11, "balanced": 0.14, "longest": 0.22, "bm25": 0.31},
    "curve": [],
    "stages": [],
    "labels": {},
    "proof": None,
    "how": {"method": "facility_location", "compared_by": "smollm2-135m-instruct", "seed": 3},
    "trained": None,
    "seconds": 12.4,
}
_CHINESE = {"scenario": "netizen", "language": "zh", "model": "qwen2.5-coder-0.5b-instruct"}


def write_selection(directory: Path, saved: dict[str, Any]) -> Path:
    """Write `select.json` and a manifest, and return the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    manifest = {
        "command": ["sftloop", "select", saved["mode"], f"examples/{saved['scenario']}"],
        "started": "2025-03-02T10:00:00+00:00",
        "inputs": {"data/train.jsonl": "c" * 64},
        "settings": {"seed": 3},
        "versions": {"sftloop": "0.1.0"},
    }
    for name, value in (("select.json", saved), ("manifest.json", manifest)):
        (directory / name).write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
    return directory


def pruned(language: str = "en") -> dict[str, Any]:
    sizes = (100, 250, 500, 1000, 2000, 3500, 5000, 7500, 10_003)
    labels = {f"card_payment_reason_{n}": {"before": 180 - n, "after": 20 - n // 10} for n in range(77)}
    saved = _SHARED | {
        "mode": "prune",
        "n_in": 10_003,
        "n_out": 1000,
        "curve": [{"n": n, "coverage": 1 - 0.6 * (1 - n / 10_003) ** 6} for n in sizes],
        "labels": {"intent": labels},
        "proof": [proof("intent", random=0.031, balanced=0.004)],
        "trained": {
            "model": "smollm2-135m-instruct",
            "method": "lora",
            "epochs": 3.0,
            "learning_rate": 0.0002,
            "batch_size": 16,
            "seeds": [0, 1, 2],
            "measured_on": "test",
        },
        "top": [end(n, 1.2 - n / 10, "Kept as the centre of 41 similar records.") for n in range(4)],
        "bottom": [end(n + 50, 0.001 * n, None) for n in range(4)],
    }
    if language == "en":
        return saved
    return (
        saved
        | _CHINESE
        | {
            "labels": {
                "has_child": {"有": {"before": 900, "after": 90}, "没有": {"before": 300, "after": 60}}
            },
            "proof": [proof("has_child", random=0.031, balanced=0.004)],
            "top": [
                end(n, 1.2, "41 条相似记录的中心。") | {"text": "我家小崽子钢琴过六级了！", "answer": "有"}
                for n in range(3)
            ],
            "bottom": [end(n + 50, 0.01, None) | {"text": "今天下雨。", "answer": ""} for n in range(3)],
        }
    )


def filtered(language: str = "en") -> dict[str, Any]:
    saved = _SHARED | {
        "mode": "filter",
        "n_in": 1_000_000,
        "n_out": 500,
        "curve": [{"n": n, "coverage": n / 1_000_000} for n in (0, 500, 200_000, 1_000_000)],
        "stages": [
            {"name": "ngrams", "n_in": 1_000_000, "n_out": 20_000, "seconds": 181.0},
            {"name": "similarity", "n_in": 20_000, "n_out": 2_000, "seconds": 640.0},
            {"name": "rerank", "n_in": 2_000, "n_out": 500, "seconds": 95.0},
        ],
        "top": [end(n, 0.98 - n / 50, None) for n in range(3)],
        "bottom": [end(n + 50, 0.2, None) for n in range(3)],
    }
    return saved if language == "en" else saved | _CHINESE


def attributed() -> dict[str, Any]:
    return _SHARED | {
        "mode": "attribute",
        "n_in": 300,
        "n_out": 30,
        "top": [end(n, 0.21, "Like te-004 and te-019.") for n in range(3)],
        "bottom": [end(n + 50, -0.19, None) for n in range(3)],
    }


def end(number: int, score: float, why: str | None) -> dict[str, Any]:
    text = f"Why was I charged twice for order {number}? I paid once, with the card that ends in 42."
    return {"id": f"tr-{number:03}", "score": score, "text": text, "answer": "payment_problem", "why": why}


def proof(task: str, **differences: float) -> dict[str, Any]:
    """Return a proof in which the selection leads each baseline by a difference; below 0.02 nothing is sure."""
    own = 0.842
    rows = [row("prune", own)] + [row(name, own - lead) for name, lead in differences.items()]
    return {
        "metric": "accuracy",
        "task": task,
        "rows": rows,
        "verdicts": [verdict(name, lead) for name, lead in differences.items()],
    }


def row(name: str, mean: float) -> dict[str, Any]:
    values = [mean - 0.006, mean, mean + 0.006]
    return {
        "name": name,
        "n": 1000,
        "values": values,
        "mean": mean,
        "low": mean - 0.012,
        "high": mean + 0.012,
    }


def verdict(name: str, lead: float) -> dict[str, Any]:
    sure = abs(lead) >= 0.02
    return {
        "against": name,
        "difference": lead,
        "low": lead - 0.015,
        "high": lead + 0.015,
        "p": 0.002 if sure else 0.41,
        "verdict": ("better" if lead > 0 else "worse") if sure else "inconclusive",
    }
