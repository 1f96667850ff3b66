"""Fetching from a hub: which files, what is refused, what is remembered, and that nothing half-done stays."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sftloop.core.errors import ModelError
from sftloop.models.cache import ModelCache
from sftloop.models.hub import is_wanted
from sftloop.models.resolve import ModelUnavailable, resolve_model


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("config.json", True),
        ("model.safetensors", True),
        ("model-00001-of-00002.safetensors", True),
        ("model.safetensors.index.json", True),
        ("tokenizer.model", True),
        ("consolidated.safetensors", False),
        ("original/model.safetensors", False),
        ("pytorch_model.bin", False),
        ("training_args.bin", False),
        ("modeling_own.py", False),
        ("README.md", False),
    ],
)
def test_only_weights_configuration_and_tokenizer_are_wanted(name: str, wanted: bool) -> None:
    assert is_wanted(name) is wanted


def test_a_model_is_fetched_once_and_then_found_in_the_cache(served, model: Path, cache: ModelCache) -> None:
    (model / "pytorch_model.bin").write_bytes(b"pickle")
    (model / "modeling_own.py").write_text("raise SystemExit")
    served.repositories["org/tiny"] = model

    lines: list[str] = []
    path = resolve_model("org/tiny", cache=cache, endpoint=served.endpoint, log=lines.append)

    assert path == cache.root / "models" / "org--tiny"
    assert (path / "model.safetensors").read_bytes() == (model / "model.safetensors").read_bytes()
    assert not (path / "pytorch_model.bin").exists()
    assert not (path / "modeling_own.py").exists()
    facts = json.loads((path / "provenance.json").read_text())
    assert (facts["source"], facts["repository"], facts["revision"]) == ("hugging_face", "org/tiny", "c" * 40)
    assert set(facts["sha256"]) >= {"config.json", "model.safetensors", "tokenizer.json"}
    assert lines[0].startswith("Fetching org/tiny from Hugging Face")
    assert not list((cache.root / "partial").iterdir())

    served.requests.clear()
    assert resolve_model("org/tiny", cache=cache, endpoint=served.endpoint) == path
    assert served.requests == []


def test_a_repository_with_pickles_only_is_refused_before_anything_is_fetched(
    served, model: Path, cache: ModelCache
) -> None:
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    served.repositories["org/pickled"] = model
    with pytest.raises(ModelError, match=r"'org/pickled' has no safetensors: it has only pickles"):
        resolve_model("org/pickled", cache=cache, endpoint=served.endpoint)
    assert served.fetched == []
    assert cache.find("org--pickled") is None


def test_a_wrong_architecture_never_reaches_the_cache(
    served, model: Path, cache: ModelCache, edit_config: Callable[..., None]
) -> None:
    edit_config(model, model_type="bert", architectures=["BertForSequenceClassification"])
    served.repositories["org/bert"] = model
    with pytest.raises(ModelError, match=r"'org/bert' is a BertForSequenceClassification"):
        resolve_model("org/bert", cache=cache, endpoint=served.endpoint)
    assert cache.find("org--bert") is None


def test_a_gated_model_says_what_to_do(served, model: Path, cache: ModelCache) -> None:
    served.repositories["org/closed"] = model
    served.gated.add("org/closed")
    with pytest.raises(ModelError, match=r"gated.*hf auth login") as caught:
        resolve_model("org/closed", cache=cache, endpoint=served.endpoint)
    assert caught.value.exit_code == 2


def test_an_unknown_name_lists_what_was_tried_and_the_nearest_name(served, cache: ModelCache) -> None:
    with pytest.raises(ModelError) as caught:
        resolve_model("smollm2-135m", cache=cache, endpoint=served.endpoint)
    message = str(caught.value)
    assert "'smollm2-135m' was not found" in message
    assert "a directory of that name" in message
    assert str(cache.root) in message
    assert "Hugging Face has no public model" in message
    assert "Did you mean 'smollm2-135m-instruct'?" in message
    assert caught.value.exit_code == 2


def test_a_broken_transfer_leaves_no_model_and_the_next_try_ends_well(
    served, model: Path, cache: ModelCache
) -> None:
    served.repositories["org/tiny"] = model
    served.break_after = 2
    with pytest.raises(ModelUnavailable, match="can't be reached"):
        resolve_model("org/tiny", cache=cache, endpoint=served.endpoint)
    assert cache.find("org--tiny") is None

    served.break_after = None
    hub_forgets(served.endpoint)
    path = resolve_model("org/tiny", cache=cache, endpoint=served.endpoint)
    assert (path / "model.safetensors").read_bytes() == (model / "model.safetensors").read_bytes()


def hub_forgets(endpoint: str) -> None:
    from sftloop.models import hub

    hub._unreachable.pop(endpoint, None)


def test_a_hub_that_does_not_answer_is_asked_once(cache: ModelCache, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_OFFLINE", "SFTLOOP_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    endpoint = "http://127.0.0.1:9"
    for expected in ("can't be reached", "could not be reached a moment ago"):
        began = time.monotonic()
        with pytest.raises(ModelUnavailable, match=expected) as caught:
            resolve_model("qwen3-0.6b", cache=cache, endpoint=endpoint)
        assert time.monotonic() - began < 10
        assert caught.value.exit_code == 3
    hub_forgets(endpoint)


def test_offline_asks_no_hub(served, cache: ModelCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFTLOOP_OFFLINE", "1")
    with pytest.raises(ModelUnavailable, match="SFTLOOP_OFFLINE"):
        resolve_model("qwen3-0.6b", cache=cache, endpoint=served.endpoint)
    assert served.requests == []


def test_without_download_only_this_machine_is_looked_at(served, cache: ModelCache) -> None:
    with pytest.raises(ModelError, match=r"not on this machine.*sftloop models pull qwen3-0.6b"):
        resolve_model("qwen3-0.6b", allow_download=False, cache=cache, endpoint=served.endpoint)
    assert served.requests == []


@pytest.mark.parametrize("name", ["", "./gone", "/gone", "../gone", "a b", "org/name/more", "无"])
def test_what_can_be_no_model_is_refused_at_once(served, cache: ModelCache, name: str) -> None:
    with pytest.raises(ModelError):
        resolve_model(name, cache=cache, endpoint=served.endpoint)
    assert served.requests == []
    assert not cache.root.exists()
