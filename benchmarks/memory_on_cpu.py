"""The memory ledger against tensors counted on this machine: `python -m benchmarks.memory_on_cpu [MODEL …]`.

Steps of our own engine, as `plan memory --calibrate` runs them. Writes `benchmarks/results/memory_on_cpu.json`.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from sftloop.models import resolve_model
from sftloop.plan import Adapter, Architecture, Batch, Ledger, Setup, simulate
from sftloop.plan.line import COMPONENTS
from sftloop.plan.setup import Method, Precision
from sftloop.workflow.plan_calibrate import measure_setup

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


def measure(folder: Path, case: Case) -> dict[str, int]:
    """Return the peak of the second step (the first makes the optimizer's states) and what is known of it."""
    os.environ["SFTLOOP_DTYPE"] = "fp32" if case.precision == "fp32" else "bf16"
    found = measure_setup(folder, _architecture(folder), _setup(case))
    known = {"weights": found.weights, "gradients": found.gradients, "optimizer": found.optimizer}
    rest = found.peak - sum(known.values())
    return {"Total": found.peak, **known, "activations and others": rest}


def predict(folder: Path, case: Case) -> Ledger:
    """Return the ledger of the same step."""
    return simulate(_architecture(folder), _setup(case))


def _architecture(folder: Path) -> Architecture:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return Architecture.from_config(config, folder.name)


def _setup(case: Case) -> Setup:
    return Setup(
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


def main(names: list[str]) -> None:
    os.environ["SFTLOOP_DEVICE"] = "cpu"
    rows = []
    for name in names or list(MODELS):
        folder = resolve_model(name)
        for case in CASES:
            ledger, measured = predict(folder, case), measure(folder, case)
            total = measured.pop("Total")
            error = ledger.peak_allocated / total - 1
            rows.append({"model": name, "case": asdict(case), "predicted": ledger.peak_allocated,
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
