"""The memory ledger against 192 measured fine-tuning runs on A100-80GB: `python -m benchmarks.memory_check`.

Of the table only the Llama-3-8B rows at batch 4 were looked at to settle constants; everything else is a check.
Writes `benchmarks/results/memory_check.json`.
"""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from sftloop.plan import (
    Adapter,
    Architecture,
    Batch,
    Ledger,
    Parallel,
    Setup,
    calibrated,
    find_config,
    simulate,
)

DATA = Path(os.environ.get("SFTLOOP_BENCH_DATA", "../shared/data"))
RESULT = Path(__file__).parent / "results" / "memory_check.json"
GPU = 81920 * 2**20
SEQUENCE = 4096
PEAK = "mem_peak_torch_mem_alloc_in_bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One measured run and what the ledger says of it."""

    model: str
    framework: str
    gpus: int
    batch: int
    lora: bool
    peak: int
    reserved: int
    architecture: Architecture
    setup: Setup
    ledger: Ledger

    @property
    def error(self) -> float:
        """Of the allocated peak, relative."""
        return self.ledger.peak_allocated / self.peak - 1

    @property
    def reserved_error(self) -> float:
        """Of the reserved median, relative."""
        return self.ledger.reserved.median / self.reserved - 1

    @property
    def covered(self) -> bool:
        """Is the measured reserved memory below the high bound?"""
        return self.reserved <= self.ledger.reserved.high

    @property
    def seen(self) -> bool:
        """Was it looked at while constants were settled?"""
        return self.model == "llama-3-8b" and self.batch == 4 and "GPTQ" not in self.framework


def table(path: Path) -> list[dict[str, str]]:
    """Read the table."""
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def measured_runs(path: Path) -> list[Run]:
    """Return the runs whose peak was measured (the others ran out of memory)."""
    return [_run(row) for row in table(path) if row[PEAK]]


def verdicts(path: Path) -> dict[str, int]:
    """Count how often "fits" agrees with what happened, over all runs of the table."""
    names = {(True, True): "fits, ran", (True, False): "fits, ran out", (False, True): "doesn't fit, ran"}
    counts: Counter[str] = Counter()
    for row in table(path):
        model = _model(row)
        fits = simulate(_architecture(model), _setup(row, model), GPU).fits(GPU)
        counts[names.get((fits, bool(row[PEAK])), "doesn't fit, ran out")] += 1
    return dict(sorted(counts.items()))


def _model(row: dict[str, str]) -> str:
    return "llama-3-8b" if "Llama-3" in row["model_name_or_path"] else "mistral-7b"


def _architecture(model: str) -> Architecture:
    config = find_config(model)
    assert config is not None
    return Architecture.from_config(config, model)


def _run(row: dict[str, str]) -> Run:
    model = _model(row)
    setup, architecture = _setup(row, model), _architecture(model)
    framework = row["framework_config"] + (" (GPTQ)" if "GPTQ" in row["model_name_or_path"] else "")
    return Run(
        model=model,
        framework=framework,
        gpus=int(row["num_gpus"]),
        batch=setup.batch.micro_batch,
        lora=bool(row["peft_method"]),
        peak=int(float(row[PEAK])),
        reserved=int(float(row["mem_nvidia_mem_reserved"]) * 2**20),
        architecture=architecture,
        setup=setup,
        ledger=simulate(architecture, setup, GPU),
    )


def _setup(row: dict[str, str], model: str) -> Setup:
    """Accelerate raises trained bf16 weights to fp32 under FSDP; flash attention repeated Mistral's keys then."""
    lora, gpus, quantised = (
        bool(row["peft_method"]),
        int(row["num_gpus"]),
        "accelerated-peft" in row["framework_config"],
    )
    return Setup(
        method=("qlora" if quantised else "lora") if lora else "full",
        adapter=Adapter(rank=16, targets="qkvo", dropout=float(row["lora_dropout"]) if lora else None),
        optimizer="adamw",
        precision="bf16-mixed" if lora or gpus > 1 else "bf16",
        batch=Batch(micro_batch=int(row["per_device_train_batch_size"]), seq_len=SEQUENCE),
        attention="flash",
        loss="fused" if "liger" in row["framework_config"] else "plain",
        checkpointing=True,
        parallel=Parallel(gpus=gpus, sharding="fsdp" if gpus > 1 else "none"),
        engine="fused",
        expanded_keys=model == "mistral-7b",
    )


def summary(runs: list[Run]) -> dict[str, Any]:
    """Return the errors' medians and 95th percentiles, in percent."""
    errors = sorted(abs(run.error) for run in runs)
    kept = sorted(abs(run.reserved_error) for run in runs)
    return {
        "n": len(runs),
        "allocated_median": round(100 * median(errors), 4),
        "allocated_p95": round(100 * _percentile(errors, 0.95), 4),
        "allocated_max": round(100 * errors[-1], 4),
        "reserved_median": round(100 * median(kept), 2),
        "reserved_p95": round(100 * _percentile(kept, 0.95), 2),
        "reserved_covered": round(100 * sum(run.covered for run in runs) / len(runs), 1),
    }


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def calibration_errors(runs: list[Run]) -> list[float]:
    """Return relative errors of every larger run, predicted from the two smallest batches of its group."""
    groups: dict[tuple[str, str, int, bool], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.model, run.framework, run.gpus, run.lora), []).append(run)
    errors = []
    for group in groups.values():
        first, second, *rest = [*sorted(group, key=lambda run: run.batch), None, None][: len(group) + 2]
        if first is None or second is None:
            continue
        line = calibrated(_point(first), _point(second), _predictor(first))
        errors += [line.at(_point(run)[0]) / run.peak - 1 for run in rest if run is not None]
    return errors


def _predictor(run: Run) -> Callable[[int], int]:
    def predict(tokens: int) -> int:
        batch = replace(run.setup.batch, micro_batch=tokens // SEQUENCE)
        return simulate(run.architecture, replace(run.setup, batch=batch)).peak_allocated

    return predict


def _point(run: Run) -> tuple[int, int]:
    return run.batch * SEQUENCE, run.peak


GROUPS: dict[str, Callable[[Run], bool]] = {
    "one GPU": lambda run: run.gpus == 1,
    "one GPU, full": lambda run: run.gpus == 1 and not run.lora,
    "one GPU, LoRA": lambda run: run.gpus == 1 and run.lora and "peft" not in run.framework,
    "one GPU, four bits": lambda run: run.gpus == 1 and "peft" in run.framework,
    "FSDP": lambda run: run.gpus > 1,
    "FSDP, full": lambda run: run.gpus > 1 and not run.lora,
    "FSDP, LoRA": lambda run: run.gpus > 1 and run.lora and "peft" not in run.framework,
    "FSDP, four bits": lambda run: run.gpus > 1 and "peft" in run.framework,
    "all": lambda run: True,
    "Mistral only": lambda run: run.model == "mistral-7b",
}


def main() -> None:
    path = DATA / "memory" / "a100_80gb_liger.csv"
    runs = measured_runs(path)
    unseen = [run for run in runs if not run.seen]
    groups = {name: summary([run for run in unseen if keep(run)]) for name, keep in GROUPS.items()}
    calibration = calibration_errors(runs)
    print(f"{'unseen runs':22}{'n':>4}  allocated: median    p95    max   reserved: median    p95  covered")
    for name, row in groups.items():
        print(
            f"{name:22}{row['n']:4}{row['allocated_median']:18.3f} {row['allocated_p95']:6.3f} "
            f"{row['allocated_max']:6.3f}{row['reserved_median']:18.1f} {row['reserved_p95']:6.1f} "
            f"{row['reserved_covered']:7.0f}"
        )
    worst = max(map(abs, calibration))
    print(f"Two-batch calibration: {len(calibration)} runs, largest error {100 * worst:.4f} %")
    print(f"Does it fit, over all 192 runs: {verdicts(path)}")
    rows = [
        {
            "model": run.model,
            "framework": run.framework,
            "gpus": run.gpus,
            "lora": run.lora,
            "batch": run.batch,
            "peak": run.peak,
            "predicted": run.ledger.peak_allocated,
            "instant": run.ledger.instant,
            "reserved": run.reserved,
            "predicted_reserved": run.ledger.reserved._asdict(),
        }
        for run in runs
    ]
    content = {
        "unseen": groups,
        "fits": verdicts(path),
        "calibration": {"n": len(calibration), "max_percent": round(100 * worst, 4)},
        "rows": rows,
    }
    RESULT.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
