"""A finished run as `sftloop run` leaves it: every kind of task, in either language, with real metrics.

Predictions are drawn, metrics and comparisons are the evaluation's own, so that the shapes are true.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.unit.report.saved_texts import TEXTS, Texts

from sftloop.core.rundir import RunDirectory
from sftloop.evaluate import check_target, paired_comparison, task_metrics
from sftloop.records.prediction import Prediction
from sftloop.records.schema import Record
from sftloop.scenario.answer import Answer, format_answer
from sftloop.scenario.schema import Task

SEED = 7
_SKILL = {"before": 0.35, "after": 0.85, "linear": 0.6}
_FORMAT = {"before": 0.4, "after": 0.99, "linear": 1.0}


@dataclass(frozen=True)
class Answered:
    task: Task
    records: list[Record]
    sides: dict[str, list[Prediction]]


def write_run(directory: Path, language: str = "en", *, n: int = 60) -> Path:
    """Write manifest, summary, wrong answers and history of a run with `n` test records per task."""
    texts = TEXTS[language]
    answered = [_answer(task, texts, n) for task in texts.tasks]
    run = RunDirectory.open(
        directory,
        verb="run",
        command=["sftloop", "run", f"examples/{texts.name}", "--seed", "7"],
        inputs={
            f"data/{split}.jsonl": f"{index:x}" * 64 for index, split in enumerate(("train", "test"), 10)
        },
        settings={"seed": SEED, "method": "lora", "training": {"epochs": 3, "learning_rate": 0.001}},
    )
    run.manifest["started"] = "2025-03-01T09:30:00+00:00"
    run.mark_done("report")
    run.manifest["steps"] = {}
    _dump(directory / "manifest.json", run.manifest)
    _dump(directory / "summary.json", summary(answered, texts))
    _dump(directory / "wrong_answers.json", [row for item in answered for row in wrong(item, texts)])
    _dump(directory / "train/history.json", history([item.task.name for item in answered]))
    return directory


def summary(answered: list[Answered], texts: Texts) -> dict[str, Any]:
    return {
        "scenario": texts.name,
        "language": texts.language,
        "model": texts.model,
        "method": "lora",
        "tasks": {item.task.name: _task_entry(item) for item in answered},
        "train": {
            "seconds": 214.8,
            "records": 1440,
            "epochs": 3.0,
            "steps": 90,
            "prefix_tokens": 38_700,
            "suffix_tokens": 61_325,
            "peak_memory_bytes": 2_913_000_000,
            "trainable_parameters": 4_884_480,
            "parameters": 139_400_064,
            "shared_prefix": True,
            "settings": {"learning_rate": 0.001, "batch_size": 16, "schedule": "cosine", "patience": None},
        },
        "seconds": {"before": 61.2, "train": 214.8, "after": 63.0, "total": 351.7},
        "report": "report.html",
    }


def wrong(item: Answered, texts: Texts) -> list[dict[str, Any]]:
    """Return the wrong answers of one task, at most ten."""
    rows = []
    for index, record in enumerate(item.records):
        before, after = (item.sides[side][index] for side in ("before", "after"))
        if _same(item.task, record.answer, after.answer):
            continue
        probabilities = after.probabilities or {}
        rows.append(
            {
                "task": item.task.name,
                "id": record.id,
                "tags": list(record.tags),
                "sections": _sections(item.task, record, texts),
                "gold": record.answer.to_json(),
                "before": None if before.answer is None else before.answer.to_json(),
                "after": None if after.answer is None else after.answer.to_json(),
                "text": after.text,
                "probability": max(probabilities.values(), default=None),
                "gold_probability": probabilities.get(record.answer.label or ""),
            }
        )
    return rows[:10]


def _sections(task: Task, record: Record, texts: Texts) -> list[dict[str, str]]:
    found = []
    for part in task.input:
        value, prefix = record.input[part.name], part.prefix or part.name
        documents = [value] if isinstance(value, str) else value
        found += [
            {"title": prefix.replace("{n}", str(n)), "text": text}
            for n, text in enumerate(documents, start=1)
        ]
    return [*found, {"title": texts.instruction, "text": task.instruction}]


def history(tasks: list[str], *, steps: int = 90, epochs: int = 3) -> list[dict[str, Any]]:
    draw = random.Random(3)
    rows: list[dict[str, Any]] = []
    for step in range(1, steps + 1):
        loss = 0.25 + 2.1 * 0.95**step + draw.uniform(-0.12, 0.12)
        rows.append({"step": step, "loss": round(loss, 4), "learning_rate": 1e-3 * (1 - step / steps)})
        if step % (steps // epochs) == 0:
            scores = {
                f"eval_{task}": round(0.5 + 0.35 * step / steps + draw.uniform(-0.1, 0.1), 4)
                for task in tasks
            }
            rows.append({"step": step, "eval_score": sum(scores.values()) / len(scores), **scores})
    return rows


def _task_entry(item: Answered) -> dict[str, Any]:
    task, records = item.task, item.records
    metrics = {
        side: task_metrics(task, records, predictions, seed=SEED, resamples=120)
        for side, predictions in item.sides.items()
    }
    return {
        "kind": task.kind,
        "instruction": task.instruction,
        "labels": list(task.labels),
        "before": metrics["before"],
        "after": metrics["after"],
        "paired": paired_comparison(
            task, records, item.sides["before"], item.sides["after"], seed=SEED, resamples=200
        ),
        "linear": metrics.get("linear"),
        "target": check_target(task, metrics["after"]),
    }


def _answer(task: Task, texts: Texts, n: int) -> Answered:
    draw = random.Random(f"{task.name} {texts.language}")
    records = [_record(task, texts, index, draw) for index in range(n)]
    sides = ["before", "after", *(["linear"] if task.kind in ("choice", "multi") else [])]
    predictions = {
        side: [_prediction(task, texts, record, side, draw) for record in records] for side in sides
    }
    return Answered(task, records, predictions)


def _record(task: Task, texts: Texts, index: int, draw: random.Random) -> Record:
    body = texts.inputs[index % len(texts.inputs)]
    value = {part.name: [body, texts.inputs[-1]] if part.many else body for part in task.input}
    tag = ("easy", "boundary", "hard")[index % 3]
    return Record(
        id=f"{task.name}-te-{index + 1:03d}",
        task=task.name,
        input=value,
        answer=_expected(task, texts, body, draw),
        tags=(tag,),
    )


def _expected(task: Task, texts: Texts, body: str, draw: random.Random) -> Answer:
    labels = list(task.labels)
    if task.kind == "choice":
        quotes = (body[:12],) if task.answer.evidence else None
        reason = texts.reason if task.answer.reason else None
        return Answer(label=draw.choice(labels), evidence=quotes, reason=reason)
    if task.kind == "multi":
        return Answer(labels=tuple(sorted(draw.sample(labels, draw.randint(0, 2)), key=labels.index)))
    if task.kind == "extract":
        return Answer(fields={name: draw.choice(texts.values) for name in task.fields})
    if task.kind == "generate":
        return Answer(text=draw.choice(texts.replies))
    return Answer(score=float(draw.randint(1, 5)))


def _prediction(task: Task, texts: Texts, record: Record, side: str, draw: random.Random) -> Prediction:
    skill = _SKILL[side]
    if task.name == texts.linear_wins and side == "linear":
        skill = 0.95
    if task.name == texts.unclear:
        skill = 0.6
    right = draw.random() < skill
    answer = record.answer if right else _expected(task, texts, texts.inputs[0], draw)
    valid = draw.random() < _FORMAT[side]
    text = format_answer(task, answer, texts.language)
    if side == "linear":
        answer, text = replace(answer, evidence=None, reason=None), ""
    probabilities = None
    if task.kind == "choice" and side != "linear":
        probabilities = _probabilities(list(task.labels), answer.label or "", draw)
    failed = side == "before" and record.id.endswith("-017")
    return Prediction(
        id=record.id,
        task=task.name,
        text=text if valid else f"{texts.chatter}{text}",
        answer=None if failed else answer,
        format_valid=None if side == "linear" else valid,
        probabilities=probabilities,
        latency_seconds=0.31 if side == "after" else 0.42,
        error="the call failed" if failed else None,
    )


def _probabilities(labels: list[str], given: str, draw: random.Random) -> dict[str, float]:
    sure = draw.uniform(0.4, 0.98)
    rest = (1 - sure) / (len(labels) - 1)
    return {label: sure if label == given else rest for label in labels}


def _same(task: Task, first: Answer, second: Answer | None) -> bool:
    key = {"choice": "label", "multi": "labels", "extract": "fields", "generate": "text", "score": "score"}
    return second is not None and getattr(first, key[task.kind]) == getattr(second, key[task.kind])


def _dump(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2), encoding="utf-8")
