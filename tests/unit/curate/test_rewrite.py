"""Proposals are checked: what lost a number, a name or the format, or gained nothing in style, is marked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.tiny_models import tiny_model
from tests.tiny_scenario import tiny_encoder

from sftloop.curate import rewrite
from sftloop.curate.rewrite import Proposal, deviation, problems_of, propose_rewrites, usual_style
from sftloop.models import sample
from sftloop.records import Record
from sftloop.scenario import Answer, Scenario, load_scenario

YAML = """\
name: letters
model: model
tasks:
  reply: {kind: generate, input: [text], instruction: Answer the customer.}
  verdict: {kind: choice, input: [text], labels: {a: one, b: two}, answer: {reason: true}}
"""
USUAL = ["We refund 12 euros today.", "We send the Orbit lamp again.", "We call back on Monday at 9."]


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    (tmp_path / "scenario.yaml").write_text(YAML)
    return load_scenario(tmp_path)


def reply(name: str, text: str) -> Record:
    return Record(id=name, task="reply", input={"text": "w5"}, answer=Answer(text=text))


@pytest.fixture
def usual() -> dict[str, str]:
    return usual_style(dict(zip("abc", USUAL, strict=True)))


OUTLIER = reply("odd", "- refund of 30 euros\n- for the Orbit lamp")


@pytest.mark.parametrize(
    ("after", "problems"),
    [
        ("We refund 30 euros for the Orbit lamp.", ()),
        ("", ("empty",)),
        (" - refund of 30 euros\n- for the Orbit lamp", ("unchanged",)),
        ("We refund 300 euros for the Orbit lamp.", ("lost", "invented")),
        ("We refund 30 euros for the lamp.", ("lost",)),
        ("We refund 30 euros for the Orbit lamp from ACME.", ("invented",)),
        ("- refund: 30 euros\n- the Orbit lamp", ("still_deviates",)),
    ],
)
def test_problems(scenario: Scenario, usual: dict[str, str], after: str, problems: Sequence[str]) -> None:
    assert problems_of(scenario, OUTLIER, "answer", after, usual) == problems


def test_chinese_names_and_titles_must_stay(scenario: Scenario) -> None:
    usual = usual_style({"a": "我们今天退款12元。", "b": "我们明天补发。", "c": "我们周一回电。"})
    odd = reply("odd", "- 退款30元\n- 赠送《夜航》和Kindle阅读器")
    good = "我们退款30元，并赠送《夜航》和Kindle阅读器。"
    assert problems_of(scenario, odd, "answer", good, usual) == ()
    assert problems_of(scenario, odd, "answer", good.replace("《夜航》", "一本书"), usual) == ("lost",)
    assert problems_of(scenario, odd, "answer", good.replace("Kindle", ""), usual) == ("lost",)


def test_usual_style_and_deviation(usual: dict[str, str]) -> None:
    assert [deviation(text, usual) for text in USUAL] == [0, 0, 0]
    assert deviation(OUTLIER.answer.text or "", usual) >= 3


def test_a_reason_is_rewritten_and_its_label_kept(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verdict(name: str, reason: str | None) -> Record:
        answer = Answer(label="a", reason=reason)
        return Record(id=name, task="verdict", input={"text": "w5"}, answer=answer)

    records = [verdict(str(n), text) for n, text in enumerate(USUAL)]
    records += [verdict("odd", "- refund of 30 euros"), verdict("bare", None)]
    monkeypatch.setattr(sample, "write_answers", lambda *_, **__: [["We refund 30 euros."]])
    [proposal] = propose_rewrites(None, tiny_encoder(), scenario, records, ["odd", "bare"], part="reason")
    assert proposal == Proposal(
        record_id="odd",
        part="reason",
        before="- refund of 30 euros",
        after="We refund 30 euros.",
        problems=(),
    )
    assert records[3].answer.reason == "- refund of 30 euros"


def test_the_prompt_shows_three_usual_ones(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[dict[str, str]]] = []
    usual = rewrite._messages

    def noted(*given: Any) -> list[dict[str, str]]:
        seen.append(usual(*given))
        return seen[-1]

    monkeypatch.setattr(rewrite, "_messages", noted)
    monkeypatch.setattr(sample, "write_answers", lambda *_, **__: [["We do."]])
    records = [reply(str(n), text) for n, text in enumerate([*USUAL, "1. why\n2. because"])]
    propose_rewrites(None, tiny_encoder(), scenario, [*records, OUTLIER], ["odd"])
    propose_rewrites(None, tiny_encoder(), scenario, [OUTLIER, *records[::-1]], ["odd"])
    [first, second] = seen
    assert first == second
    assert all(text in first[1]["content"] for text in [*USUAL, OUTLIER.answer.text])
    assert "because" not in first[1]["content"]


def test_a_model_writes_the_proposals(scenario: Scenario) -> None:
    records = [*(reply(str(n), text) for n, text in enumerate(USUAL)), OUTLIER]
    [proposal] = propose_rewrites(tiny_model("llama"), tiny_encoder(), scenario, records, ["odd"])
    assert proposal.record_id == "odd"
    assert proposal.problems  # a random model keeps nothing
    assert set(proposal.to_json()) == {"id", "part", "before", "after", "problems"}


def test_without_usual_records_or_outliers_nothing_is_proposed(scenario: Scenario) -> None:
    model, encoder = tiny_model("llama"), tiny_encoder()
    assert propose_rewrites(model, encoder, scenario, [OUTLIER], ["odd"]) == []
    assert propose_rewrites(model, encoder, scenario, [reply("0", USUAL[0])], ["odd"]) == []
