"""The diagnosis's page: what it claims, its numbers, escaping, size, how it fits a screen."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.unit.diagnose.saved_diagnosis import diagnosis, write_diagnosis
from tests.unit.report.test_report_in_browser import BROWSER, PROBE, browse
from tests.unit.report.test_report_page import HOSTILE, Page

from sftloop.core.errors import DataError, UsageError
from sftloop.report.diagnose_outcome import diagnosis_outcome, threshold_statements
from sftloop.report.diagnose_page import build_diagnose_page
from sftloop.report.wording import report_words
from sftloop.report.wording.diagnose_chinese import CHINESE
from sftloop.report.wording.diagnose_english import ENGLISH

WORDS = {"en": ENGLISH, "zh": CHINESE}


def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8").replace("<wbr>", ""))


@pytest.mark.parametrize("compared", [True, False])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_says_what_was_found(tmp_path: Path, language: str, compared: bool) -> None:
    result = diagnosis(language, compared=compared)
    path = build_diagnose_page(write_diagnosis(tmp_path, result))
    page, words = read(path), WORDS[language]
    [(name, task)] = result["tasks"].items()
    rate = task["unsupported_positive_rate"]
    headline = words.outcome.claims.format(task=name, rate=f"{rate['value']:.1%}", n=rate["n"])
    assert headline in page.text
    assert (words.tests_hint in page.text) is compared
    for row in task["traps"].values():
        assert f"{row['passed']}/{row['n']}" in page.text
    for one in result["suggestions"]:
        assert (one["why"] if language == "en" else one["zh"]["why"]) in page.text
    assert not {tag for tag, _ in page.elements} & {"script", "img", "iframe"}
    again = build_diagnose_page(tmp_path).read_bytes()
    assert again == path.read_bytes()


def outcome(change: Callable[[dict[str, Any]], None]) -> str:
    result = diagnosis("en")
    change(result)
    return diagnosis_outcome(result, report_words("en"), ENGLISH).headline


def rated(value: float | None, n: int) -> Callable[[dict[str, Any]], None]:
    def change(result: dict[str, Any]) -> None:
        low = 0.0 if value is None else value / 2
        result["tasks"]["leave"]["unsupported_positive_rate"] = {
            "value": value, "low": low, "high": 1.0, "n": n, "method": "wilson",
        }  # fmt: skip

    return change


def test_the_headline_by_what_was_claimed() -> None:
    assert outcome(rated(0.25, 8)) == (
        "leave: something is claimed on 25.0% of the 8 records that support no claim"
    )
    assert outcome(rated(0.0, 8)) == "Nothing is claimed on any of the 8 records that support no claim"
    assert outcome(rated(None, 0)) == "Every record here supports a claim, so none can be unsupported"


def share(value: float) -> dict[str, Any]:
    return {"value": value, "low": value - 0.1, "high": value + 0.05, "n": 50, "method": "wilson"}


@pytest.mark.parametrize(
    ("met", "sure", "state", "ending"),
    [
        (True, True, "good", "The target of 90.0% holds here, with its lower limit too."),
        (True, False, "unsure", "The target of 90.0% is reached here, but not by the lower limit."),
        (False, False, "bad", "The target of 90.0% is missed here."),
    ],
)
def test_a_threshold_in_words(met: bool, sure: bool, state: str, ending: str) -> None:
    figures = {"precision": share(0.9), "recall": share(0.6), "claimed": share(0.3)}
    chosen = {"value": 0.84, "validation": figures, "test": figures, "met": met, "sure": sure}
    found = {
        "metric": "precision", "label": "leaving", "at_least": 0.9, "chosen": chosen, "by_value": None,
        "why_not": None, "needed": 35, "n": 60,
    }  # fmt: skip
    [said] = threshold_statements({"threshold": found}, report_words("en"), ENGLISH)
    assert said.state == state
    assert said.text == (
        "From 0.840 on, chosen on validation: precision 90.0% here (80.0–95.0), “leaving” given on 30.0% of "
        f"the records. {ending}"
    )


def test_hostile_text_arrives_as_text(tmp_path: Path) -> None:
    result = diagnosis("en")
    task = result["tasks"].pop("leave")
    poisoned = json.loads(json.dumps(task).replace('"leaving"', json.dumps(HOSTILE)))
    result["tasks"][HOSTILE] = poisoned
    result["scenario"] = result["model"] = HOSTILE
    for one in result["suggestions"]:
        one["why"] = one["task"] = HOSTILE
    for row in result["records"].values():
        row["text"] = row["given"] = HOSTILE
    page = read(build_diagnose_page(write_diagnosis(tmp_path, result)))
    assert not {tag for tag, _ in page.elements} & {"script", "img", "iframe"}
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert page.text.count(" ".join(HOSTILE.split())) >= 8


def test_what_is_long_is_cut(tmp_path: Path) -> None:
    result = diagnosis("en")
    labels = result["tasks"]["leave"]["labels"]
    result["tasks"]["leave"]["labels"] = {f"label {n}": labels["leaving"] for n in range(400)}
    result["suggestions"] = [{**result["suggestions"][0], "why": "long " * 2000} for _ in range(300)]
    path = build_diagnose_page(write_diagnosis(tmp_path, result))
    assert path.stat().st_size <= 2_000_000
    assert "more are in diagnose.json." in read(path).text


@pytest.mark.parametrize(
    ("change", "told"),
    [({"language": "fr"}, "'fr'"), ({"suggestions": None}, "'suggestions' is missing")],
)
def test_a_malformed_file_is_refused(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    result = diagnosis("en") | change
    result = {key: value for key, value in result.items() if value is not None or key == "compared"}
    with pytest.raises(DataError, match=told):
        build_diagnose_page(write_diagnosis(tmp_path, result))
    with pytest.raises(UsageError, match="holds no result"):
        build_diagnose_page(tmp_path / "nowhere")


def texts(value: Any) -> dict[str, str]:
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
    elif isinstance(value, dict):
        parts = value
    else:
        return {"": str(value)}
    return {f"{name}.{rest}": text for name, part in parts.items() for rest, text in texts(part).items()}


def test_both_languages_say_the_same_things_with_the_same_facts() -> None:
    english, chinese = texts(ENGLISH), texts(CHINESE)
    assert english.keys() == chinese.keys()
    for name, text in english.items():
        assert text.strip() and chinese[name].strip()
        holes = [set(re.findall(r"\{(\w+)\}", words)) for words in (text, chinese[name])]
        assert holes[0] == holes[1], name


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.parametrize(("language", "width"), [("en", 390), ("zh", 390), ("zh", 1280)])
def test_fits_its_screen(tmp_path: Path, language: str, width: int) -> None:
    built = build_diagnose_page(write_diagnosis(tmp_path, diagnosis(language)))
    probe = built.parent / f"probe-{width}.html"
    probe.write_text(PROBE.replace("report.html", "diagnose.html").format(width=width), encoding="utf-8")
    flags = ("--allow-file-access-from-files", "--virtual-time-budget=5000", "--window-size=1300,1000")
    shown = browse(built.parent, *flags, "--dump-dom", probe.as_uri())
    measured = re.search(r'<pre id="found">(.+?)</pre>', shown, re.DOTALL)
    assert measured is not None
    assert json.loads(measured[1]) == {"scroll": width, "client": width, "wide": [], "small": 0}
