"""The selection's page: what it claims, its pictures and numbers, escaping, size, how it fits a screen."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.unit.report.saved_selection import attributed, end, filtered, proof, pruned, write_selection
from tests.unit.report.test_report_in_browser import BROWSER, PROBE, browse
from tests.unit.report.test_report_page import HOSTILE, Page

from sftloop.core.errors import DataError, UsageError
from sftloop.report.select_changes import coverage_curve, label_changes, record_ends, stage_table
from sftloop.report.select_outcome import chosen_coverage, selection_outcome
from sftloop.report.select_page import build_select_page
from sftloop.report.select_proof import proof_section
from sftloop.report.wording import report_words
from sftloop.report.wording.select_chinese import CHINESE
from sftloop.report.wording.select_english import ENGLISH

EN, ZH = report_words("en"), report_words("zh")
CASES = {
    "prune-en": pruned(),
    "prune-zh": pruned("zh"),
    "filter-en": filtered(),
    "filter-zh": filtered("zh"),
    "attribute": attributed(),
}


@pytest.fixture(scope="module", params=CASES)
def built(request, tmp_path_factory) -> Path:
    return build_select_page(write_selection(tmp_path_factory.mktemp(request.param), CASES[request.param]))


def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8").replace("<wbr>", ""))


def saved(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((path.parent / "select.json").read_text(encoding="utf-8"))
    return value


def proven(*proofs: dict[str, Any]) -> dict[str, Any]:
    return attributed() | {"proof": list(proofs)}


@pytest.mark.parametrize(
    ("differences", "said", "said_zh"),
    [
        ({"random": 0.031}, "Better than random by 3.1 points", "比随机选取好 3.1 个百分点"),
        ({"balanced": 0.004}, "No better than balanced random", "并不优于均衡随机选取"),
        (
            {"random": 0.031, "balanced": 0.004, "bm25": 0.05},
            "Better than random by 3.1 points; no better than balanced random",
            "比随机选取好 3.1 个百分点；并不优于均衡随机选取",
        ),
        (
            {"random": 0.001, "balanced": -0.021},
            "Worse than balanced random by 2.1 points; no better than random",
            "比均衡随机选取差 2.1 个百分点；并不优于随机选取",
        ),
        ({"bm25": 0.05}, "Better than BM25 by 5.0 points", "比 BM25 好 5.0 个百分点"),
    ],
)
def test_headline_of_a_proof(differences, said, said_zh):
    selection = proven(proof("intent", **differences))
    assert selection_outcome(selection, EN, ENGLISH).headline == said
    assert selection_outcome(selection, ZH, CHINESE).headline == said_zh


@pytest.mark.parametrize(
    ("leads", "said", "said_zh"),
    [
        ((0.03, 0.04, 0.0), "Better than random on 2 of 3 tasks", "3 个任务中有 2 个优于随机选取"),
        ((0.0, 0.01), "Better than random on none of 2 tasks", "2 个任务都不比随机选取更好"),
        (
            (0.03, -0.03),
            "Better than random on 1 of 2 tasks; worse on 1",
            "2 个任务中有 1 个优于随机选取；其中 1 个更差",
        ),
    ],
)
def test_headline_of_several_tasks(leads, said, said_zh):
    selection = proven(*(proof(f"task{n}", random=lead) for n, lead in enumerate(leads)))
    assert selection_outcome(selection, EN, ENGLISH).headline == said
    assert selection_outcome(selection, ZH, CHINESE).headline == said_zh


def test_headline_without_a_proof():
    curve = [{"n": 10, "coverage": 0.4}, {"n": 900, "coverage": 0.831}, {"n": 5000, "coverage": 0.99}]
    selection = pruned() | {"proof": None, "curve": curve}
    outcome = selection_outcome(selection, EN, ENGLISH)
    assert outcome.headline == "1,000 of 10,003 records kept, covering 83.1% of the whole"
    assert "was not measured" in outcome.lead
    assert chosen_coverage(selection) == (900, 0.831)
    assert chosen_coverage(selection | {"curve": []}) is None
    said = selection_outcome(filtered("zh"), ZH, CHINESE).headline
    assert said == "从 1,000,000 条记录中为本场景选出 500 条"


def test_lead_says_how_it_was_measured():
    outcome = selection_outcome(proven(proof("intent", random=0.03)), EN, ENGLISH)
    assert outcome.lead == (
        "Accuracy on intent, mean of 3 trainings each. 30 of 300 records were chosen in 12 s."
    )


def test_proof_compares_and_lists_every_seed():
    section = proof_section(proof("intent", random=0.031, balanced=0.004), EN, ENGLISH)
    assert [(row.name, row.own, row.mean, row.interval) for row in section.rows] == [
        ("this selection", True, "84.2%", "83.0–85.4"),
        ("random", False, "81.1%", "79.9–82.3"),
        ("balanced random", False, "83.8%", "82.6–85.0"),
    ]
    assert section.rows[0].values == "83.6%, 84.2%, 84.8%"
    assert [(one.badge, one.text) for one in section.comparisons] == [
        ("Better than", "random: +3.1 points (95% interval +1.6 to +4.6; p\u00a0=\u00a00.002)"),
        (
            "Not told apart from",
            "balanced random: +0.4 points (95% interval −1.1 to +1.9; p\u00a0=\u00a00.410)",
        ),
    ]
    assert section.picture is not None and section.picture.count('class="dot before"') == 2


def test_proof_of_perfect_scores_ends_at_all():
    rows = [{"name": "prune", "n": 9, "values": [], "mean": 1.0, "low": 0.9, "high": 1.0}]
    section = proof_section({"metric": "accuracy", "task": "t", "rows": rows}, EN, ENGLISH)
    ticks = re.findall(r'text-anchor="middle">([\d.]+)%<', section.picture or "")
    assert ticks[-1] == "100" and float(ticks[0]) <= 90


def test_curve_rings_the_chosen_number():
    curve = [{"n": 0, "coverage": 0.0}, {"n": 50, "coverage": 0.5}, {"n": 100, "coverage": 1.0}]
    drawn = coverage_curve(pruned() | {"curve": curve, "n_out": 50}, ENGLISH)
    assert drawn is not None
    assert 'class="dot kept" cx="50%" cy="95" r="7"' in drawn
    assert ">records<" in drawn


def test_axis_of_a_million_records_counts_in_the_languages_unit():
    english, chinese = coverage_curve(filtered(), ENGLISH), coverage_curve(filtered("zh"), CHINESE)
    assert english is not None and ">thousand records<" in english and ">750<" in english
    assert chinese is not None and ">万条记录<" in chinese and ">75<" in chinese


def test_labels_before_and_after_the_most_frequent_first():
    labels = {
        "t": {
            "rare": {"before": 5, "after": 5},
            "often": {"before": 100, "after": 25},
            "x": {"before": 1, "after": 0},
        }
    }
    table = label_changes(pruned() | {"labels": labels}, EN, ENGLISH, most=2)[0]
    assert [(row.name, row.cells) for row in table.rows] == [("often", ("100", "25")), ("rare", ("5", "5"))]
    assert re.findall(r'class="(\w+)" x="[\d.]+%" y="0" width="([\d.]+)%"', table.rows[0].bar) == [
        ("kept", "25"),
        ("removed", "75"),
    ]
    assert table.note == "1 more label is in select.json."


def test_each_stage_is_a_share_of_what_it_was_given():
    table = stage_table(filtered(), EN, ENGLISH)
    assert table is not None
    assert table.rows[1].cells == ("20,000", "2,000", "10 min 40 s")
    assert [re.findall(r'class="kept" x="0%" y="0" width="([\d.]+)%"', row.bar) for row in table.rows] == [
        ["2"],
        ["10"],
        ["25"],
    ]


def test_both_ends_are_cut_to_length_and_number():
    selection = attributed() | {"top": [end(n, 0.5, "because " * 20) for n in range(9)], "bottom": []}
    (top,) = record_ends(selection, EN, ENGLISH, most=4, characters=30)
    assert (top.heading, len(top.records)) == ("Most helpful", 4)
    assert top.records[0].tags == ("influence 0.50",)
    assert top.records[0].why.startswith("because because ") and "more characters" in top.records[0].why


def test_page_shows_what_was_saved(built):
    selection, page = saved(built), read(built)
    for row in selection["top"] + selection["bottom"]:
        assert row["id"] in page.text and row["text"] in page.text
    for path in (selection["selected"], *selection["baselines"].values()):
        assert path in page.text
    charts = [attributes.get("class") for attributes in page.all("svg")]
    assert charts.count("chart curves") == bool(selection["curve"])
    assert charts.count("chart intervals") == len(selection["proof"] or [])
    assert page.all("html")[0]["lang"] == ("zh-CN" if selection["language"] == "zh" else "en")
    assert ("均衡随机选取" in page.text) == (selection["language"] == "zh")


def test_same_files_same_bytes_and_nothing_is_loaded(built):
    first = built.read_bytes()
    assert build_select_page(built.parent).read_bytes() == first
    assert not re.search(rb"https?:|//[a-z]|url\(|@import|<script|<iframe|<object|\son[a-z]+=", first)


def test_long_texts_and_many_labels_stay_below_two_megabytes(tmp_path):
    labels = {
        f"task{t}": {f"label {n} of a long list": {"before": n, "after": n} for n in range(500)}
        for t in range(30)
    }
    rows = [end(n, 0.1, None) | {"text": "长" * 60_000} for n in range(50)]
    selection = pruned() | {"labels": labels, "top": rows, "bottom": rows}
    path = build_select_page(write_selection(tmp_path, selection))
    assert path.stat().st_size <= 2_000_000
    assert "more characters)" in read(path).text and "more labels are in select.json." in read(path).text


def test_hostile_text_arrives_as_text(tmp_path):
    poisoned = end(1, 0.1, HOSTILE) | {"id": HOSTILE, "text": HOSTILE, "answer": HOSTILE}
    selection = filtered() | {
        "scenario": HOSTILE,
        "top": [poisoned],
        "baselines": {HOSTILE: HOSTILE},
        "overlap": {HOSTILE: 0.5},
        "labels": {HOSTILE: {HOSTILE: {"before": 2, "after": 1}}},
        "stages": [{"name": HOSTILE, "n_in": 2, "n_out": 1, "seconds": None}],
        "proof": [proof(HOSTILE) | {"rows": [{"name": HOSTILE, "n": 1, "mean": 0.5}]}],
    }
    page = read(build_select_page(write_selection(tmp_path, selection)))
    assert not {tag for tag, _ in page.elements} & {"script", "img", "iframe"}
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert page.text.count(" ".join(HOSTILE.split())) >= 9


def test_bare_selection_has_a_page(tmp_path):
    bare = {"scenario": "s", "language": "en", "mode": "filter", "n_in": 9, "n_out": 3}
    write_selection(tmp_path, bare)
    (tmp_path / "manifest.json").unlink()
    assert "3 of 9 records chosen for the scenario" in read(build_select_page(tmp_path)).text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "prunes"}, r"no page knows the mode 'prunes'\. Did you mean 'prune'\?"),
        ({"language": "fr"}, r"language 'fr' .* one of en, zh"),
        ({"proof": [{"rows": []}]}, r"'proof': 'metric' is missing"),
    ],
)
def test_malformed_files_are_named(tmp_path, change, message):
    with pytest.raises(DataError, match=message):
        build_select_page(write_selection(tmp_path, pruned() | change))
    assert not (tmp_path / "select.html").exists()


def test_directory_without_a_selection_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no result of `sftloop select`: it has no select\.json"):
        build_select_page(tmp_path)


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.parametrize(("case", "width"), [("prune-en", 390), ("filter-zh", 390), ("prune-zh", 1280)])
def test_fits_its_screen(tmp_path, case, width):
    built = build_select_page(write_selection(tmp_path, CASES[case]))
    probe = built.parent / f"probe-{width}.html"
    probe.write_text(PROBE.replace("report.html", "select.html").format(width=width), encoding="utf-8")
    flags = (
        "--allow-file-access-from-files",
        "--virtual-time-budget=5000",
        "--window-size=1300,1000",
        "--dump-dom",
    )
    shown = browse(built.parent, *flags, probe.as_uri())
    measured = re.search(r'<pre id="found">(.+?)</pre>', shown, re.DOTALL)
    assert measured is not None
    assert json.loads(measured[1]) == {"scroll": width, "client": width, "wide": [], "small": 0}


def test_the_page_names_what_chose_and_what_was_trained(tmp_path):
    page = build_select_page(write_selection(tmp_path, pruned())).read_text()
    for said in (
        "facility location within each label",
        "hidden states of smollm2-135m-instruct",
        "What was trained",
    ):
        assert said in page
    assert re.search(r"Learning rate</dt><dd>0.0002</dd>", page) and "<dd>0, 1 and 2</dd>" in page
    chinese = build_select_page(write_selection(tmp_path / "zh", pruned("zh"))).read_text()
    for said in ("各标签内的设施选址", "smollm2-135m-instruct 的隐藏状态", "训练设置", "评测数据"):
        assert said in chinese


def test_a_selection_by_ngrams_says_so(tmp_path):
    saved = pruned() | {
        "model": None,
        "trained": None,
        "how": {"method": "cascade", "compared_by": "n-grams", "target": "definitions", "seed": 0},
    }
    page = build_select_page(write_selection(tmp_path, saved)).read_text()
    assert "hashed n-grams, no model" in page and "the definitions in the scenario" in page
    assert "What was trained" not in page
