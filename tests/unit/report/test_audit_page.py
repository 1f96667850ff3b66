"""The audit's page: its verdict, what each finding shows, languages, escaping, size, how it fits a screen."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.unit.report.saved_audit import audited, english, finding, found, many, record, write_audit
from tests.unit.report.test_report_in_browser import BROWSER, PROBE, browse
from tests.unit.report.test_report_page import HOSTILE, Page

from sftloop.core.errors import DataError, UsageError
from sftloop.curate.finding import KINDS, SEVERITIES
from sftloop.report.audit_page import build_audit_page
from sftloop.report.audit_verdict import audit_verdict
from sftloop.report.wording import report_words
from sftloop.report.wording.audit_chinese import CHINESE
from sftloop.report.wording.audit_english import ENGLISH

EN, ZH = report_words("en"), report_words("zh")


@pytest.fixture(scope="module", params=["en", "zh"])
def built(request, tmp_path_factory) -> Path:
    return build_audit_page(write_audit(tmp_path_factory.mktemp(request.param), request.param))


def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8").replace("<wbr>", ""))


def saved(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((path.parent / "audit.json").read_text(encoding="utf-8"))
    return value


@pytest.mark.parametrize(
    ("findings", "english_said", "chinese_said", "state"),
    [
        ([], "Nothing stands in the way", "没有发现妨碍训练的问题", "clean"),
        ([found("note", "a")], "Nothing stands in the way", "没有发现妨碍训练的问题", "note"),
        (
            [found("warning", "a"), found("note", "b")],
            "Nothing stands in the way; 1 warning deserves a look",
            "没有妨碍训练的错误，但有 1 处警告值得一看",
            "warning",
        ),
        (
            [found("error", "a")],
            "Train on it after mending 1 error in 1 record",
            "先改正 1 处错误（涉及 1 条记录），再拿去训练",
            "error",
        ),
        (
            [found("error", "a", "b"), found("error", "b", "c"), found("warning", "d")],
            "Train on it after mending 2 errors in 3 records",
            "先改正 2 处错误（涉及 3 条记录），再拿去训练",
            "error",
        ),
        (
            [found("error"), found("error")],
            "Train on it after mending 2 errors",
            "先改正 2 处错误，再拿去训练",
            "error",
        ),
    ],
)
def test_headline(findings, english_said, chinese_said, state):
    verdict = audit_verdict(audited(*findings), EN, ENGLISH)
    assert (verdict.headline, verdict.state) == (english_said, state)
    assert audit_verdict(audited(*findings), ZH, CHINESE).headline == chinese_said


def test_lead_says_what_was_checked_and_what_was_not():
    audit = audited(found("note", "a", "b"), model="m", seconds=34.2, not_checked=[{"what": "x", "why": "y"}])
    assert audit_verdict(audit, EN, ENGLISH).lead == (
        "40 records of the training set were checked with m in 34 s. 2 are named in a finding. "
        "1 check was not made."
    )
    assert audit_verdict(audit, ZH, CHINESE).lead == (
        "检查了训练集的 40 条记录，使用模型 m，用时 34 秒。其中 2 条有问题或需要留意。另有 1 项未检查。"
    )


def test_every_kind_and_severity_has_words_in_both_languages():
    for words in (ENGLISH, CHINESE):
        assert tuple(words.findings.kinds) == KINDS
        for named in (words.verdict.severities, words.verdict.severity_means, words.verdict.badges):
            assert tuple(named) == SEVERITIES


def test_sections_come_in_order_and_links_lead_to_them(built):
    page = read(built)
    ids = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    wanted = ["verdict", "findings", "balance", "tasks", "unchecked", "reproduce"]
    assert [one for one in ids if one in wanted] == wanted
    links = [attributes["href"] or "" for attributes in page.all("a")]
    assert len(links) > 8
    assert all(link.startswith("#") and link[1:] in ids for link in links)


def test_kinds_stand_in_the_order_of_harm(built):
    kinds = list(dict.fromkeys(one["kind"] for one in saved(built)["findings"]))
    shown = [attributes["id"] for attributes in read(built).all("article", **{"class": "findings"})]
    assert shown == [
        f"kind-{kind}" if "_" not in kind else f"kind-{kind.replace('_', '-')}" for kind in kinds
    ]


def test_findings_show_reason_mend_and_records_in_the_pages_language(built):
    audit, text = saved(built), read(built).text
    chinese = audit["language"] == "zh"
    for one in audit["findings"]:
        said = one["zh"] if chinese else one
        assert said["why"] in text and said["mend"] in text
    for one in audit["records"].values():
        assert " ".join(one["text"].split()) in text
    assert ("处理建议" in text) is chinese and ("What to do" in text) is not chinese


def test_pictures_and_their_numbers(built):
    audit, page = saved(built), read(built)
    charts = [attributes["class"] for attributes in page.all("svg")]
    assert charts.count("chart histogram") == 2
    for task in audit["summary"]["tasks"].values():
        for label, count in (task.get("labels") or {}).items():
            assert f"{label} {count:,}" in page.text
        for level in ("easy", "boundary", "hard"):
            if task["difficulty"]:
                assert f"{task['difficulty'][level]} · " in page.text


def test_same_files_same_bytes_and_nothing_is_loaded(built):
    first = built.read_bytes()
    assert build_audit_page(built.parent).read_bytes() == first
    assert len(first) < 100_000
    text = first.decode()
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<script|<iframe|<object|\son[a-z]+=", text)


def test_more_findings_than_a_page_holds_stay_below_two_megabytes(tmp_path):
    path = build_audit_page(write_audit(tmp_path, saved=many(5_000)))
    assert 200_000 < path.stat().st_size <= 2_000_000
    text = read(path).text
    assert "Train on it after mending 2,000 errors in 8,000 records" in text
    assert text.count("more are in audit.json.") >= 5


def test_hostile_text_arrives_as_text(tmp_path):
    audit = english()
    poisoned = finding(
        "conflict", "error", HOSTILE, [HOSTILE], why=HOSTILE, mend=HOSTILE, why_zh="", mend_zh=""
    )
    audit["findings"].insert(
        0, poisoned.to_json() | {"evidence": {"answers": {HOSTILE: ["a"]}, HOSTILE: HOSTILE}}
    )
    audit["records"][HOSTILE] = record(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    audit["summary"]["tasks"][HOSTILE] = audit["summary"]["tasks"].pop("intent")
    audit["summary"]["tasks"][HOSTILE]["labels"] = {HOSTILE: 3}
    audit["not_checked"] = [{"what": HOSTILE, "why": HOSTILE}]
    audit["scenario"] = audit["model"] = HOSTILE
    path = build_audit_page(write_audit(tmp_path, saved=audit))
    page = read(path)
    assert not {tag for tag, _ in page.elements} & {"script", "img", "iframe"}
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert page.text.count(" ".join(HOSTILE.split())) >= 12, "shown, not dropped, and never expanded"


def test_audit_without_findings_model_or_manifest(tmp_path):
    audit = english() | {"findings": [], "records": {}, "model": None, "not_checked": []}
    audit["summary"]["tasks"] = {"order": {"n": 3}}
    write_audit(tmp_path, saved=audit)
    (tmp_path / "manifest.json").unlink()
    page = read(build_audit_page(tmp_path))
    assert "Nothing was found." in page.text
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert not ids & {"balance", "unchecked", "reproduce"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda audit: audit.pop("findings"), r"audit\.json: 'findings' is missing"),
        (lambda audit: audit.update(language="fr"), r"language 'fr' .* one of en, zh"),
        (lambda audit: audit["findings"][1].pop("why"), r"finding 2: 'why' is missing"),
        (lambda audit: audit.update(findings={}), r"'findings' must be a list"),
        (lambda audit: audit.update(summary={}), r"'summary': 'tasks' is missing"),
    ],
)
def test_malformed_files_are_named(tmp_path, change, message):
    audit = english()
    change(audit)
    with pytest.raises(DataError, match=message):
        build_audit_page(write_audit(tmp_path, saved=audit))
    assert not (tmp_path / "audit.html").exists()


def test_directory_without_an_audit_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no result of `sftloop audit`: it has no audit\.json"):
        build_audit_page(tmp_path)


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.parametrize(("language", "width"), [("en", 390), ("zh", 390), ("en", 1280)])
def test_fits_its_screen(tmp_path, language, width):
    built = build_audit_page(write_audit(tmp_path, language))
    probe = built.parent / f"probe-{width}.html"
    probe.write_text(PROBE.replace("report.html", "audit.html").format(width=width), encoding="utf-8")
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
