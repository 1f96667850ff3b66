"""An audit as `sftloop audit` leaves it, small in either language, or enlarged to many findings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sftloop.curate.finding import DataFinding, in_order_of_harm

COMMAND = {"en": ["sftloop", "audit", "examples/support"], "zh": ["sftloop", "audit", "examples/netizen"]}


def write_audit(directory: Path, language: str = "en", saved: dict[str, Any] | None = None) -> Path:
    """Write `audit.json` and a manifest, and return the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    saved = saved or {"en": english, "zh": chinese}[language]()
    manifest = {
        "verb": "audit",
        "command": COMMAND[language],
        "started": "2025-03-01T09:30:00+00:00",
        "inputs": {"data/train.jsonl": "a" * 64},
        "settings": {"seed": 0, "near": 0.8},
        "versions": {"python": "3.11.7", "sftloop": "0.1.0"},
        "machine": {"cores": 2},
    }
    for name, value in (("audit.json", saved), ("manifest.json", manifest)):
        (directory / name).write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
    return directory


def finding(kind: str, severity: str, task: str | None, records: list[str], **parts: Any) -> DataFinding:
    return DataFinding(kind=kind, severity=severity, task=task, records=tuple(records), **parts)  # type: ignore[arg-type]


def english() -> dict[str, Any]:
    records = {
        "intent-tr-010": record("intent", "Where is my parcel? It was due on Monday.", "delivery_status"),
        "intent-tr-044": record("intent", "where is my parcel?? It was due on monday", "refund_status"),
        "intent-tr-101": record(
            "intent", "The kettle arrived with a crack from lid to spout.", "damaged_item"
        ),
        "intent-tr-102": record(
            "intent", "The kettle arrived with a crack from lid to spout!", "damaged_item"
        ),
        "intent-tr-103": record("intent", "Kettle arrived with a crack from lid to spout", "damaged_item"),
        "intent-tr-120": record(
            "intent",
            "Can I swap the blue cushion covers for the green ones? I opened the parcel but the covers are as "
            "they came, tags and all, and I kept the receipt that lay in the box.",
            "missing_parts",
            "boundary",
        ),
        "reply-tr-007": record("reply", "When will my lamp arrive?", "Your lamp arrives on Thursday."),
        "reply-tr-031": record("reply", "Do you ship to Norway?", '{"reply": "Yes, we ship to Norway."}'),
        "reply-tr-052": record("reply", "Who founded your company?", "Agnes Larkspur founded it in 1954."),
        "order-tr-003": record("order", "Two oak tables, please.", ""),
    }
    found = [
        finding(
            "conflict",
            "error",
            "intent",
            ["intent-tr-010", "intent-tr-044"],
            why="“Where is my parcel? It was due on Monday.” has 2 different answers.",
            mend="Decide on one answer and correct the other record.",
            why_zh="-",
            mend_zh="-",
            evidence={"answers": {"delivery_status": ["intent-tr-010"], "refund_status": ["intent-tr-044"]}},
        ),
        finding(
            "leak",
            "error",
            "reply",
            ["reply-tr-007"],
            why="“When will my lamp arrive?” stands in the test set too.",
            mend="Remove it from the training set.",
            why_zh="-",
            mend_zh="-",
            evidence={
                "split": "train",
                "against": [{"split": "test", "records": ["reply-te-002"]}],
                "exact": True,
                "similarity": 1.0,
                "texts": ["When will my lamp arrive?", "when will my lamp arrive"],
            },
        ),
        finding(
            "untrainable",
            "error",
            "order",
            ["order-tr-003"],
            why="1 record has an empty answer.",
            mend="Fill the answer or remove the record.",
            why_zh="-",
            mend_zh="-",
        ),
        finding(
            "label_error",
            "warning",
            "intent",
            ["intent-tr-120"],
            why="“Can I swap the blue cushion covers for the green …” looks like return_item.",
            mend="Read it again; correct the label or tag the record as boundary.",
            why_zh="-",
            mend_zh="-",
            evidence={
                "given": "missing_parts",
                "suggested": "return_item",
                "p_given": 0.03,
                "p_suggested": 0.912,
            },
        ),
        finding(
            "near_duplicate",
            "warning",
            "intent",
            ["intent-tr-101", "intent-tr-102", "intent-tr-103"],
            why="3 records say almost the same: “The kettle arrived with a crack …”.",
            mend="Keep intent-tr-101, drop the others.",
            why_zh="-",
            mend_zh="-",
            evidence={
                "keep": "intent-tr-101",
                "drop": ["intent-tr-102", "intent-tr-103"],
                "similarity": 0.943,
                "texts": [
                    {
                        "record": "intent-tr-101",
                        "text": "The kettle arrived with a crack from lid",
                        "answer": "",
                    }
                ],
            },
        ),
        finding(
            "unknown_knowledge",
            "warning",
            "reply",
            ["reply-tr-052"],
            why="The model doesn’t know what “Who founded your company?” asks for.",
            mend="Give the fact in the input, or leave the record out.",
            why_zh="-",
            mend_zh="-",
            evidence={
                "classes": {"highly_known": 210, "maybe_known": 96, "weakly_known": 41, "unknown": 1},
                "examples": [{"question": "Who founded your company?", "answer": "Agnes Larkspur"}],
            },
        ),
        finding(
            "format_outlier",
            "note",
            "reply",
            ["reply-tr-031", "reply-tr-900"],
            why="2 answers are JSON where the others are plain text.",
            mend="Rewrite them as plain text.",
            why_zh="-",
            mend_zh="-",
            evidence={
                "feature": "structure",
                "usual": "plain",
                "found": "json",
                "share": 0.98,
                "examples": ['{"reply": "Yes, we ship to Norway."}', '{"reply": "No."}'],
            },
        ),
        finding(
            "imbalance",
            "note",
            "intent",
            [],
            why="delivery_status has 14 times as many records as wrong_item.",
            mend="Collect records of wrong_item, or lower the cap.",
            why_zh="-",
            mend_zh="-",
            evidence={"most": "delivery_status", "fewest": "wrong_item", "ratio": 14.0},
        ),
    ]
    labels = (
        "delivery_status change_delivery cancel_order return_item damaged_item missing_parts wrong_item "
        "refund_status payment_problem invoice_request product_question stock_question assembly_help "
        "account_access compliment_or_feedback"
    ).split()
    tasks = {
        "intent": choice_task(labels, "missing_parts→return_item", vendi=212.4),
        "reply": generate_task("plain", "json"),
        "order": {"n": 120, "kind": "extract", "labels": {}, "characters": 18_211, "difficulty": None},
    }
    gaps = [{"what": "What the model knows, for task order", "why": "Its values stand in the input."}]
    return audit("support", "en", "smollm2-135m-instruct", found, records, tasks, gaps)


def chinese() -> dict[str, Any]:
    records = {
        "has_child-tr-010": record(
            "has_child", "我家小崽子钢琴过六级了！三年没白吼。\n下班路上买了蛋糕。", "有", "easy"
        ),
        "has_child-tr-044": record(
            "has_child", "我家小崽子钢琴过六级了，三年没白吼。\n下班路上买了蛋糕。", "没有"
        ),
        "has_child-tr-052": record(
            "has_child",
            "遛德牧等于上体能课，它一冲刺我就是间歇跑，上个月配速跑进五分钟，教练都问我跟谁练的。\n毛孩子今天也很乖。",
            "有",
            "boundary",
        ),
        "topics-tr-101": record("topics", "周末去了趟大理，民宿老板养了三只猫。", "旅行"),
        "topics-tr-102": record("topics", "周末去了趟大理，民宿老板养了三只猫！", "旅行"),
    }
    found = [
        finding(
            "conflict",
            "error",
            "has_child",
            ["has_child-tr-010", "has_child-tr-044"],
            why="-",
            mend="-",
            why_zh="“我家小崽子钢琴过六级了……”有两种不同的答案。",
            mend_zh="确定一种答案，把另一条改过来。",
            evidence={
                "answers": [{"answer": "有", "ids": ["has_child-tr-010"]}, {"answer": "没有", "ids": ["x"]}]
            },
        ),
        finding(
            "label_error",
            "warning",
            "has_child",
            ["has_child-tr-052"],
            why="-",
            mend="-",
            why_zh="“遛德牧等于上体能课……”更像是“无法判断”。",
            mend_zh="重新读一遍，改正标签，或标记为边界样本。",
            evidence={"given": "有", "suggested": "无法判断", "p_given": 0.08, "p_suggested": 0.86},
        ),
        finding(
            "near_duplicate",
            "warning",
            "topics",
            ["topics-tr-101", "topics-tr-102"],
            why="-",
            mend="-",
            why_zh="2 条记录几乎相同：“周末去了趟大理……”。",
            mend_zh="保留 topics-tr-101，删去另一条。",
            evidence={"keep": "topics-tr-101", "drop": ["topics-tr-102"], "similarity": 0.97},
        ),
        finding(
            "few_boundary",
            "note",
            "topics",
            [],
            why="-",
            mend="-",
            why_zh="topics 只有 3% 的边界样本。",
            mend_zh="补充容易混淆的帖子，例如顺带提到美食的旅行帖。",
            evidence={"share": 0.03, "n": 412},
        ),
    ]
    tasks = {
        "has_child": choice_task(["有", "没有", "无法判断"], "有→无法判断", vendi=88.1),
        "topics": generate_task("plain", "list")
        | {"kind": "multi", "labels": {"美食": 90, "旅行": 70, "数码": 4}},
    }
    gaps = [{"what": "难度与知识", "why": "没有给出模型；加上 --model 即可测量。"}]
    return audit("netizen", "zh", None, found, records, tasks, gaps)


def many(n: int = 5_000) -> dict[str, Any]:
    """Return an audit with `n` findings of long texts, and more records than the file may hold."""
    kinds = ("leak", "conflict", "label_error", "duplicate", "near_duplicate")
    severities = ("error", "error", "warning", "warning", "warning")
    found = [
        finding(
            kinds[number % 5],
            severities[number % 5],
            "intent",
            [f"r-{number}-{copy}" for copy in range(4)],
            why=f"Finding {number}: “{'quoted text ' * 5}” and so on.",
            mend="Keep the first record, drop the others.",
            why_zh="-",
            mend_zh="-",
            evidence={"similarity": 0.9, "texts": ["长" * 2_000]},
        )
        for number in range(n)
    ]
    records = {
        f"r-{number}-{copy}": record("intent", f"{number} " + "some long text " * 200, "an answer " * 50)
        for number in range(500)
        for copy in range(4)
    }
    labels = [f"label_number_{number}_of_a_long_list" for number in range(400)]
    tasks = {f"intent-{n}": choice_task(labels, "a→b", vendi=3.0) for n in range(6)}
    return audit("support", "en", "smollm2-135m-instruct", found, records, tasks, [])


def record(task: str, text: str, answer: str, *tags: str) -> dict[str, Any]:
    return {"task": task, "text": text, "answer": answer, "tags": list(tags)}


def choice_task(labels: list[str], confusion: str, *, vendi: float) -> dict[str, Any]:
    counts = {label: max(3, 140 // (place + 1)) for place, label in enumerate(labels)}
    levels = {
        label: {"easy": n // 2, "boundary": n // 4, "hard": n - n // 2 - n // 4 - 1}
        for label, n in counts.items()
    }
    total = sum(counts.values())
    return {
        "n": total,
        "kind": "choice",
        "labels": counts,
        "characters": total * 96,
        "difficulty": {
            "easy": sum(row["easy"] for row in levels.values()),
            "boundary": sum(row["boundary"] for row in levels.values()),
            "hard": sum(row["hard"] for row in levels.values()),
            "by_label": levels,
            "margins": [9, 14, 22, 31, 40, 62, 81, 77, 50, 36],
            "edges": [-1.0, -0.8, -0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
        },
        "knowledge": None,
        "styles": {},
        "diversity": {
            "effective_labels": len(labels) * 0.71,
            "effective_tags": 2.4,
            "vendi": vendi,
            "n": total,
        },
        "cap": {"limit": 1000, "dropped": 0},
        "label_errors": {confusion: 6, "damaged_item→wrong_item": 2},
    }


def generate_task(usual: str, rare: str) -> dict[str, Any]:
    return {
        "n": 412,
        "kind": "generate",
        "labels": {},
        "characters": 61_502,
        "difficulty": {
            "easy": 103,
            "boundary": 206,
            "hard": 103,
            "margins": [12, 80, 150, 90, 50, 30],
            "edges": [0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4],
        },
        "knowledge": {
            "HighlyKnown": 210,
            "MaybeKnown": 96,
            "WeaklyKnown": 41,
            "Unknown": 22,
            "exempt": 30,
            "not_measured": 13,
            "why_exempt": None,
        },
        "styles": {
            "structure": {usual: 0.98, rare: 0.02},
            "language": {"en": 1.0},
            "reason_closing": {"stop": 0.9, "none": 0.1},
            "opening": {"We": 0.41, "Your": 0.33, "Sorry": 0.12, "Yes": 0.08, "No": 0.04, "The": 0.02},
        },
        "diversity": {"effective_labels": None, "effective_tags": 3.1, "vendi": 140.2, "n": 412},
        "cap": {"limit": 300, "dropped": 112},
        "label_errors": {},
    }


def audit(
    scenario: str,
    language: str,
    model: str | None,
    found: list[DataFinding],
    records: dict[str, Any],
    tasks: dict[str, Any],
    gaps: list[dict[str, str]],
) -> dict[str, Any]:
    ordered = [one.to_json() for one in in_order_of_harm(found)]
    named = {one for row in ordered for one in row["records"]}
    return {
        "scenario": scenario,
        "language": language,
        "model": model,
        "split": "train",
        "n": sum(task["n"] for task in tasks.values()),
        "seconds": 34.2,
        "findings": ordered,
        "records": records,
        "summary": {
            "records_touched": len(named),
            "by_severity": {
                s: sum(r["severity"] == s for r in ordered) for s in ("error", "warning", "note")
            },
            "by_kind": {},
            "tasks": tasks,
        },
        "not_checked": gaps,
    }


def found(severity: str, *records: str, kind: str = "conflict", **evidence: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "severity": severity,
        "task": "t",
        "records": list(records),
        "why": "why",
        "mend": "mend",
        "zh": {"why": "原因", "mend": "办法"},
        "evidence": evidence,
    }


def audited(*findings: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"n": 40, "split": "train", "findings": list(findings), "summary": {"tasks": {}}} | changes
