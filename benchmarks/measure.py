"""Measures systems on cases, round by round, and keeps what was found.

Every measurement is a process of its own. Rounds are interleaved, so that a machine that slows down slows
everybody down. Doesn't know the command line, the table's form, or how a system trains.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.cases import Case
from benchmarks.children import ChildFailedError, run_child
from benchmarks.peer_environments import peer_python
from benchmarks.runners.job import Job
from benchmarks.systems import System
from benchmarks.table import CaseFacts, Sample, build_rows, results
from sftloop.core.progress import say

TEMPLATES = {"smollm2-135m-instruct": "smollm2", "qwen2.5-coder-0.5b-instruct": "qwen"}
"""The models that can be measured, with LLaMA-Factory's names of their chat templates."""
WARMUP_RECORDS, THREADS, RANK, ALPHA = 16, 2, 16, 32
LEARNING_RATE, SEED = 2e-4, 0
WORTH_REPEATING = 1.15
"""A dtype slower than this times the system's faster one is not measured again."""


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
    model_name: str
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
        turn = [each for each in turn if self._worth_measuring(case, each[0], each[1], self.tried)]
        for repeat in range(self.extent.repeats):
            self._measure_machine(case, scenario)
            for system, dtype, micro in turn if repeat % 2 == 0 else reversed(turn):
                if self._worth_measuring(case, system, dtype, self.samples):
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
            "warmup_records": "a step; where passes are accumulated 16 records",
            "repeats": self.extent.repeats,
        }
        rows = build_rows(self.samples, self.cases, self.peaks, self.tried)
        return results(self.machine, rows, settings=settings)

    def _describe(self, case: Case, scenario: Path) -> None:
        say(f"{case.name}: preparing {self._records(case)} records")
        facts = self.run(Path(sys.executable), "describe", self._job(case, scenario))
        self.cases[case.name] = CaseFacts(
            name=case.name,
            model=self.model_name,
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
        few = max(sizes)
        for size in sizes:
            job = self._job(case, scenario, system, dtype, size)
            job = replace(
                job, records=2 * few, batch=2 * few if system.accumulates else few, warmup_records=few
            )
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

    def _worth_measuring(self, case: Case, system: System, dtype: str, seen: Sequence[Sample]) -> bool:
        """Leave out what failed so far, and the dtype that was clearly the slower one."""
        own = [s for s in seen if (s.case, s.system) == (case.name, system.name) and s.repeat <= 0]
        if dtype not in {s.setting for s in own}:
            return True
        good = [s for s in own if not s.failed]
        best = min((s.facts["seconds_per_record"] for s in good if s.setting == dtype), default=math.inf)
        return best <= WORTH_REPEATING * min((s.facts["seconds_per_record"] for s in good), default=0.0)

    def _records(self, case: Case, system: System | None = None) -> int:
        """Return how many records a system gets: a step to warm up, unless it does so within its first."""
        usual = case.steps if system is None or system.shared_prefix else 1
        steps = self.extent.steps or usual
        return (steps if system and system.accumulates else steps + 1) * case.batch

    def _job(
        self,
        case: Case,
        scenario: Path,
        system: System | None = None,
        dtype: str = "auto",
        micro_batch: int = 1,
    ) -> Job:
        accumulates = system is not None and system.accumulates
        return Job(
            model=str(self.model),
            conversations=str(self.work / f"{case.name}.jsonl"),
            scenario=str(scenario),
            task=case.task,
            work="",
            result="",
            dtype=dtype,
            records=self._records(case, system),
            pool=self._records(case),
            batch=case.batch,
            micro_batch=micro_batch,
            warmup_records=min(WARMUP_RECORDS, case.batch // 2) if accumulates else case.batch,
            threads=THREADS,
            rank=RANK,
            alpha=ALPHA,
            learning_rate=LEARNING_RATE,
            seed=SEED,
            shared_prefix=system.shared_prefix if system else False,
            template=TEMPLATES[self.model_name],
        )
