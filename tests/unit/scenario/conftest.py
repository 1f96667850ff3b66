"""A small scenario, a place to write it, and the message that loading a bad one gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from sftloop.core.errors import ScenarioError
from sftloop.scenario import load_scenario

SHOP = """\
name: shop
model: tiny
tasks:
  intent:
    kind: choice
    input: [{name: message, prefix: Message}]
    instruction: What does the customer want?
    labels:
      refund: Wants money back for something bought.
      other:
        means: Anything else that customers write about.
        not: [wants money back]
        examples: ["Hello: are you there?"]
"""


@pytest.fixture
def shop() -> str:
    """The text of a scenario without faults."""
    return SHOP


@pytest.fixture
def write(tmp_path: Path):
    """Write scenario.yaml into a directory and return the directory."""

    def put(text: str) -> Path:
        (tmp_path / "scenario.yaml").write_text(text, encoding="utf-8")
        return tmp_path

    return put


@pytest.fixture
def message_of(write):
    """Load a text that is refused and return the message, the file's name cut off each line."""

    def load(text: str) -> str:
        file = write(text) / "scenario.yaml"
        with pytest.raises(ScenarioError) as caught:
            load_scenario(file)
        return "\n".join(line.removeprefix(f"{file}:") for line in str(caught.value).splitlines())

    return load
