"""Embeddings are the position-weighted means of the ordinary forward pass, whatever is packed together."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from peft import PromptTuningConfig, get_peft_model
from tests.tiny_models import ARCHITECTURES, tiny_model
from tests.tiny_scenario import tiny_encoder
from tests.unit.models.test_in_full import OTHERS, other_model
from transformers import PreTrainedModel

from sftloop.models import PromptEncoder, embed
from sftloop.models.embed import embed_texts

TEXTS = [
    "w3 w4 w5",
    "w9",
    " ".join(f"w{n}" for n in range(20, 60)),
    "w5 w4 w3",
    "",
    "w9",
    "w70 w71 w72 w73 w74 w75 w76 w77 w78",
]


@pytest.fixture(scope="module")
def encoder() -> PromptEncoder:
    return tiny_encoder()


@torch.no_grad()
def by_hand(model: PreTrainedModel, ids: list[int], front: tuple[int, ...] = ()) -> np.ndarray:
    output = model(input_ids=torch.tensor([[*front, *ids]]), output_hidden_states=True)
    states = output.hidden_states[-1][0, len(front) :].double().numpy()
    mean = sum((place + 1) * state for place, state in enumerate(states))
    return mean / np.linalg.norm(mean)


@pytest.mark.parametrize("architecture", [*ARCHITECTURES, *OTHERS])
def test_vectors_are_those_of_the_ordinary_forward(architecture: str, encoder: PromptEncoder) -> None:
    model = other_model(architecture) if architecture in OTHERS else tiny_model(architecture)
    vectors = embed_texts(model, encoder, TEXTS)
    assert vectors.dtype == np.float32 and not vectors[4].any()
    for text, vector in zip(TEXTS, vectors, strict=True):
        if text:
            np.testing.assert_allclose(vector, by_hand(model, encoder.answer_ids(text)[:-1]), atol=2e-5)


def test_later_tokens_weigh_more(monkeypatch: pytest.MonkeyPatch) -> None:
    states = torch.eye(3).repeat(2, 1)[:5]
    segment, offset = torch.tensor([0, 0, 0, 1, 1]), torch.tensor([0, 1, 2, 0, 1])
    means = embed._weighted_means(states, segment, offset, 2)
    torch.testing.assert_close(means, torch.tensor([[1 / 6, 2 / 6, 3 / 6], [1 / 3, 2 / 3, 0]]))


@pytest.mark.parametrize("batch_tokens", [1, 17, 10_000])
def test_what_is_packed_together_does_not_matter(batch_tokens: int, encoder: PromptEncoder) -> None:
    model = tiny_model("llama")
    vectors = embed_texts(model, encoder, TEXTS, batch_tokens=batch_tokens)
    np.testing.assert_allclose(vectors, embed_texts(model, encoder, TEXTS), atol=1e-5)


def test_only_the_first_tokens_are_read(encoder: PromptEncoder) -> None:
    model = tiny_model("qwen3")
    cut, whole = embed_texts(model, encoder, ["w3 w4 w5 w6", "w3 w4"], max_tokens=2)
    np.testing.assert_allclose(cut, whole, atol=1e-6)
    short = PromptEncoder(encoder.tokenizer, context_tokens=2)
    np.testing.assert_allclose(embed_texts(model, short, ["w3 w4 w5 w6"])[0], whole, atol=1e-6)


def test_a_tokenizer_s_own_first_token_stands_in_front_and_is_not_pooled(encoder: PromptEncoder) -> None:
    class WithStart:
        def __init__(self) -> None:
            self.tokenizer = lambda text: {"input_ids": [1]}
            self.context_tokens = None
            self.answer_ids = encoder.answer_ids

    model = tiny_model("gemma")
    (vector,) = embed_texts(model, WithStart(), ["w3 w4 w5"])  # type: ignore[arg-type]
    np.testing.assert_allclose(
        vector, by_hand(model, encoder.answer_ids("w3 w4 w5")[:-1], front=(1,)), atol=2e-5
    )


def test_an_adapter_counts(encoder: PromptEncoder) -> None:
    before = embed_texts(tiny_model("llama"), encoder, TEXTS[:1])
    torch.manual_seed(1)
    config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)
    wrapped = get_peft_model(tiny_model("llama"), config)  # type: ignore[arg-type]
    after = embed_texts(wrapped, encoder, TEXTS[:1])  # type: ignore[arg-type]
    assert np.abs(after - before).max() > 1e-3 and abs(np.linalg.norm(after) - 1) < 1e-5


def test_bfloat16_is_near(encoder: PromptEncoder) -> None:
    exact = embed_texts(tiny_model("llama"), encoder, TEXTS)
    near = embed_texts(tiny_model("llama").bfloat16(), encoder, TEXTS)
    rows = [index for index, text in enumerate(TEXTS) if text]
    assert near.dtype == np.float32
    assert (exact[rows] * near[rows]).sum(1).min() > 0.99


def test_nothing_gives_nothing(encoder: PromptEncoder) -> None:
    model = tiny_model("llama")
    assert embed_texts(model, encoder, []).shape == (0, 32)
    assert not embed_texts(model, encoder, ["", ""]).any()
