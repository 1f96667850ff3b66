"""The page of `plan search`, `plan learning-curve` and `plan shrink`: both languages, every outcome, escaped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sftloop.core.errors import DataError, UsageError
from sftloop.report.search_told import search_told
from sftloop.report.trainings_page import build_trainings_page
from sftloop.report.wording import report_words
from sftloop.report.wording.trainings_chinese import CHINESE
from sftloop.report.wording.trainings_english import ENGLISH

COMMON: dict[str, Any] = {"scenario": "a <b>", "model": "m", "seconds": 100.0, "page": "plan.html"}


def verdicts(against: str) -> list[dict[str, Any]]:
    return [
        {"against": against, "difference": 0.04, "low": 0.01, "high": 0.07, "p": 0.01, "verdict": "better"}
    ]


def search(verdict: str = "better", chosen: str = "searched") -> dict[str, Any]:
    rung, third = {"share": 1.0, "score": 0.8, "seconds": 9.0}, {"share": 1 / 3, "score": 0.7, "seconds": 4.0}
    row = {"values": [0.8, 0.9], "mean": 0.85, "low": 0.8, "high": 0.9, "n": 50}
    rows = [{**row, "name": "searched"}, {**row, "name": "default"}]
    task = {"task": "t", "metric": "accuracy", "rows": rows, "verdicts": verdicts("default")}
    trials = [
        {"number": 0, "stage": "default", "values": {}, "rungs": [third, rung], "score": 0.8},
        {"number": 1, "stage": "rate", "values": {"learning_rate": 1e-3}, "rungs": [third], "score": None},
        {"number": 2, "stage": "rest", "values": {"rank": 8}, "rungs": [rung], "score": 0.8},
    ]
    compared = verdict != "nothing_else"
    return COMMON | {
        "kind": "search",
        "minutes": 5.0,
        "shares": [1 / 3, 1.0],
        "trials": trials,
        "chosen": chosen,
        "verdict": verdict,
        "tasks": [task] if compared else [],
        "finals": {"fresh": 2 if compared else 0, "scores": {}, "ahead": compared},
        "changes": {"learning_rate": {"default": 1e-4, "searched": 1e-3}},
        "plan": "run/plan.json",
    }


def curve(lawless: bool = False) -> dict[str, Any]:
    points = [
        {
            "n": n,
            "values": [v],
            "mean": v,
            "low": None if n == 10 else v - 0.1,
            "high": None if n == 10 else v + 0.1,
        }
        for n, v in ((10, 0.5), (20, 0.6), (40, 0.7), (80, 0.75))
    ]
    ahead = [{"times": t, "n": 80.0 * t, "value": 0.8, "low": 0.7, "high": 0.9} for t in (1, 2, 10)]
    drawn = [{"n": n, "value": 0.7, "low": 0.6, "high": 0.8} for n in (10.0, 80.0, 800.0)]
    methods = [
        {"method": "lora", "points": points, "law": {}, "foretold": ahead, "curve": drawn},
        {"method": "full", "points": points, "law": None, "foretold": [], "curve": []}
        if lawless
        else {"method": "full", "points": points, "law": {}, "foretold": ahead, "curve": drawn},
    ]
    winners = [
        {"times": t, "n": 80 * t, "best": "lora", "wins": t == 1, "verdicts": verdicts("full")}
        for t in (1, 2, 10)
    ]
    task = {"task": "t", "metric": "accuracy", "methods": methods, "winners": winners}
    failed = [{"method": "full", "share": 0.125, "seed": 0, "why": "It diverged."}]
    return COMMON | {
        "kind": "learning_curve",
        "methods": ["lora", "full"],
        "records": 80,
        "seeds": 1,
        "split": "validation",
        "tasks": [task],
        "failed": failed,
    }


def shrink(smallest: str | None = "large") -> dict[str, Any]:
    target = {
        "metric": "precision",
        "label": "yes",
        "at_least": 0.8,
        "values": [0.9],
        "value": 0.9,
        "low": 0.85,
    }
    sure = {**target, "spread": 0.01, "met": True, "sure": True}
    undefined = {**target, "value": None, "low": None, "spread": None, "met": False, "sure": False}
    facts = {"train_seconds": 60.0, "seconds_per_record": 0.1, "failure": None, "parameters": 10**9}
    candidates = [
        {"model": "large", **facts, "meets": True, "tasks": [{"task": "t", "primary": {}, "target": sure}]},
        {
            "model": "mid",
            **facts,
            "meets": False,
            "tasks": [{"task": "t", "primary": {}, "target": undefined}],
        },
        {"model": "small", **facts, "failure": "It diverged.", "meets": False, "tasks": []},
    ]
    return COMMON | {
        "kind": "shrink",
        "smallest": smallest,
        "model": smallest,
        "seeds": 3,
        "split": "test",
        "candidates": candidates,
        "untried": ["tiny"],
    }


def page(place: Path, result: dict[str, Any], language: str) -> str:
    (place / "trainings.json").write_text(json.dumps({**result, "language": language}))
    return build_trainings_page(place).read_text()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "result",
    [search(), search("nothing_else", "default"), curve(), curve(lawless=True), shrink(), shrink(None)],
)
def test_every_kind_has_a_page(tmp_path: Path, result: dict[str, Any], language: str) -> None:
    found = page(tmp_path, result, language)
    assert f'lang="{"zh" if language == "zh" else "en"}' in found
    assert "a &lt;b&gt;" in found and "a <b>" not in found
    assert "nan" not in found.lower().replace("finance", "") and ">None<" not in found
    assert "http://" not in found.replace("http://www.w3.org", "") and "<script" not in found


def test_a_trial_that_was_given_up_and_one_trained_on_all_at_once_have_gaps_in_different_places() -> None:
    told = search_told(search(), report_words("en"), ENGLISH, most=9)
    table = told.sections[-1].tables[0]
    cells = [[text for text, _ in row.cells[:2]] for row in table.rows]
    assert cells == [["70.0%", "80.0%"], ["70.0%", ENGLISH.search.stopped], ["", "80.0%"]]


def test_the_headline_says_when_a_difference_is_noise(tmp_path: Path) -> None:
    assert "it could be chance: t +4.0 points" in page(tmp_path, search("inconclusive"), "en")


def test_a_failed_training_and_a_single_seed_are_said(tmp_path: Path) -> None:
    found = page(tmp_path, curve(), "en")
    assert "1/8 of the data, seed 0, could not be trained" in found
    assert "chance in training is not covered" in found


def test_both_languages_know_every_outcome() -> None:
    assert ENGLISH.search.headlines.keys() == CHINESE.search.headlines.keys()
    assert ENGLISH.search.keys.keys() == CHINESE.search.keys.keys()
    assert ENGLISH.shrink.states.keys() == CHINESE.shrink.states.keys()


def test_another_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"trainings\.json"):
        build_trainings_page(tmp_path)
    (tmp_path / "trainings.json").write_text('{"kind": "serch"}')
    with pytest.raises(DataError, match="Did you mean 'search'"):
        build_trainings_page(tmp_path)
