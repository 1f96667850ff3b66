"""A scenario whose random model reads characters, one token each, so that any format's text can be told apart.

The model answers by no more than the prompt's form; since nearly all records have one label, some formats are far
better than others.
"""

from __future__ import annotations

import json
import random
import string
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from tests.tiny_models import tiny_model

YAML = """\
# Which lamp is on
name: lamps
model: MODEL

tasks:  # one of them
  lamp:
    kind: choice
    input: [text]
    instruction: Which one?
    labels: {red: It is red., green: It is green., blue: It is blue.}
    max_answer_tokens: 12
data: {train: train.jsonl, validation: validation.jsonl, test: test.jsonl}
"""
_TEMPLATE = "{% for m in messages %}{{ m['content'] }}~{% endfor %}{% if add_generation_prompt %}^{% endif %}"


def character_tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer that has printable ASCII and line breaks."""
    signs = ["<unk>", "</s>", *string.printable[:95], "\n"]
    core = Tokenizer(models.WordLevel({sign: number for number, sign in enumerate(signs)}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex("[\\s\\S]"), "isolated")
    core.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="</s>", unk_token="<unk>")
    tokenizer.chat_template = _TEMPLATE
    return tokenizer


def write_character_case(directory: Path, *, frequent: str, validation: int = 40, test: int = 30) -> Path:
    """Write scenario, records and model; `frequent` is the label of nine records in ten."""
    directory.mkdir(parents=True, exist_ok=True)
    model = tiny_model("llama")
    model.config.max_position_embeddings = 2048
    model.save_pretrained(directory / "model")
    character_tokenizer().save_pretrained(directory / "model")
    (directory / "scenario.yaml").write_text(YAML.replace("MODEL", str(directory / "model")))
    for split, count in {"train": 6, "validation": validation, "test": test}.items():
        draw = random.Random(split)
        rows = [_row(draw, split, number, frequent) for number in range(count)]
        (directory / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return directory


def _row(draw: random.Random, split: str, number: int, frequent: str) -> dict:
    rare = [label for label in ("red", "green", "blue") if label != frequent]
    label = frequent if number % 10 else rare[number // 10 % 2]
    text = "".join(draw.choice(string.ascii_lowercase) for _ in range(6)) + str(number)
    return {"id": f"{split}-{number}", "task": "lamp", "input": {"text": text}, "answer": {"label": label}}
