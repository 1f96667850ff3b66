"""The page of a format search, and the decision in words: both languages say what was decided and what was not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sftloop.core.errors import DataError, UsageError
from sftloop.report.formats_page import FORMATS, build_formats_page
from sftloop.report.formats_told import FORMATS_WORDS, in_words
from sftloop.scenario import Scenario
from sftloop.workflow.improve_formats_variants import FACTORS, MIXED, format_space

PRESENT, LETTERS = "input_first · names", "input_opens · letters"


def compared(difference: float, verdict: str) -> dict[str, Any]:
    return {
        "metric": "accuracy", "before": 0.5, "after": 0.5 + difference, "difference": difference, "low": -0.1,
        "high": 0.4, "p": 0.01, "p_adjusted": 0.02, "n": 40, "verdict": verdict, "detectable": 0.25, "needed": 90,
    }  # fmt: skip


def variant(name: str, prefix: int, *, current: bool) -> dict[str, Any]:
    order, labels = name.split(" · ")
    own = {"metric": "accuracy", "value": 0.5, "low": 0.4, "high": 0.6, "n": 40, "format_valid": 0.9}
    return {
        "name": name, "levels": {"order": order, "labels": labels}, "format": {"labels": labels},
        "current": current, "rounds": 1, "held_out": True, "score": 0.5, "tasks": {"lamp": own},
        "tokens": {"prompt": 200, "answer": None}, "prefix_tokens": {"lamp": prefix},
        "own_tokens": {"lamp": 200 - prefix}, "shorter_prefix": not current,
    }  # fmt: skip


def result(language: str, why: str, *, test: str | None = None, opened: int = 1) -> dict[str, Any]:
    accepted = LETTERS if why == "better" else None
    verdict = "better" if accepted else "inconclusive"
    level = {"mean": 0.4, "difference": None, "low": None, "high": None, "formats": 1}
    return {
        "scenario": "lamps", "language": language, "model": "tiny", "tasks": ["lamp"], "seconds": 70.0,
        "n": {"halving": 40, "held_out": 40, "final": 40},
        "variants": [variant(PRESENT, 120, current=True), variant(LETTERS, 10, current=False)],
        "left_out": [{"name": "x", "why": "two labels have the same tokens"}],
        "rounds": [{"records": 16, "scores": {PRESENT: 0.4, LETTERS: 0.6}, "kept": [PRESENT, LETTERS]}],
        "effects": [{"factor": "labels", "levels": [{"level": "names", **level}, {"level": "letters", **level}]}],
        "finalists": [{"name": LETTERS, "tasks": {"lamp": compared(0.2, verdict)}}],
        "decision": {"current": PRESENT, "accepted": accepted, "why": why, "best": LETTERS},
        "detectable": {"lamp": {"metric": "accuracy", "detectable": 0.25, "needed": 90, "n": 40}},
        "test": None if test is None else {"n": 30, "opened": opened, "tasks": {"lamp": compared(0.1, test)}},
        "improved": "run/improved.yaml" if accepted else None, "applied": None,
        "diff": "+format: {labels: <letters>}\n" if accepted else "",
    }  # fmt: skip


@pytest.mark.parametrize("language", FORMATS_WORDS)
@pytest.mark.parametrize("why", ["better", "inconclusive", "mixed", "failed", "nothing_else"])
def test_the_page_says_what_was_decided(tmp_path: Path, language: str, why: str) -> None:
    shown = result(language, why, test="worse" if why == "better" else None)
    (tmp_path / FORMATS).write_text(json.dumps(shown))
    page = build_formats_page(tmp_path).read_text()
    words = FORMATS_WORDS[language]
    first = build_formats_page(tmp_path).read_bytes()
    assert first == build_formats_page(tmp_path).read_bytes()
    if why == "better":
        assert words.levels["labels"]["letters"] in page
        assert "&lt;letters&gt;" in page
        assert words.test in page
    else:
        assert words.kept[why] in page
        assert words.change not in page
    assert "two labels have the same tokens" in page


def test_the_decision_in_words() -> None:
    accepted = in_words(result("en", "better", test="worse", opened=2))
    for said in ("“input on top · letters” is better", "+20.0 points", "from 120 to 10 tokens", "Don’t take it on",
                 "for 2 formats"):  # fmt: skip
        assert said in accepted["text"]
    assert "不要采用" in accepted["zh"]["text"]
    kept = in_words(result("zh", "inconclusive"))
    for said in ("a true difference of 25.0 points", "about 90 records", "The test records were not opened"):
        assert said in kept["text"]
    assert "约需 90 条记录" in kept["zh"]["text"]


def test_every_level_has_a_name_in_both_languages() -> None:
    task = {"kind": "choice", "input": ["a"], "labels": {"x": "1", "y": "2"}}
    asked = {**task, "answer": {"reason": True}}
    scenario = Scenario.model_validate({"name": "n", "model": "m", "tasks": {"t": task, "u": asked}})
    levels = format_space(scenario, ["t", "u"]).factors
    assert set(levels) == set(FACTORS)
    assert MIXED in levels["answer"]
    for words in FORMATS_WORDS.values():
        assert set(words.factors) == set(FACTORS)
        for factor, known in levels.items():
            assert set(words.levels[factor]) == set(known)


def test_a_directory_without_a_search_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"it has no formats\.json"):
        build_formats_page(tmp_path)
    (tmp_path / FORMATS).write_text('{"scenario": "x", "language": "en"}')
    with pytest.raises(DataError, match="'model' is missing"):
        build_formats_page(tmp_path)
