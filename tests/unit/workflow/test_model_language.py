"""A model that was not taught the scenario's language is named before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftloop.records import Record
from sftloop.scenario import Answer, load_scenario
from sftloop.workflow.model_language import language_gap, warn_of_language
from sftloop.workflow.prompts import lint_prompt

SCENARIO = """\
name: desk
language: {language}
model: {model}
system: Sort messages.
tasks:
  kind: {{kind: choice, input: [message], instruction: Choose, labels: {{a: First of kinds, b: Second of kinds}}}}
"""
CHINESE, ENGLISH = "退款多久到账，order 17", "Where is my refund for 订单 17 of last month"


def records(*texts: str) -> list[Record]:
    return [
        Record(id=f"r{n}", task="kind", input={"message": text}, answer=Answer(label="a"))
        for n, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("model", "language", "texts", "instead"),
    [
        ("smollm2-135m-instruct", "zh", [ENGLISH], "qwen2.5-0.5b-instruct"),
        ("smollm2-135m-instruct", "en", [CHINESE, CHINESE, ENGLISH], "qwen2.5-0.5b-instruct"),
        ("HuggingFaceTB/SmolLM2-1.7B-Instruct", "zh", [], "qwen3-1.7b"),
        ("mistral-7b-instruct-v0.3", "zh", [], "qwen2.5-7b-instruct"),
        ("smollm2-135m-instruct", "en", [CHINESE, ENGLISH, ENGLISH], None),
        ("smollm2-135m-instruct", "en", [], None),
        ("qwen2.5-0.5b-instruct", "zh", [CHINESE], None),
        ("somebody/else", "zh", [CHINESE], None),
    ],
)
def test_the_language_comes_from_wording_and_records(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    model: str,
    language: str,
    texts: list[str],
    instead: str | None,
) -> None:
    (tmp_path / "scenario.yaml").write_text(SCENARIO.format(language=language, model=model))
    gap = language_gap(model, load_scenario(tmp_path), records(*texts))
    assert (gap and gap.instead) == instead
    warn_of_language(model, load_scenario(tmp_path), records(*texts))
    assert capsys.readouterr().err.strip() == (f"{gap.why} {gap.mend}" if gap else "")
    if gap:
        assert "taught English" in gap.why and "in Chinese" in gap.why
        assert gap.instead in gap.mend and gap.instead in gap.zh


def test_lint_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text(SCENARIO.format(language="zh", model="smollm2-135m-instruct"))
    found = [finding for finding in lint_prompt(tmp_path).findings if finding.kind == "model_language"]
    assert [(finding.line, finding.severity) for finding in found] == [(3, "warning")]
    other = lint_prompt(tmp_path / "scenario.yaml").findings
    assert [finding.line for finding in other] == sorted(finding.line or 0 for finding in other)
