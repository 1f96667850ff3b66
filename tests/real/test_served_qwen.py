"""Qwen behind HTTP and in this process: the same texts, and probabilities that agree where labels are short."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.servers.small_model import SmallModelServer

from sftloop.models import LocalModel, resolve_model
from sftloop.models.remote import Endpoint, RemoteModel
from sftloop.records import load_split
from sftloop.scenario import Scenario

pytestmark = pytest.mark.real


def test_served_answers_equal_local_ones(support: Scenario, tmp_path: Path) -> None:
    directory = resolve_model("qwen2.5-coder-0.5b-instruct", log=print)
    model = LocalModel.load(directory, device="cpu", dtype=torch.float32, name="qwen")
    records = load_split(support, "test", tasks=["urgency"])[:4]
    local = {p.id: p for p in model.predict(support, "urgency", records)}
    with SmallModelServer(model) as server:
        endpoint = Endpoint(base_url=server.url, model="qwen")
        with RemoteModel(endpoint, cache=tmp_path / "answers.sqlite") as remote:
            served = {p.id: p for p in remote.predict(support, "urgency", records)}
            assert len(list(remote.predict(support, "urgency", records))) == server.calls == 4
    for name, prediction in local.items():
        assert served[name].text == prediction.text
        assert served[name].answer == prediction.answer
        assert served[name].probabilities == pytest.approx(prediction.probabilities, abs=0.01)
        assert (served[name].tokens, served[name].prompt_tokens) == (
            prediction.tokens,
            prediction.prompt_tokens,
        )
