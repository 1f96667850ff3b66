"""The page of a whole run: structure, order, languages, escaping, offline, size, determinism."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.unit.report.saved_run import write_run

from sftloop.core.errors import DataError, UsageError
from sftloop.report import build_report

VOID = {"meta", "link", "br", "img", "input", "hr"}
HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)> {{ 7 * 7 }} &amp;"
"""Text that must arrive on the page as it is, and do nothing there."""


class Page(HTMLParser):
    """Elements, links and text of a page; fails on tags that don't nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing at line {self.getpos()[0]}"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and all((attributes.get(key) or "") == value for key, value in wanted.items())
        ]


@pytest.fixture(scope="module", params=["en", "zh"])
def built(request, tmp_path_factory) -> Path:
    directory = write_run(tmp_path_factory.mktemp(request.param), request.param)
    return build_report(directory)


@pytest.fixture
def run(tmp_path) -> Path:
    return write_run(tmp_path / "run", n=20)


def edit(path: Path, change: Any) -> None:
    value = json.loads(path.read_text(encoding="utf-8"))
    changed = change(value)
    path.write_text(json.dumps(value if changed is None else changed), encoding="utf-8")


def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def test_sections_in_order_with_the_verdict_first(built):
    page = read(built)
    ids = [attributes.get("id") for _, attributes in page.elements if attributes.get("id")]
    wanted = [
        "verdict",
        "tasks",
        *(f"task-{n}" for n in range(1, 7)),
        "training",
        "wrong",
        "costs",
        "reproduce",
    ]
    assert [name for name in ids if name in wanted] == wanted


def test_links_lead_to_their_sections(built):
    page = read(built)
    ids = {attributes.get("id") for _, attributes in page.elements}
    links = [attributes["href"] or "" for attributes in page.all("a")]
    assert len(links) == 6 + 6 + 4
    assert all(link.startswith("#") and link[1:] in ids for link in links)
    assert len({link for link in links}) == 10


def test_page_is_in_the_scenarios_language(built):
    page = read(built)
    chinese = built.parent.joinpath("summary.json").read_text(encoding="utf-8").count('"language": "zh"')
    assert page.all("html")[0]["lang"] == ("zh-CN" if chinese else "en")
    said, foreign = ("置信区间", "95% interval") if chinese else ("95% interval", "置信区间")
    assert said in page.text and foreign not in page.text


def test_verdict_states_difference_interval_and_target(built):
    summary = json.loads((built.parent / "summary.json").read_text(encoding="utf-8"))
    text = read(built).text
    for task in summary["tasks"].values():
        paired = task["paired"]
        scale, digits = (1, 2) if paired["metric"] == "mae" else (100, 1)
        for key in ("difference", "low", "high"):
            assert f"{abs(paired[key]) * scale:.{digits}f}" in text
    english = summary["language"] == "en"
    met = [bool(task["target"]["met"]) for task in summary["tasks"].values() if task["target"]]
    assert any(met) and not all(met)
    counted = f"{sum(met)} of {len(met)} targets met" if english else f"{len(met)} 个目标达成了 {sum(met)} 个"
    assert counted in text


def test_says_where_the_model_was_not_needed(built):
    page = read(built)
    english = page.all("html")[0]["lang"] == "en"
    assert ("Was the model needed?" if english else "真的需要大模型吗？") in page.text


def test_every_kind_has_its_pictures_and_tables(built):
    page = read(built)
    kinds = [attributes["class"] for attributes in page.all("svg") if attributes.get("aria-label")]
    assert kinds.count("chart difference") == 6
    assert kinds.count("chart intervals") == 7, "one per task, and a second for the task measured by an error"
    assert kinds.count("chart heat") == 4, "before and after for each of the two choice tasks"
    assert kinds.count("chart outcomes") == 1
    assert kinds.count("chart curves") == 2
    assert kinds.count("chart durations") == 1
    assert len(page.all("table", **{"class": "metrics"})) == 6
    assert len(page.all("table", **{"class": "changes"})) == 5, "2 choice, 1 multi, 1 extract, 1 abstention"


def test_tables_and_pictures_of_labels_scroll_in_their_own_box(built):
    text = built.read_text(encoding="utf-8")
    for wide in ("<table", '<svg class="chart heat"'):
        for found in re.finditer(wide, text):
            opening = text.rfind("<div", 0, found.start())
            assert 'class="scroll"' in text[opening : found.start()]


def test_wrong_answers_show_input_answers_and_written_text(built):
    rows = json.loads((built.parent / "wrong_answers.json").read_text(encoding="utf-8"))
    page = read(built)
    assert len(page.all("article", **{"class": "wrong"})) == len(rows) > 10
    for row in rows:
        assert row["id"] in page.text
        assert " ".join(row["sections"][0]["text"].split()) in page.text
        assert " ".join(row["text"].split()) in page.text


def test_reproduction_names_command_versions_hashes_and_seed(built):
    text = read(built).text
    for wanted in ("sftloop run examples/", "--seed 7", "a" * 64, "b" * 64, "transformers", "seed 7"):
        assert wanted in text


def test_loads_nothing(built):
    text = built.read_text(encoding="utf-8")
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<script|<iframe|<object|\son[a-z]+=", text)
    assert [attributes["href"] for attributes in read(built).all("link")] == ["data:,"]
    assert "default-src 'none'" in text


def test_same_files_same_bytes(built):
    first = built.read_bytes()
    assert build_report(built.parent).read_bytes() == first
    assert len(first) < 300_000


def test_hostile_text_arrives_as_text(run):
    def poison(rows):
        for key in ("id", "gold", "before", "after", "text"):
            rows[0][key] = HOSTILE
        rows[0]["sections"] = [{"title": HOSTILE, "text": HOSTILE}]
        rows[0]["tags"] = [HOSTILE]

    def poison_summary(summary):
        task = summary["tasks"].pop("leave")
        task["instruction"] = HOSTILE
        summary["tasks"][HOSTILE] = json.loads(json.dumps(task).replace("cannot_tell", "<svg onload=x>"))
        summary["scenario"] = summary["model"] = HOSTILE

    edit(run / "wrong_answers.json", poison)
    edit(run / "summary.json", poison_summary)
    edit(run / "manifest.json", lambda manifest: manifest["command"].append(HOSTILE))
    path = build_report(run)
    page = read(path)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "img", "iframe"}
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert page.text.count(" ".join(HOSTILE.split())) >= 10, "shown, not dropped, and never expanded"
    assert "49" not in re.findall(r"onerror=alert\(1\)> (\S+)", page.text)
    assert "<svg onload=x>" in page.text


def test_long_inputs_are_cut_below_two_megabytes(run):
    def lengthen(rows):
        for number, row in enumerate(rows):
            row["sections"] = [{"title": "", "text": f"{number}" + "长" * 60_000}]

    edit(run / "wrong_answers.json", lengthen)
    path = build_report(run)
    assert path.stat().st_size <= 2_000_000
    rows = json.loads((run / "wrong_answers.json").read_text(encoding="utf-8"))
    assert read(path).text.count("more characters)") == len(rows)


def test_many_labels_stay_below_two_megabytes(run):
    labels = [f"label number {n} of a long list" for n in range(400)]

    def multiply(summary):
        task = summary["tasks"]["intent"]
        row = next(iter(task["after"]["labels"].values()))
        for side in ("before", "after", "linear"):
            task[side]["labels"] = {label: row | {"support": n} for n, label in enumerate(labels)}
            task[side]["confusion"] = {label: {label: 3, labels[0]: 1, "(invalid)": 2} for label in labels}

    edit(run / "summary.json", multiply)
    path = build_report(run)
    assert path.stat().st_size <= 2_000_000
    page = read(path)
    assert "280 more rows are in summary.json" in page.text
    assert "(no label)" in page.text


def test_long_history_keeps_its_extremes_in_few_points(run):
    rows = [{"step": step, "loss": 1.0} for step in range(1, 50_001)]
    rows[31_234]["loss"] = 9.0
    (run / "train/history.json").write_text(json.dumps(rows), encoding="utf-8")
    path = build_report(run)
    curve = next(a for a in read(path).all("polyline") if "c0" in (a["class"] or ""))["points"] or ""
    heights = [float(point.split(",")[1]) for point in curve.split()]
    assert len(heights) <= 1200
    assert min(heights) < 30 and max(heights) > 160


def test_a_scoring_head_is_named_with_its_loss(run):
    assert "per answer token" in read(build_report(run)).text

    def head(summary):
        summary["train"]["head"] = {"loss": "focal"}
        for task in summary["tasks"].values():
            task["after"]["format_valid"] = None

    edit(run / "summary.json", head)
    text = read(build_report(run)).text
    assert "required format" not in text, "nothing was written"
    assert text.count("LoRA with a scoring head") == 2, "above the verdict and above the curves"
    assert "The head’s mean loss per record" in text and "per answer token" not in text


def test_run_without_training_history_and_wrong_answers(run):
    (run / "train/history.json").unlink()
    (run / "wrong_answers.json").unlink()
    edit(run / "summary.json", lambda summary: summary.update(train=None, seconds=None))
    text = read(build_report(run)).text
    assert "No training history was saved." in text
    assert "after training every answer was right" in text


def test_nothing_compared(run):
    def blank(summary):
        task = summary["tasks"]["reply"]
        empty = dict.fromkeys(("before", "after", "difference", "low", "high"))
        task["paired"] = {
            "metric": "chrf",
            **empty,
            "p": 1.0,
            "test": "none",
            "n": 0,
            "verdict": "inconclusive",
        }
        for side in ("before", "after"):
            for entry in task[side]["metrics"].values():
                entry |= {"value": None, "low": None, "high": None, "n": 0}

    edit(run / "summary.json", blank)
    assert "No record could be scored on both sides" in read(build_report(run)).text


def test_few_records_are_said(run):
    assert "Only 20 records were scored" in read(build_report(run)).text


def test_unfinished_run_is_refused(run):
    (run / "summary.json").unlink()
    with pytest.raises(UsageError, match=r"no finished run: it has no summary\.json\. Give the directory"):
        build_report(run)


def test_foreign_directory_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no run of sftloop: it has no manifest\.json"):
        build_report(tmp_path)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("summary.json", lambda s: s.pop("method"), r"summary\.json: 'method' is missing"),
        ("summary.json", lambda s: s.update(language="fr"), r"language 'fr' .* one of en, zh"),
        ("summary.json", lambda s: s["tasks"]["intent"].pop("paired"), r"task 'intent': 'paired' is missing"),
        ("summary.json", lambda s: s.update(tasks={}), r"at least one task"),
        ("wrong_answers.json", lambda rows: rows[1].pop("gold"), r"entry 2: 'gold' is missing"),
        ("train/history.json", lambda rows: {"rows": rows}, r"must hold a list, got dict"),
    ],
)
def test_malformed_files_are_named(run, file, change, message):
    edit(
        run / file,
        lambda value: found if isinstance(found := change(value), dict) and "rows" in found else None,
    )
    with pytest.raises(DataError, match=message):
        build_report(run)
    assert not (run / "report.html").exists()
