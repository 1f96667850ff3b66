"""The memory ledger against tensors counted on this machine: `python -m benchmarks.memory_on_cpu [MODEL …]`.

Steps of our own engine while every operation's tensors are counted by storage, from the moment they are made until
they are freed. What a kernel takes for a moment within itself isn't seen. (torch's own MemTracker can't: it wants
a gradient of every parameter.) Writes `benchmarks/results/memory_on_cpu.json`.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sftloop.models import resolve_model
from sftloop.plan import Adapter, Architecture, Batch, Setup, simulate
from sftloop.plan.line import COMPONENTS
from sftloop.plan.setup import Method, Precision
from sftloop.train.examples import Example
from sftloop.train.methods import METHODS, prepare
from sftloop.train.step_memory import measure_step

RESULT = Path(__file__).parent / "results" / "memory_on_cpu.json"
MODELS = ("smollm2-135m-instruct",)
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
PREFIX, SUFFIX, TARGET = 150, 40, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is measured."""

    method: Method
    precision: Precision
    micro_batch: int = 2
    passes: int = 2
    prefix: int = PREFIX
    checkpointing: bool = False


CASES = [
    Case(method=method, precision=precision)
    for precision in ("fp32", "bf16-mixed")
    for method in ("lora", "full", "ptuning")
] + [
    Case(method="lora", precision="fp32", prefix=0, micro_batch=4, passes=1),
    Case(method="lora", precision="bf16-mixed", checkpointing=True),
]  # fmt: skip


def examples(case: Case, count: int) -> list[Example]:
    """Return records of one shape: a shared prefix, own tokens, a target at their end."""
    rows = []
    for index in range(count):
        prompt = tuple((7 * index + token) % 1000 + 10 for token in range(SUFFIX - TARGET + 1))
        target = tuple((11 * index + token) % 1000 + 10 for token in range(TARGET))
        rows.append(_example(case, prompt, target))
    return rows


def _example(case: Case, prompt: tuple[int, ...], target: tuple[int, ...]) -> Example:
    prefix = tuple(token % 997 + 10 for token in range(case.prefix))
    return Example(record_id="r", task="t", prefix=prefix, prompt=prompt, target=target)


def measure(folder: Path, case: Case) -> dict[str, int]:
    """Return the peak of the second step (the first makes the optimizer's states) and what is known of it."""
    dtype = torch.float32 if case.precision == "fp32" else torch.bfloat16
    found = measure_step(
        prepared(folder, case, dtype),
        examples(case, case.micro_batch * case.passes),
        micro_batch_tokens=case.micro_batch * SUFFIX,
        recompute=case.checkpointing,
    )
    known = {"weights": found.weights, "gradients": found.gradients, "optimizer": found.optimizer}
    rest = found.peak - sum(known.values())
    return {"Total": found.peak, **known, "activations and others": rest}


def prepared(folder: Path, case: Case, dtype: torch.dtype) -> Any:
    """Load the model as the trainer would in that dtype."""
    os.environ["SFTLOOP_DTYPE"] = "fp32" if dtype is torch.float32 else "bf16"
    return prepare(folder, METHODS[case.method](), device="cpu", seed=0)


def predict(folder: Path, case: Case) -> Any:
    """Return the ledger of the same step."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    setup = Setup(
        method=case.method,
        adapter=Adapter(rank=16, targets="all"),
        optimizer="adamw",
        precision=case.precision,
        batch=Batch(
            micro_batch=case.micro_batch,
            seq_len=case.prefix + SUFFIX,
            prefix_len=case.prefix,
            accumulation=case.passes,
            answer_len=TARGET,
        ),
        attention="sdpa",
        loss="chunked",
        checkpointing=case.checkpointing,
        engine="sftloop-cpu",
    )
    return simulate(Architecture.from_config(config, folder.name), setup)


def main(names: list[str]) -> None:
    rows = []
    for name in names or list(MODELS):
        folder = resolve_model(name)
        for case in CASES:
            ledger, measured = predict(folder, case), measure(folder, case)
            total = measured.pop("Total")
            error = ledger.peak_allocated / total - 1
            rows.append({"model": name, "case": repr(case), "predicted": ledger.peak_allocated,
                         "measured": total, "error_percent": round(100 * error, 2), "instant": ledger.instant,
                         "components": ledger.components(), "categories": measured})  # fmt: skip
            print(f"{name} {case.method} {case.precision} micro {case.micro_batch} prefix {case.prefix} "
                  f"checkpointing {case.checkpointing}: predicted {ledger.peak_allocated / 1e6:.1f} MB, "
                  f"measured {total / 1e6:.1f} MB, {100 * error:+.2f} % at {ledger.instant}")  # fmt: skip
            print("   ", {name: round(ledger.components()[name] / 1e6, 1) for name in COMPONENTS})
            print("   ", {name: round(size / 1e6, 1) for name, size in measured.items()}, flush=True)
    RESULT.write_text(
        json.dumps({"torch": torch.__version__, "rows": rows}, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
