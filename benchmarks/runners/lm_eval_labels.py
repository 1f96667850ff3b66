"""lm-evaluation-harness scoring (prompt, label) pairs given as tokens. Runs in the harness's environment."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any


def main() -> None:
    """Score every label behind every prompt with each batch size; answer times and normalised probabilities."""
    import torch
    from lm_eval.models.huggingface import HFLM  # type: ignore[import-not-found]

    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(2)
    seconds: dict[int, float] = {}
    scores: list[list[float]] = []
    for batch in asked["batches"]:
        model = HFLM(pretrained=asked["model"], device="cpu", dtype="float32", batch_size=batch)
        _score(model, asked["requests"][:1])
        began = time.monotonic()
        scores = [_score(model, [request]) for request in asked["requests"]]
        seconds[batch] = (time.monotonic() - began) / len(asked["requests"])
    probabilities = [torch.tensor(row).softmax(0).tolist() for row in scores]
    facts = {"version": version("lm_eval"), "seconds_per_record": seconds, "probabilities": probabilities}
    Path(sys.argv[2]).write_text(json.dumps(facts), encoding="utf-8")


def _score(model: Any, requests: list[dict[str, Any]]) -> list[float]:
    pairs = [
        ((f"{number}", f"{index}"), request["prompt"], label)
        for number, request in enumerate(requests)
        for index, label in enumerate(request["labels"])
    ]
    return [score for score, _ in model._loglikelihood_tokens(pairs, disable_tqdm=True)]


if __name__ == "__main__":
    main()
