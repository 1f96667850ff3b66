"""Records whose answer could not be learned whole are refused by name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.tiny_scenario import scenario, tiny_encoder

from sftloop.core.errors import DataError
from sftloop.models import TaskTokens
from sftloop.records import Record
from sftloop.scenario import Answer
from sftloop.train import encode_examples


def record(name: str, text: str, label: str = "w30") -> Record:
    return Record(id=name, task="kind", input={"text": text}, answer=Answer(label=label))


@pytest.fixture
def tokens() -> dict[str, TaskTokens]:
    return {"kind": TaskTokens.of(scenario(), "kind", tiny_encoder())}


def test_end_of_turn_is_learned(tokens: dict[str, TaskTokens]) -> None:
    [example] = encode_examples([record("r", "w5 w6")], tokens, context_tokens=None)
    assert example.target == (30, 2)


def test_prefix_is_shared_and_never_the_whole_prompt(tokens: dict[str, TaskTokens]) -> None:
    first, second = encode_examples([record("r1", "w5 w6"), record("r2", "w7")], tokens, context_tokens=None)
    assert first.prefix == second.prefix != ()
    assert first.prompt and second.prompt
    assert first.prefix + first.prompt == tuple(tokens["kind"].prompt(record("r1", "w5 w6")))


def test_too_long_is_refused_by_name(tokens: dict[str, TaskTokens]) -> None:
    with pytest.raises(DataError, match=r"1 training records are longer .* 60 tokens: long-one"):
        encode_examples([record("ok", "w5"), record("long-one", "w5 " * 90)], tokens, context_tokens=60)


def test_too_long_is_left_out_on_demand_and_named(
    tokens: dict[str, TaskTokens], capsys: pytest.CaptureFixture[str]
) -> None:
    records = [record("ok", "w5"), record("long-one", "w5 " * 90), record("good", "w6")]
    found = encode_examples(records, tokens, context_tokens=60, leave_out_too_long=True)
    assert [example.record_id for example in found] == ["ok", "good"]
    assert "long-one" in capsys.readouterr().err
    with pytest.raises(DataError, match="longer"):
        encode_examples(records[1:2], tokens, context_tokens=60, leave_out_too_long=True)


def test_what_a_head_says_needs_no_text(tokens: dict[str, TaskTokens]) -> None:
    """Reasons that the task asks for may be missing where nothing is written."""
    task = tokens["kind"].task
    asks = task.model_copy(update={"answer": task.answer.model_copy(update={"reason": True})})
    own = {"kind": replace(tokens["kind"], task=asks)}
    with pytest.raises(DataError, match="reason"):
        encode_examples([record("r", "w5")], own, context_tokens=None)
    [example] = encode_examples([record("r", "w5")], own, context_tokens=None, written=False)
    assert example.target == ()
