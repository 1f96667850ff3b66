"""The page of `prompt improve`: both languages, every outcome and refusal, diffs coloured, everything escaped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sftloop.core.errors import DataError, UsageError
from sftloop.report.improve_page import build_improve_page
from sftloop.report.improve_proposals import diff_lines
from sftloop.report.wording.improve_chinese import CHINESE
from sftloop.report.wording.improve_english import ENGLISH
from sftloop.workflow.improve_check import REFUSALS
from sftloop.workflow.improve_wording import REQUEST_WORDS

DIFF = "--- a/scenario.yaml\n+++ b/scenario.yaml\n@@ -1,2 +1,2 @@\n name: x\n-a: old\n+a: <new>\n"
OUTCOMES = ("accepted", "better", "inconclusive", "worse", "anchors", "precision", "failed")


def measured(decision: str) -> dict[str, Any]:
    gain = -0.1 if decision == "worse" else 0.1
    nothing = decision == "failed"
    return {
        "metric": "accuracy",
        "before": 0.7,
        "after": 0.8,
        "difference": None if nothing else gain,
        "low": None if nothing else gain - 0.05,
        "high": None if nothing else gain + 0.05,
        "p": 0.01,
        "p_adjusted": 0.04,
        "n": 0 if nothing else 60,
        "verdict": "better",
        "anchors": [f"anchor-{n}" for n in range(20)] if decision == "anchors" else [],
        "precision": [{"label": "b & c", "verdict": "worse"}] if decision == "precision" else [],
    }


def proposal(number: int, *, decision: str | None = None, refused: str | None = None) -> dict[str, Any]:
    unreadable = refused in ("malformed", "no_answer")
    return {
        "id": f"1.{number}",
        "round": 1,
        "group": "t: a → b",
        "task": "t",
        "name": None if unreadable else "a <i>",
        "part": None if unreadable else ("means", "not", "examples")[number % 3],
        "text": None if unreadable else "new & better",
        "now": "old words",
        "why": "because <b>",
        "written": "{broken",
        "again": "0.9" if decision == "better" else None,
        "refused": {"kind": refused, "why": "English words", "detail": "40 > 30"} if refused else None,
        "diff": "" if refused else DIFF,
        "test": measured(decision) if decision else None,
        "decision": decision,
    }


def result(language: str, *, taken: bool = True, **more: Any) -> dict[str, Any]:
    outcomes = OUTCOMES if taken else OUTCOMES[2:]
    proposals = [proposal(n, decision=name) for n, name in enumerate(outcomes, start=1)]
    proposals += [proposal(n, refused=kind) for n, kind in enumerate(REFUSALS, start=20)]
    case = {
        "text": "parcel <7>",
        "gold": "a",
        "answered": "b",
        "reason": "my reason",
        "gold_reason": "its reason",
    }
    cases = [{"id": f"r{n}", "wrong": n < 8, **case} for n in range(9)]
    group = {"id": "t: a → b", "task": "t", "answered": "b", "wrong": 8, "unsure": 1, "cases": cases}
    metric = {"value": 0.7, "low": 0.6, "high": 0.8, "n": 90}
    test = {
        "n": 90,
        "before": {"t": metric},
        "after": {"t": metric | {"value": 0.8}},
        "paired": {"t": measured("accepted")},
        "note": None,
    }
    return {
        "scenario": "shop <s>",
        "language": language,
        "model": "reader",
        "writer": "writer",
        "n": {"seen": 30, "held_out": 60},
        "tasks": {"t": {"kind": "choice", "metric": "accuracy", "held_out": 60}},
        "groups": [{"round": 1, "gold": gold, **group} for gold in ("a", None)]
        + [{"round": 2, "gold": "later", **group}],
        "proposals": proposals,
        "asked": len(proposals),
        "tested": len(outcomes),
        "accepted": [{"id": "1.1"}] if taken else [],
        "detectable": {"t": 0.123},
        "test": test if taken else None,
        "improved": "run/improved.yaml" if taken else None,
        "diff": "run/improved.diff" if taken else None,
        "apply": "sftloop prompt improve shop --apply" if taken else None,
        "applied": None,
        "history": "run/history.jsonl",
    } | more


def page(directory: Path, saved: dict[str, Any]) -> str:
    (directory / "improve.json").write_text(json.dumps(saved))
    return build_improve_page(directory).read_text()


@pytest.mark.parametrize(("language", "words"), [("en", ENGLISH), ("zh", CHINESE)])
def test_everything_is_told_in_both_languages(tmp_path: Path, language: str, words: Any) -> None:
    text = page(tmp_path, result(language))
    for shown in (
        words.accepted.of(1),
        *words.decisions.values(),
        words.because["inconclusive"],
        words.refusals["lint"],
        words.again.format(id="0.9"),
        words.group.format(task="t", gold=words.no_label, answered="b"),
        words.more_cases.of(3),
        words.apply,
        "sftloop prompt improve shop --apply",
        "run/improved.yaml",
        "my reason",
        "its reason",
    ):
        assert shown in text, shown
    assert "anchor-11…" in text and "anchor-12" not in text
    assert "b &amp; c" in text
    assert '<span class="gone">-a: old\n</span><span class="added">+a: &lt;new&gt;\n</span>' in text
    assert "<i>" not in text.replace('<i class="', "") and "parcel &lt;7&gt;" in text
    assert "later" not in text, "groups of later rounds are what is left of the first"
    assert "English words" not in text, "what the page says is in its language"
    assert "<script" not in text and "http://" not in text.replace("http://www.w3.org", "")
    assert text == page(tmp_path, result(language)), "the same files give the same bytes"


def test_nothing_taken_says_what_could_have_been_seen(tmp_path: Path) -> None:
    text = page(tmp_path, result("en", taken=False))
    assert ENGLISH.none in text and "less than 12.3 points" in text and "60 held-out records" in text
    assert "--apply" not in text and ENGLISH.test_heading not in text
    assert ENGLISH.files_heading not in text and f">{ENGLISH.other_files}<" in text
    empty = result("zh", taken=False, proposals=[], asked=0, tested=0, groups=[])
    assert CHINESE.nothing_wrong in page(tmp_path, empty)


@pytest.mark.parametrize(("reads", "shown"), [(False, True), (True, False)])
def test_a_model_that_does_not_read_definitions_is_said(tmp_path: Path, reads: bool, shown: bool) -> None:
    found = {"n": 25, "same": 0.96, "low": 0.8, "high": 1.0, "reads": reads}
    text = page(tmp_path, result("en", taken=False, reading={"t": found}))
    assert ("96.0% of 25 answers stay the same when the labels exchange their definitions" in text) is shown


def test_what_became_of_the_file(tmp_path: Path) -> None:
    applied = {"file": "shop/scenario.yaml", "backup": "shop/scenario.yaml.1a2b.bak"}
    text = page(tmp_path, result("en", applied=applied))
    assert "shop/scenario.yaml was replaced" in text and "1a2b.bak" in text and ENGLISH.apply not in text
    held = {"file": "shop/scenario.yaml", "held_back": ["t"]}
    assert "is worse on t." in page(tmp_path, result("en", applied=held))
    untested = {"n": 0, "before": {}, "after": {}, "paired": {}, "note": "no_test_file"}
    assert ENGLISH.no_test_file in page(tmp_path, result("en", test=untested))


def test_a_page_stays_small_with_long_texts(tmp_path: Path) -> None:
    saved = result("en")
    for one in saved["groups"][0]["cases"]:
        one["text"] = "long text " * 400
    saved["groups"] = [{**saved["groups"][0], "id": f"t: a → {n}"} for n in range(60)]
    for one in saved["proposals"]:
        one["written"] = one["why"] = "w" * 90_000
    text = page(tmp_path, saved)
    assert len(text.encode()) < 2_000_000
    assert ENGLISH.more_groups.of(48) in text


def test_what_cannot_be_shown(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"prompt improve.*no improve\.json"):
        build_improve_page(tmp_path)
    saved = result("en")
    del saved["proposals"][1]["decision"]
    with pytest.raises(DataError, match="proposal 2: 'decision' is missing"):
        page(tmp_path, saved)
    with pytest.raises(DataError, match="language 'fr'"):
        page(tmp_path, result("fr"))


def test_the_lines_of_a_diff() -> None:
    assert diff_lines(DIFF) == (
        ("place", "@@ -1,2 +1,2 @@"),
        ("", " name: x"),
        ("gone", "-a: old"),
        ("added", "+a: <new>"),
    )
    assert diff_lines("") == ()


def test_every_outcome_has_words() -> None:
    for words in (ENGLISH, CHINESE):
        assert set(words.refusals) == set(REFUSALS)
        assert set(words.decisions) == {*OUTCOMES, "refused"}
        assert set(words.because) == set(OUTCOMES)
    for request in REQUEST_WORDS.values():
        assert set(request.outcomes) >= set(OUTCOMES) - {"accepted", "failed"}
