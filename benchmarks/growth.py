"""How a step's time and memory grow with the prefix and the batch, shared and ordinary: `docs/performance.md`.

Random tokens through a real model, LoRA, one process and one thread per measurement, in processor seconds: other
load hardly changes them. A measurement that would need more memory or minutes than there are is skipped, and the
result says so.

    python -m benchmarks.growth [--models smollm2-135m-instruct,qwen2.5-coder-0.5b-instruct] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.children import reason
from sftloop.core.files import atomic_write_json, read_json
from sftloop.core.progress import say

_RESULTS = Path(__file__).parent / "results" / "growth.json"
PREFIXES = (0, 250, 500, 1000, 2000, 4000, 8000)
BATCHES = (1, 4, 16, 64, 256)
SUFFIX, ANSWER = 40, 8
_USUAL_PREFIX, _USUAL_BATCH = 500, 64
_ORDINARY_BATCH, _SECONDS = 1, 2400.0
"""The ordinary path costs the same per record in any batch: it is timed one by one."""


def main() -> None:
    """Measure what isn't measured yet; every figure is saved as it comes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="smollm2-135m-instruct,qwen2.5-coder-0.5b-instruct")
    parser.add_argument("--out", type=Path, default=_RESULTS)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(**json.loads(options.one))))
        return
    rows: list[dict[str, Any]] = read_json(options.out, "earlier results") if options.out.exists() else []
    done = {_key(row) for row in rows}
    for point in _points(options.models.split(",")):
        if _key(point) in done:
            continue
        rows.append(point | _in_a_process(point))
        atomic_write_json(options.out, rows)
        say(json.dumps(rows[-1]))


def measure(model: str, prefix: int, batch: int, shared: bool) -> dict[str, Any]:
    """Time optimizer steps after one that warms up.

    Args:
        model: name in the catalogue.
        prefix: shared tokens.
        batch: records per step.
        shared: share the prefix, or run every record in full.

    Returns:
        Processor seconds per record and the peak memory in bytes.
    """
    import torch

    from sftloop.core.memory import keep_freed_memory, peak_memory_bytes
    from sftloop.models import resolve_model
    from sftloop.train import LoraMethod, plain_step, prepare, shared_step
    from sftloop.train.examples import Example
    from sftloop.train.fused import fuse
    from sftloop.train.recompute import Recompute
    from sftloop.train.shared import usual_micro_batch_tokens

    keep_freed_memory()
    torch.set_num_threads(1)
    trainable = prepare(resolve_model(model), LoraMethod(rank=16, alpha=32), device="cpu", seed=0)
    fuse(trainable.model)
    recompute = Recompute(trainable.model, always=False)
    draw = random.Random(0)

    def tokens(count: int) -> tuple[int, ...]:
        return tuple(draw.randrange(100, 40_000) for _ in range(count))

    common = tokens(prefix)
    weights = [p for p in trainable.model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=1e-5, fused=True)
    times: list[float] = []
    while len(times) < 2 or (sum(times[1:]) < 10 and len(times) < 6):
        examples = [
            Example(
                record_id=str(i),
                task="t",
                prefix=common,
                prompt=tokens(SUFFIX - ANSWER),
                target=tokens(ANSWER),
            )
            for i in range(batch)
        ]
        began = time.process_time()
        if shared:
            shared_step(
                trainable.model,
                examples,
                micro_batch_tokens=usual_micro_batch_tokens("cpu", trainable.precision),
                precision=trainable.precision,
                recompute=recompute,
            )
        else:
            plain_step(trainable.model, examples, micro_batch=1, precision=trainable.precision)
        optimizer.step()
        optimizer.zero_grad()
        times.append(time.process_time() - began)
    return {
        "seconds_per_record": sum(times[1:]) / len(times[1:]) / batch,
        "steps": len(times) - 1,
        "peak_memory_bytes": peak_memory_bytes(),
    }


def _points(models: list[str]) -> list[dict[str, Any]]:
    points = []
    for model in models:
        for prefix in PREFIXES:
            points.append({"model": model, "prefix": prefix, "batch": _USUAL_BATCH, "shared": True})
            points.append({"model": model, "prefix": prefix, "batch": _ORDINARY_BATCH, "shared": False})
        for batch in BATCHES:
            points.append({"model": model, "prefix": _USUAL_PREFIX, "batch": batch, "shared": True})
    return [point for index, point in enumerate(points) if point not in points[:index]]


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["model"], row["prefix"], row["batch"], row["shared"]


def _in_a_process(point: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.growth", "--one", json.dumps(point)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {"error": f"more than {_SECONDS:.0f} s"}
    if done.returncode:
        return {"error": reason(done.returncode, done.stderr)}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
