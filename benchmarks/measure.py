"""Measures systems on cases, round by round, and keeps what was found.

Every measurement is a process of its own. Rounds are interleaved, so that a machine that slows down slows
everybody down. Doesn't know the command line, the table's form, or how a system trains.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.cases import Case
from benchmarks.children import ChildFailedError, run_child
from benchmarks.peer_environments import peer_python
from benchmarks.runners.job import Job
from benchmarks.systems import System
from benchmarks.table import CaseFacts, Sample, build_rows, results
from sftloop.core.progress import say

MODEL = "smollm2-135m-instruct"
WARMUP_STEPS, THREADS, RANK, ALPHA = 1, 2, 16, 32
LEARNING_RATE, SEED = 2e-4, 0
WORTH_REPEATING = 1.15
"""After the first round a dtype slower than this times the system's faster one is not measured again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is measured."""

    repeats: int
    steps: int | None = None
    """Timed optimizer steps of every system; None: what the case says."""
    micro_batch: int | None = None
    """Records per forward pass of the ordinary systems; None: the fastest of those the case names."""
    try_settings: bool = True
    """Try the case's micro-batches; otherwise take the first."""


@dataclass(slots=True)
class Bench:
    """One run of the benchmark and what it has found so far."""

    extent: Extent
    model: Path
    work: Path
    save: Callable[[dict[str, Any]], None]
    """Called with the results after every measurement."""
    run: Callable[[Path, str, Job], dict[str, Any]] = run_child
    """Runs one measuring process: interpreter, runner, job."""
    samples: list[Sample] = field(default_factory=list)
    tried: list[Sample] = field(default_factory=list)
    """Short measurements that chose a micro-batch."""
    cases: dict[str, CaseFacts] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)

    def measure_case(self, case: Case, systems: list[System], scenario: Path) -> None:
        """Measure every system on one case."""
        self._describe(case, scenario)
        turn = [
            (system, dtype, self._micro_batch(case, system, dtype, scenario))
            for system in systems
            for dtype in system.dtypes
        ]
        for repeat in range(self.extent.repeats):
            self._measure_machine(case, scenario)
            for system, dtype, micro in turn if repeat % 2 == 0 else reversed(turn):
                if self._worth_measuring(case, system, dtype):
                    job = self._job(case, scenario, system, dtype, micro)
                    self.samples.append(self._measure(case, system, job, repeat))
                    self.save(self.results())

    def results(self) -> dict[str, Any]:
        """Return what is known so far, in the result file's form."""
        settings = {
            "lora_rank": RANK,
            "lora_alpha": ALPHA,
            "lora_targets": "all linear layers",
            "threads": THREADS,
            "warmup_steps": WARMUP_STEPS,
            "repeats": self.extent.repeats,
        }
        rows = build_rows(self.samples, self.cases, self.peaks, self.tried)
        return results(self.machine, rows, settings=settings)

    def _describe(self, case: Case, scenario: Path) -> None:
        say(f"{case.name}: preparing {self._records(case)} records")
        facts = self.run(Path(sys.executable), "describe", self._job(case, scenario))
        self.cases[case.name] = CaseFacts(
            name=case.name,
            model=MODEL,
            prefix_tokens=facts["prefix_tokens"],
            tokens_per_record=facts["tokens_per_record"],
            batch=case.batch,
            flops_per_record=facts["flops_per_record"],
            first_losses=facts["first_losses"],
            note=case.note,
        )

    def _measure_machine(self, case: Case, scenario: Path) -> None:
        facts = self.run(Path(sys.executable), "matrix_peak", self._job(case, scenario))
        for dtype, flops in facts["matrix_peak_flops"].items():
            self.peaks[dtype] = max(flops, self.peaks.get(dtype, 0.0))
        self.machine = {**facts["machine"], "matrix_peak_flops": dict(self.peaks)}

    def _micro_batch(self, case: Case, system: System, dtype: str, scenario: Path) -> int:
        """Return the records per forward pass with which the system is fastest on one timed step."""
        sizes = [self.extent.micro_batch] if self.extent.micro_batch else list(case.micro_batches)
        if system.shared_prefix or not self.extent.try_settings or len(sizes) == 1:
            return sizes[0]
        times: dict[float, int] = {}
        for size in sizes:
            job = self._job(case, scenario, system, dtype, size, records=(WARMUP_STEPS + 1) * case.batch)
            sample = self._measure(case, system, job, repeat=-1)
            self.tried.append(sample)
            if not sample.failed:
                times[sample.facts["seconds_per_record"]] = size
        return times[min(times)] if times else min(sizes)

    def _measure(self, case: Case, system: System, job: Job, repeat: int) -> Sample:
        where = f"round {repeat + 1}" if repeat >= 0 else f"trying micro-batch {job.micro_batch}"
        label = f"{case.name} · {where} · {system.name} {job.dtype}"
        own = {"micro_batch": None if system.shared_prefix else job.micro_batch}
        facts: dict[str, Any]
        try:
            python = peer_python(system.peer) if system.peer else Path(sys.executable)
            facts = self.run(python, system.runner, job) | own
            say(
                f"{label}: {facts['seconds_per_record']:.3f} s/record, "
                f"{facts['peak_memory_bytes'] / 1e9:.2f} GB, first loss {facts['losses'][0]:.4f}"
            )
        except ChildFailedError as error:
            facts = {"error": error.reason} | own
            say(f"{label}: failed, {error.reason}\n{error.log}")
        return Sample(case=case.name, system=system.name, setting=job.dtype, repeat=repeat, facts=facts)

    def _worth_measuring(self, case: Case, system: System, dtype: str) -> bool:
        """Leave out what failed in the first round, and the dtype that was clearly the slower one."""
        first = [s for s in self.samples if (s.case, s.system) == (case.name, system.name) and s.repeat == 0]
        times = {s.setting: s.facts["seconds_per_record"] for s in first if not s.failed}
        if dtype not in {s.setting for s in first}:
            return True
        return dtype in times and times[dtype] <= WORTH_REPEATING * min(times.values())

    def _records(self, case: Case, system: System | None = None) -> int:
        usual = case.steps if system is None or system.shared_prefix else 1
        return (WARMUP_STEPS + (self.extent.steps or usual)) * case.batch

    def _job(
        self,
        case: Case,
        scenario: Path,
        system: System | None = None,
        dtype: str = "auto",
        micro_batch: int = 1,
        records: int | None = None,
    ) -> Job:
        return Job(
            model=str(self.model),
            conversations=str(self.work / f"{case.name}.jsonl"),
            scenario=str(scenario),
            task=case.task,
            work="",
            result="",
            dtype=dtype,
            records=records or self._records(case, system),
            pool=self._records(case),
            batch=case.batch,
            micro_batch=micro_batch,
            warmup_steps=WARMUP_STEPS,
            threads=THREADS,
            rank=RANK,
            alpha=ALPHA,
            learning_rate=LEARNING_RATE,
            seed=SEED,
            shared_prefix=system.shared_prefix if system else False,
        )
