"""The comparison's page: what it decides, its tables, the records and filters, escaping, size, its one script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from tests.unit.report.saved_comparison import TFIDF, comparison, records, write_comparison
from tests.unit.report.test_report_in_browser import BROWSER, PROBE, browse
from tests.unit.report.test_report_page import HOSTILE, Page

from sftloop.core.errors import DataError, UsageError
from sftloop.report.compare_decision import decision_said, in_words, money
from sftloop.report.compare_matrix import matrix
from sftloop.report.compare_page import build_compare_page
from sftloop.report.compare_pairs import pair_tables
from sftloop.report.compare_records import records_section
from sftloop.report.wording import report_words
from sftloop.report.wording.compare_chinese import CHINESE
from sftloop.report.wording.compare_english import ENGLISH

EN, ZH = report_words("en"), report_words("zh")
API = "deepseek-chat"


@pytest.fixture(scope="module", params=["en", "zh"])
def built(request, tmp_path_factory) -> Path:
    saved = comparison(request.param, target=0.8, rule="meets")
    return build_compare_page(write_comparison(tmp_path_factory.mktemp(request.param), saved))


def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8").replace("<wbr>", ""))


@pytest.mark.parametrize(
    ("decision", "said", "said_zh"),
    [
        ({}, "Use the fine-tuned model: tuned", "采用微调后的模型：tuned"),
        (
            {"choice": TFIDF, "rule": "as_good"},
            f"A linear classifier does: {TFIDF}",
            f"线性分类器就够用：{TFIDF}",
        ),
        (
            {"choice": "qwen2.5-0.5b", "rule": "split"},
            "The best of these is qwen2.5-0.5b as it is",
            "这些系统里首选未微调的 qwen2.5-0.5b",
        ),
        (
            {"choice": "qwen2.5-0.5b", "rule": "meets"},
            "qwen2.5-0.5b does as it is, without fine-tuning",
            "qwen2.5-0.5b 无需微调，直接可用",
        ),
        (
            {"choice": API, "rule": "meets"},
            f"The API {API} meets the target, at 0.125 USD per 1,000 records",
            f"API {API} 达到目标，每千条 0.125 USD",
        ),
        ({"choice": None, "rule": "misses"}, "Nothing meets the target", "没有系统达到目标"),
        (
            {"choice": None, "rule": "nothing", "leader": None},
            "No system answers every task",
            "没有一个系统能回答所有任务",
        ),
    ],
)
def test_headlines(decision, said, said_zh):
    result = comparison(target=0.8, **decision)
    assert decision_said(result, "en").headline == said
    assert decision_said(result, "zh").headline == said_zh
    words = in_words(result)
    assert (words["headline"], words["zh"]["headline"]) == (said, said_zh)


def test_numbers_stand_behind_the_decision():
    because = decision_said(comparison(target=0.82, choice=API, rule="meets", also=[]), "en").because
    assert because == (
        "intent: Accuracy 84.0%, where at least 82.0% was asked; the worse end of its 95% interval is 78.0%, so "
        "more records would make this sure. topics: Micro F1 84.0% (95% interval 78.0 to 90.0). "
        "No other system gets there. It costs 0.125 USD per 1,000 records, 0.00015 USD per correct answer."
    )
    best = decision_said(comparison(unsettled=["x", "y"]), "en").because
    assert (
        f"Not told apart from it: {API}. Far behind it, but on so few records not told apart from it: x and y."
        in best
    )
    simpler = decision_said(comparison(choice=API, rule="as_good", fine_tune="qwen2.5-0.5b"), "en").because
    assert "simpler than tuned, the best, and not told apart from it" in simpler
    assert "intent: tuned leads by 2.0 points (95% interval −2.0 to 6.0), which could be chance." in simpler
    assert "below 8.2 points" in simpler
    assert "fine-tuning qwen2.5-0.5b may spare the API" in simpler
    raw = decision_said(comparison(choice="qwen2.5-0.5b", fine_tune="qwen2.5-0.5b"), "en").because
    assert "No target is stated" in raw and raw.endswith("fine-tune qwen2.5-0.5b next.")
    assert "No target" not in because
    missed = decision_said(comparison(target=0.9, choice=None, rule="misses"), "zh").because
    assert missed.startswith("最接近目标的是 tuned。intent：准确率为 86.0%，目标为不低于 90.0%。")
    assert missed.endswith("下一步：增加训练记录，或换更大的基座模型。")


def test_unknown_prices_are_said():
    result = comparison(choice=API, rule="meets", target=0.8)
    result["systems"][3]["cost"] = None
    said = decision_said(result, "en")
    assert said.headline == f"The API {API} meets the target"
    assert said.because.endswith("What it costs is unknown: no price was given.")
    assert money(12.3456, "USD", EN) == "12.35 USD" and money(None, "", EN) == "–"


def test_matrix_orders_marks_and_measures():
    found = matrix(comparison(target=0.8), EN, ENGLISH)
    assert [row.name for row in found.rows] == ["tuned", API, TFIDF, "qwen2.5-0.5b"]
    assert [row.chosen for row in found.rows] == [True, False, False, False]
    assert [row.scores[0].standing for row in found.rows] == ["best", "inconclusive", "worse", "worse"]
    assert [row.scores[0].target for row in found.rows] == ["good", "good", "bad", "bad"]
    assert found.rows[0].note == "fine-tuned, 3 seeds"
    assert found.rows[1].cells[1] == ("800 ms", "95th pct. 2.5 s")
    assert found.rows[1].cells[3] == ("0.125 USD", "0.00015 USD per correct")
    assert found.rows[2].cells[2] == ("–", "")
    assert [str(picture).count('class="dot') for picture in found.pictures] == [4, 4]
    free = comparison()
    free["systems"][3]["cost"] = None
    assert "Cost per 1,000" not in matrix(free, EN, ENGLISH).columns


def test_a_system_without_a_task_is_ranked_behind():
    result = comparison()
    del result["systems"][0]["tasks"]["topics"]
    result["tasks"]["topics"]["ranked"].remove(TFIDF)
    row = next(row for row in matrix(result, EN, ENGLISH).rows if row.name == TFIDF)
    assert (row.scores[1].value, row.scores[1].standing) == ("–", "")


def test_pairs_say_what_is_detectable_and_what_would_settle():
    [intent, _] = pair_tables(comparison(), EN, ENGLISH)
    assert intent.caption == "intent: Accuracy compared with tuned"
    first = intent.rows[0]
    assert (first.name, first.difference, first.badge) == (API, "−2.0 points", "Inconclusive")
    assert (first.detectable, first.more) == ("8.2 points", "1,780")
    assert intent.rows[1].more == "–"
    far = comparison()
    far["pairs"][0]["more_records"] = 2_000_000
    assert pair_tables(far, ZH, CHINESE)[0].rows[0].more == "超过 100,000"


def test_few_compared_records_are_told_below_their_table():
    result = comparison()
    assert pair_tables(result, EN, ENGLISH)[0].note == ""
    result["pairs"][0]["n"] = 12
    assert "12" in pair_tables(result, EN, ENGLISH)[0].note
    assert "12 条记录" in pair_tables(result, ZH, CHINESE)[0].note


def test_records_group_systems_by_answer():
    section = records_section(comparison(), records(), EN, ENGLISH, most=10, characters=500)
    card = next(card for card in section.cards if card.id == "te-001")
    assert [(one.state, one.systems) for one in card.answers] == [
        ("good", (TFIDF, "tuned")),
        ("bad", ("qwen2.5-0.5b",)),
        ("failed", (API,)),
    ]
    assert card.classes == "t0 w1"
    assert section.intro == "On 8 of 17 records the systems’ answers differ."
    assert section.notes[0].startswith("7 more records are not shown")
    assert "same" in section.cards[-1].classes.split()


def test_sections_filters_and_script(built):
    page = read(built)
    identifiers = [name["id"] for name in page.all("section")]
    assert identifiers == ["verdict", "systems", "pairs", "records", "reproduce"]
    assert page.all("input", id="only-differ")[0].keys() >= {"checked"}
    assert [one["id"] for one in page.all("input", type="radio") if "id" in one] == [
        "task-0",
        "task-1",
        *(f"wrong-{number}" for number in range(4)),
    ]
    text = built.read_text(encoding="utf-8")
    for number in range(4):
        assert f"#wrong-{number}:checked" in text
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert script is not None
    allowed = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{allowed}'" in text
    assert "http:" not in text and "https:" not in text


def test_hostile_texts_do_nothing(tmp_path):
    result, side = comparison(), records(3, text=HOSTILE)
    result["systems"][1]["name"] = HOSTILE
    result["tasks"]["intent"]["ranked"] = result["tasks"]["topics"]["ranked"] = [
        HOSTILE if name == "qwen2.5-0.5b" else name for name in result["tasks"]["intent"]["ranked"]
    ]
    for pair in result["pairs"]:
        pair["a"] = HOSTILE if pair["a"] == "qwen2.5-0.5b" else pair["a"]
    for row in side["rows"]:
        row["answers"][HOSTILE] = row["answers"].pop("qwen2.5-0.5b")
    page = read(build_compare_page(write_comparison(tmp_path, result, side)))
    assert len(page.all("script")) == 1 and not page.all("img")
    assert " ".join(HOSTILE.split()) in page.text


def test_a_large_comparison_stays_small_and_says_what_it_left_out(tmp_path):
    side = records(2000, text="很长的一段文字。" * 400)
    path = build_compare_page(write_comparison(tmp_path, comparison("zh"), side))
    assert path.stat().st_size < 2_000_000
    page = read(path)
    shown = len([one for name, one in page.elements if name == "article"])
    assert shown >= 50
    assert f"还有 {2005 - shown:,} 条记录没有显示" in page.text


def test_same_bytes_again(built):
    before = built.read_bytes()
    assert build_compare_page(built.parent).read_bytes() == before


def test_what_is_no_comparison_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no result of `sftloop compare`"):
        build_compare_page(tmp_path)
    broken = comparison()
    del broken["pairs"]
    with pytest.raises(DataError, match="'pairs' is missing"):
        build_compare_page(write_comparison(tmp_path / "x", broken))
    with pytest.raises(DataError, match="language 'fr'"):
        build_compare_page(write_comparison(tmp_path / "y", comparison() | {"language": "fr"}))


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [360, 1280])
def test_fits_its_screen(built, width):
    probe = built.parent / f"probe-{width}.html"
    probe.write_text(PROBE.replace("report.html", built.name).format(width=width), encoding="utf-8")
    shown = browse(
        built.parent,
        "--allow-file-access-from-files",
        "--virtual-time-budget=5000",
        "--window-size=1400,1000",
        "--dump-dom",
        probe.as_uri(),
    )
    match = re.search(r'<pre id="found">(.+?)</pre>', shown, re.DOTALL)
    assert match is not None
    found = json.loads(match[1])
    assert found["scroll"] <= width, found["wide"]
    assert found["wide"] == []
    assert found["small"] == 0


KEYS = """<!DOCTYPE html><meta charset="utf-8"><iframe id="page" src="compare.html" width="900" height="900">
</iframe><pre id="found"></pre><script>
document.getElementById("page").addEventListener("load", event => {
  const page = event.target.contentDocument, passed = [];
  const visible = () => [...page.querySelectorAll(".card")].filter(card => card.offsetParent).length;
  const press = key => {
    page.dispatchEvent(new event.target.contentWindow.KeyboardEvent("keydown", {key, bubbles: true}));
    passed.push(page.activeElement.querySelector("code").textContent);
  };
  const differing = visible();
  "jjk".split("").forEach(press);
  page.getElementById("only-differ").checked = false;
  const all = visible();
  page.getElementById("wrong-1").checked = true;
  document.getElementById("found").textContent = JSON.stringify({differing, all, wrong: visible(), passed});
});
</script>"""


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_keys_move_and_filters_hide(built):
    probe = built.parent / "keys.html"
    probe.write_text(KEYS, encoding="utf-8")
    arguments = ["--allow-file-access-from-files", "--virtual-time-budget=5000", "--dump-dom", probe.as_uri()]
    match = re.search(r'<pre id="found">(.+?)</pre>', browse(built.parent, *arguments), re.DOTALL)
    assert match is not None, "the script of the probe did not run"
    found = json.loads(match[1])
    assert (found["differing"], found["all"], found["wrong"]) == (8, 12, 8)
    assert found["passed"] == ["te-001", "te-002", "te-001"]


@pytest.mark.parametrize(
    ("language", "told"), [("en", "gave no answer to 1,007 records"), ("zh", "有 1,007 条")]
)
def test_what_a_service_did_not_answer_is_said_below_the_table(tmp_path, language, told):
    saved = comparison(language)
    build_compare_page(write_comparison(tmp_path, saved))
    assert told not in (tmp_path / "compare.html").read_text(encoding="utf-8")
    for system in saved["systems"]:
        system["unanswered"] = 1007 if system["kind"] == "api" else 0
    build_compare_page(write_comparison(tmp_path, saved))
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert page.count(told) == 1 and f"deepseek-chat {told}" in page
