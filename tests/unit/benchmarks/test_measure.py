"""Which measurements a run makes and in which order, with the processes' times given."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.cases import Case
from benchmarks.children import ChildFailedError
from benchmarks.measure import Bench, Extent
from benchmarks.runners.job import Job
from benchmarks.systems import System

CASE = Case(
    name="c",
    scenario="s",
    task="t",
    converted=False,
    batch=8,
    steps=4,
    micro_batches=(8, 2),
)
SHARED = System(name="sftloop", runner="ours", peer=None, dtypes=("auto",), shared_prefix=True)
OTHER = System(name="other", runner="other", peer=None, dtypes=("fp32", "bf16"), accumulates=True)
DESCRIBED = {
    "prefix_tokens": 4,
    "tokens_per_record": 6.0,
    "flops_per_record": {"shared": 1.0, "ordinary": 2.0},
    "first_losses": {"3": 1.0},
}


@dataclass
class Processes:
    """Stands in for the measuring processes: answers with given times and notes who ran."""

    seconds: dict[tuple[str, int], float]
    """(dtype, micro-batch) → seconds per record of the other system; a missing pair fails."""
    ran: list[tuple[str, str, int, int]] = field(default_factory=list)

    def __call__(self, python: Path, runner: str, job: Job) -> dict[str, Any]:
        if runner == "describe":
            return dict(DESCRIBED)
        if runner == "matrix_peak":
            return {"machine": {}, "matrix_peak_flops": {"fp32": 10.0, "bf16": 5.0}}
        self.ran.append((runner, job.dtype, job.micro_batch, job.records))
        if runner == "ours":
            return answered(1.0, "fp32")
        if (job.dtype, job.micro_batch) not in self.seconds:
            raise ChildFailedError("killed", "")
        return answered(self.seconds[job.dtype, job.micro_batch], job.dtype)


def answered(seconds: float, dtype: str) -> dict[str, Any]:
    return {
        "dtype": dtype,
        "version": "1",
        "records": 16,
        "seconds_per_record": seconds,
        "cpu_seconds_per_record": seconds,
        "disturbance": None,
        "peak_memory_bytes": 1,
        "weights": dtype,
        "losses": [1.0],
        "target_tokens": 3,
    }


def run(
    seconds: dict[tuple[str, int], float], extent: Extent
) -> tuple[Processes, list[dict[str, Any]], Bench]:
    processes, saved = Processes(seconds), []
    bench = Bench(
        extent, Path("model"), "smollm2-135m-instruct", Path("work"), save=saved.append, run=processes
    )
    bench.measure_case(CASE, [SHARED, OTHER], Path("scenario"))
    return processes, saved, bench


def test_each_dtype_keeps_its_fastest_micro_batch_and_the_slow_dtype_is_only_tried() -> None:
    times = {("fp32", 8): 4.0, ("fp32", 2): 2.0, ("bf16", 8): 5.0, ("bf16", 2): 6.0}
    processes, _, bench = run(times, Extent(repeats=3))
    trials = [("other", d, m, 16) for d in ("fp32", "bf16") for m in (8, 2)]
    first = [("ours", "auto", 8, 40), ("other", "fp32", 2, 8)]
    assert processes.ran[: len(trials)] == trials
    assert processes.ran[len(trials) :] == [*first, first[1], first[0], *first]
    rows = {(row["system"], row["dtype"]): row for row in bench.results()["rows"]}
    assert rows["other", "fp32"]["repeats"] == 3
    assert ("other", "bf16") not in rows
    tried = [(trial["dtype"], trial["micro_batch"]) for trial in rows["other", "fp32"]["settings_tried"]]
    assert tried == [("fp32", 8), ("fp32", 2), ("bf16", 8), ("bf16", 2)]


def test_a_micro_batch_that_does_not_fit_is_passed_over() -> None:
    processes, _, bench = run({("fp32", 2): 2.0, ("bf16", 2): 2.1}, Extent(repeats=2))
    assert [micro for system, _, micro, _ in processes.ran[4:] if system == "other"] == [2, 2, 2, 2]
    assert [row["failed"] for row in bench.results()["rows"]] == [0, 0, 0]


def test_what_fails_in_the_first_round_is_not_tried_again() -> None:
    processes, _, bench = run({("fp32", 8): 2.0}, Extent(repeats=3, try_settings=False))
    assert [ran[1] for ran in processes.ran if ran[0] == "other"] == ["fp32", "bf16", "fp32", "fp32"]
    assert bench.results()["rows"][2]["error"] == "killed"


def test_a_given_micro_batch_and_record_count_hold_for_the_ordinary_systems() -> None:
    processes, _, _ = run({("fp32", 4): 2.0, ("bf16", 4): 2.0}, Extent(repeats=1, steps=1, micro_batch=4))
    assert processes.ran == [("ours", "auto", 4, 16), ("other", "fp32", 4, 8), ("other", "bf16", 4, 8)]


def test_results_are_saved_after_every_measurement() -> None:
    _, saved, _ = run({("fp32", 8): 2.0, ("bf16", 8): 2.0}, Extent(repeats=2, try_settings=False))
    assert [len(found["rows"]) for found in saved] == [1, 2, 3, 3, 3, 3]
    assert saved[-1]["machine"]["matrix_peak_flops"] == {"fp32": 10.0, "bf16": 5.0}
