"""A scenario and a tokenizer small enough to train on in seconds: words w3 … w159, one token each."""

from __future__ import annotations

import json
import random
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from sftloop.models import PromptEncoder
from sftloop.scenario import Scenario, load_scenario
from tests.tiny_models import VOCABULARY, tiny_model

YAML = """\
name: tiny
model: model
system: w10 w11 w12
tasks:
  kind:
    kind: choice
    input: [text]
    instruction: w13 w14
    labels: {w30: w15 w16, w31: w17 w18, w32: w19 w20}
  both:
    kind: multi
    input: [text]
    instruction: w21
    labels: {w40: w22 w23, w41: w24 w25}
    answer: {format: json}
data: {train: train.jsonl, validation: validation.jsonl, test: test.jsonl}
training: {epochs: 10, learning_rate: 0.01, batch_size: 12, rank: 8, alpha: 16}
"""
TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}> {{ m.content }} </s> {% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
_PUNCTUATION = [*'{}[]",:.;-<>()', "labels", "label", '":', '",', '"}', "]}", '["', '"]}', '":[', *"A7乙«"]


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Return a word-level tokenizer with a chat template; unknown words become `<unk>`."""
    words = ["<unk>", "<s>", "</s>", *(f"w{n}" for n in range(3, VOCABULARY - len(_PUNCTUATION) - 6))]
    words += ["<system>", "<user>", "<assistant>", *_PUNCTUATION]
    table = {word: index for index, word in enumerate(dict.fromkeys(words))}
    core = Tokenizer(models.WordLevel(table, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split('"', "isolated")]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token="</s>", unk_token="<unk>", bos_token="<s>"
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def tiny_encoder() -> PromptEncoder:
    """Return the tokenizer ready for prompts."""
    return PromptEncoder(tiny_tokenizer())


def scenario(directory: Path | None = None) -> Scenario:
    """Load the scenario; without a directory from a throw-away one."""
    if directory is not None:
        return load_scenario(directory)
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as temporary:
        (Path(temporary) / "scenario.yaml").write_text(YAML)
        return load_scenario(Path(temporary))


def write_scenario(directory: Path, architecture: str = "llama") -> Path:
    """Write scenario, records and a random model whose task can be learned: w50+k in the text decides."""
    directory.mkdir(parents=True, exist_ok=True)
    model = directory / "model"
    tiny_model(architecture).save_pretrained(model)
    tiny_tokenizer().save_pretrained(model)
    (directory / "scenario.yaml").write_text(YAML.replace("model: model", f"model: {model}"))
    for split, count in {"train": 96, "validation": 12, "test": 24}.items():
        draw = random.Random(split)
        rows = [_row(draw, split, number) for number in range(count)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (directory / f"{split}.jsonl").write_text(text)
    return directory


def _row(draw: random.Random, split: str, number: int) -> dict:
    kind = number % 3
    noise = [f"w{draw.randrange(60, 120)}" for _ in range(draw.randint(0, 2))]
    text = " ".join([f"w{50 + kind}", *noise])
    if number % 4 == 3:
        answer = {"labels": [["w40"], ["w41"], ["w40", "w41"]][kind]}
        return {"id": f"{split}-{number}", "task": "both", "input": {"text": text}, "answer": answer}
    answer = {"label": f"w{30 + kind}"}
    return {"id": f"{split}-{number}", "task": "kind", "input": {"text": text}, "answer": answer}
