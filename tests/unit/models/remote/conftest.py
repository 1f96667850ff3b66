"""A scenario of three kinds of answers, its records, and models that ask a server on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sftloop.models.remote import Endpoint, RemoteModel, client
from sftloop.records import Record
from sftloop.scenario import Answer, Scenario, load_scenario

YAML = """\
name: remote
model: small
system: You sort messages.
tasks:
  kind: {kind: choice, input: [text], labels: {w30: One., w31: Another.}}
  why:
    kind: choice
    input: [text]
    labels: {yes: It is., no: It is not.}
    answer: {reason: true}
  parts: {kind: extract, input: [text], fields: {name: Who., age: {means: How old., type: number}}}
"""


@pytest.fixture
def case(tmp_path: Path) -> Scenario:
    (tmp_path / "scenario.yaml").write_text(YAML)
    return load_scenario(tmp_path)


def records(count: int, task: str = "kind") -> list[Record]:
    answers = {
        "kind": Answer(label="w30"),
        "why": Answer(label="yes", reason="r"),
        "parts": Answer(fields={}),
    }
    return [
        Record(id=f"r{n}", task=task, input={"text": f"message {n}"}, answer=answers[task])
        for n in range(count)
    ]


@pytest.fixture
def some() -> Callable[..., list[Record]]:
    return records


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Callable[..., RemoteModel]]:
    """Make models; what isn't an endpoint's setting goes to the model."""
    with ExitStack() as stack:

        def make(url: str, *, budget: float | None = None, cache: str = "cache", **more: Any) -> RemoteModel:
            endpoint = Endpoint(base_url=url, **{"model": "small", **more})
            model = RemoteModel(endpoint, budget=budget, cache=tmp_path / f"{cache}.sqlite")
            return stack.enter_context(model)

        yield make


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
