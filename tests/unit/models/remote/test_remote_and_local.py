"""The same weights behind HTTP and in this process: same answers, same probabilities."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.servers.small_model import SmallModelServer
from tests.tiny_models import tiny_model
from tests.tiny_scenario import scenario, tiny_encoder

from sftloop.models import LocalModel
from sftloop.models.remote import Endpoint, RemoteModel
from sftloop.models.task_tokens import TaskTokens
from sftloop.records import Record
from sftloop.scenario import Answer


@pytest.fixture(scope="module")
def taught() -> LocalModel:
    """A tiny model that has roughly learned to name the label that a record's word stands for."""
    model, encoder = tiny_model("llama"), tiny_encoder()
    tokens = TaskTokens.of(scenario(), "kind", encoder)
    rows = [(tokens.prompt(record), tokens.target(record)) for record in _records(12)]
    ids = torch.tensor([[*prompt, *target] for prompt, target in rows])
    answer = len(rows[0][1])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    for _ in range(40):
        logits = model(ids).logits[:, -answer - 1 : -1]
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, -answer:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.set_num_threads(threads)
    return LocalModel(model.eval(), encoder, "tiny")


def _records(count: int) -> list[Record]:
    return [
        Record(
            id=f"r{n}",
            task="kind",
            input={"text": f"w{50 + n % 3} w{60 + n}"},
            answer=Answer(label=f"w{30 + n % 3}"),
        )
        for n in range(count)
    ]


def test_a_served_model_answers_as_the_local_one(taught: LocalModel, tmp_path: Path) -> None:
    case, records = scenario(), _records(30)
    local = {p.id: p for p in taught.predict(case, "kind", records)}
    with SmallModelServer(taught) as server:
        endpoint = Endpoint(base_url=server.url, model="tiny", most_at_once=4)
        with RemoteModel(endpoint, cache=tmp_path / "cache.sqlite") as model:
            served = {p.id: p for p in model.predict(case, "kind", records)}
    assert {n: p.answer for n, p in served.items()} == {n: p.answer for n, p in local.items()}
    assert len({p.answer.label for p in local.values()}) == 3
    for name, prediction in served.items():
        assert prediction.text == local[name].text
        assert prediction.prompt_tokens == local[name].prompt_tokens
        assert prediction.tokens == local[name].tokens
        assert prediction.probabilities == pytest.approx(local[name].probabilities, abs=0.02)
