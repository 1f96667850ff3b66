"""Small scenarios in both languages with evidence and a label that abstains, and answers made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sftloop.records import Prediction, Record
from sftloop.scenario import Answer, Scenario

CHILD = {
    "kind": "choice",
    "input": [{"name": "posts", "prefix": "微博 {n}", "many": True}],
    "instruction": "判断该网民本人是否有孩子。",
    "labels": {
        "有": {"means": "有本人养育孩子的直接证据。", "not": ["亲戚或学生的孩子", "星座里的说法"]},
        "没有": "本人直接说明没有孩子。",
        "无法判断": {"means": "没有直接证据。", "abstain": True},
    },
    "answer": {"evidence": True, "reason": True},
    "target": {"metric": "precision", "label": "有", "at_least": 0.6},
}
LEAVE = {
    "kind": "choice",
    "input": ["message"],
    "instruction": "Does the customer threaten to leave?",
    "labels": {
        "leaving": {"means": "The writer will close the account.", "not": ["only complains"]},
        "cannot_tell": {"means": "Nothing about leaving.", "abstain": True},
    },
    "answer": {"evidence": True},
}
TOPICS = {
    "kind": "multi",
    "input": ["message"],
    "instruction": "Which topics?",
    "labels": {"food": "Eating", "travel": "Trips", "money": "Money"},
}
ORDER = {
    "kind": "extract",
    "input": ["message"],
    "instruction": "Read the order.",
    "fields": {"item": "What", "place": "Where to", "count": {"means": "How many", "type": "number"}},
}


def scenario(language: str = "zh", **tasks: Mapping[str, Any]) -> Scenario:
    """Return a scenario of the given tasks."""
    return Scenario.model_validate({"name": "case", "language": language, "model": "model", "tasks": tasks})


def child() -> Scenario:
    """Return the Chinese scenario."""
    return scenario("zh", child=CHILD)


def leave() -> Scenario:
    """Return the English scenario."""
    return scenario("en", leave=LEAVE)


def post(
    name: str, label: str, posts: Sequence[str], evidence: Sequence[str] = (), tags: Sequence[str] = ()
) -> Record:
    """Return a record of the Chinese scenario."""
    answer = Answer(label=label, evidence=tuple(evidence))
    return Record(id=name, task="child", input={"posts": list(posts)}, answer=answer, tags=tuple(tags))


def message(name: str, label: str, text: str, evidence: Sequence[str] = ()) -> Record:
    """Return a record of the English scenario."""
    answer = Answer(label=label, evidence=tuple(evidence))
    return Record(id=name, task="leave", input={"message": text}, answer=answer)


def said(record: Record, label: str | None, *quotes: str, **probabilities: float) -> Prediction:
    """Return an answer that names a label; None can't be parsed."""
    answer = None if label is None else Answer(label=label, evidence=quotes)
    return Prediction(id=record.id, task=record.task, answer=answer, probabilities=probabilities or None)


POSTS = [
    post("yes-1", "有", ["今天下雨。", "我儿子上小学了。"], ["我儿子上小学了"]),
    post("yes-2", "有", ["给我家闺女扎辫子。", "她嫌紧。", "吃面。"], ["给我家闺女扎辫子", "她嫌紧"]),
    post("no-1", "没有", ["我没有孩子，挺好。"], ["我没有孩子"]),
    post("none-1", "无法判断", ["今天吃了面。"]),
    post("none-2", "无法判断", ["雨停了。", "月亮很圆。"]),
    post("own-1", "无法判断", ["表姐的娃真能吃。"], (), ["trap"]),
    post("own-2", "无法判断", ["梦见自己当了爸爸。"], (), ["trap:dream"]),
]
