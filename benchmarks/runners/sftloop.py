"""This package's trainer on the same records: shared prefix, or its ordinary path.

Uses the trainer as the `train` verb does, with its defaults; validation is left out.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import torch

from benchmarks.runners.job import Job, answer, read_job
from benchmarks.runners.step_clock import StepClock, install, peak_memory_bytes
from benchmarks.runners.workload import load_workload
from sftloop.core.memory import keep_freed_memory
from sftloop.train.methods import LoraMethod, Trainable, prepare
from sftloop.train.settings import TrainSettings
from sftloop.train.trainer import train


def main() -> None:
    job = read_job()
    keep_freed_memory()
    workload = load_workload(job)
    method = LoraMethod(rank=job.rank, alpha=job.alpha)
    trainable = prepare(Path(job.model), method, device="cpu", seed=job.seed)
    clock = StepClock(job.batch)
    install(clock)
    loading_peak = peak_memory_bytes()  # the trainer starts its own count anew
    train(
        trainable,
        method,
        workload.examples,
        _settings(job),
        directory=Path(job.work) / "run",
        validate=lambda model: {"score": 0.0},
    )
    facts = clock.facts(warmup_records=job.warmup_records)
    facts |= {"version": version("sftloop"), "dtype": _dtype(trainable)}
    first = [workload.examples[index] for index in workload.order[: job.batch]]
    facts["target_tokens"] = sum(len(example.target) for example in first)
    answer(job, {**facts, "peak_memory_bytes": max(loading_peak, peak_memory_bytes())})


def _settings(job: Job) -> TrainSettings:
    settings = TrainSettings(
        epochs=job.records / job.pool,  # the first steps of the epoch that the conversations are in order of
        learning_rate=job.learning_rate,
        batch_size=job.batch,
        seed=job.seed,
        shared_prefix=job.shared_prefix,
    )
    return settings if job.shared_prefix else replace(settings, micro_batch=job.micro_batch)


def _dtype(trainable: Trainable) -> str:
    """Name the dtype of the matrix products."""
    chosen = trainable.precision or next(trainable.model.parameters()).dtype
    return {torch.bfloat16: "bf16", torch.float32: "fp32"}[chosen]


if __name__ == "__main__":
    main()
