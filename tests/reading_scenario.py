"""A scenario of three labels whose definitions say too little: parcels are never mentioned, so they go astray."""

from __future__ import annotations

import json
from pathlib import Path

YAML = """\
# Messages to a shop.
name: shop
model: reader
system: You sort messages to a shop.
tasks:
  intent:
    kind: choice
    input: [message]
    instruction: Which label fits the message?
    labels:
      refund: Asks about money due back.   # the first of equals
      delivery:
        means: Asks where an order stays.
        not: [complaints without a question]   # near misses
      product: {means: Asks about colour or size.}
data: {validation: validation.jsonl, test: test.jsonl}
"""
GOOD = "Asks where an order or parcel stays."
HARMFUL = "Asks about money due back, or about any colour or size."
_TEXTS = {
    "refund": ("money for the {n} thing", "money back, number {n}"),
    "delivery": ("order {n} please", "parcel {n} please", "parcel {n} again"),
    "product": ("colour of item {n}", "size of item {n}"),
}


def write_reading_scenario(directory: Path, *, per_label: int = 18, tag: str = "", key: bool = False) -> Path:
    """Write scenario and records; `tag` marks all of product's, `key` makes the task one that must not lose."""
    directory.mkdir(parents=True, exist_ok=True)
    text = YAML.replace("    kind: choice\n", "    kind: choice\n    key: true\n") if key else YAML
    (directory / "scenario.yaml").write_text(text)
    for split in ("validation", "test"):
        rows = [
            _row(split, label, number, tag if label == "product" else "")
            for label in _TEXTS
            for number in range(per_label)
        ]
        (directory / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return directory


def _row(split: str, label: str, number: int, tag: str) -> dict:
    texts = _TEXTS[label]
    row = {
        "id": f"{split}-{label}-{number}",
        "task": "intent",
        "input": {"message": texts[number % len(texts)].format(n=f"{split[0]}{number}")},
        "answer": {"label": label},
    }
    return row | ({"tags": [tag]} if tag else {})
