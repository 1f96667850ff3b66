"""Forecasts of whole runs against the clock: `python -m benchmarks.time_check [--cases A,B] [--repeats N]`.

Each case is forecast and then run, in processes of their own: forecast by the clock and in processor seconds,
which other work on a shared machine disturbs less. Goes on where it was stopped; a case that is done is skipped.
Writes `results/time_check.json`: errors of the forecasts from 1/100 and from 1/10 of the data, and how many
intervals covered the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sftloop.core.files import atomic_write_json
from sftloop.core.progress import say

_ROOT = Path(__file__).parent.parent
_RESULT = Path(__file__).parent / "results" / "time_check.json"
_CLOCKS = {"clock": time.perf_counter, "processor": time.process_time}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A run to forecast."""

    scenario: str
    """Directory under `examples`."""
    limit: int
    """Records per task and split."""
    training: dict[str, Any] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()


CASES = {
    "banking15-lora": Case(
        scenario="bench/banking77-15", limit=150, training={"method": "lora", "epochs": 2, "batch_size": 16}
    ),
    "banking15-lora-8": Case(
        scenario="bench/banking77-15", limit=300, training={"method": "lora", "epochs": 2, "batch_size": 8}
    ),
    "banking15-ptuning": Case(
        scenario="bench/banking77-15",
        limit=300,
        training={"method": "ptuning", "epochs": 3, "batch_size": 32},
    ),
    "banking15-full": Case(
        scenario="bench/banking77-15", limit=300, training={"method": "full", "epochs": 3, "batch_size": 16}
    ),
    "banking15-unshared": Case(
        scenario="bench/banking77-15",
        limit=90,
        training={"method": "lora", "epochs": 1, "batch_size": 8, "shared_prefix": False},
    ),
    "banking77-lora": Case(
        scenario="bench/banking77", limit=300, training={"method": "lora", "epochs": 2, "batch_size": 16}
    ),
    "support-full": Case(
        scenario="support", limit=500, training={"method": "full", "epochs": 2.5, "batch_size": 8}
    ),
    "support-lora": Case(
        scenario="support", limit=200, training={"method": "lora", "epochs": 2, "batch_size": 16}
    ),
    "urgency-lora": Case(
        scenario="support",
        limit=120,
        training={"method": "lora", "epochs": 2, "batch_size": 16},
        tasks=("urgency",),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", default=",".join(CASES), help="comma-separated")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("/tmp/sftloop-time-check"))
    parser.add_argument("--child", nargs=2, metavar=("WHAT", "CASE"), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        what, name = options.child
        _child(what, name, options.out)
        return
    rows = json.loads(_RESULT.read_text(encoding="utf-8"))["rows"] if _RESULT.exists() else []
    for repeat in range(options.repeats):
        for name in options.cases.split(","):
            if any(row["case"] == name and row["repeat"] == repeat for row in rows):
                continue
            rows.append(_measured(name, repeat, options.work / f"{name}-{repeat}"))
            atomic_write_json(_RESULT, {"cores": os.cpu_count(), "summary": _summary(rows), "rows": rows})
    for line in _lines(rows):
        say(line)


def _measured(name: str, repeat: int, work: Path) -> dict[str, Any]:
    """Forecast and run one case; what an earlier process finished is kept."""
    found: dict[str, Any] = {"case": name, "repeat": repeat}
    for part in (*_CLOCKS, "run"):
        answer = work / f"{part}.json"
        if not answer.exists():
            shutil.rmtree(work / part, ignore_errors=True)
            work.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", "benchmarks.time_check", "--child", part, name]
            load = os.getloadavg()[0]
            subprocess.run([*command, "--out", str(answer)], cwd=_ROOT, env=_environment(), check=True)
            say(f"{name}: {part} done, load {load:.1f} → {os.getloadavg()[0]:.1f}")
        found[part] = json.loads(answer.read_text(encoding="utf-8"))
    for clock in _CLOCKS:
        seconds = found["run"][clock]
        for pilot in found[clock]["pilots"]:
            total = pilot["total"]
            pilot["error"] = round(seconds / total["seconds"] - 1, 4)
            pilot["inside"] = total["low"] <= seconds <= total["high"]
    return found


def _child(what: str, name: str, out: Path) -> None:
    """Forecast or run a case in this process, and write what came of it."""
    case = CASES[name]
    place = out.with_suffix("")
    arguments: dict[str, Any] = {"tasks": case.tasks or None, "limit": case.limit, "out": place}
    scenario = _ROOT / "examples" / case.scenario
    began = {clock: read() for clock, read in _CLOCKS.items()}
    if what == "run":
        from sftloop.workflow.run import run_scenario

        summary = run_scenario(scenario, case.training, **arguments)
        taken = {clock: round(read() - began[clock], 2) for clock, read in _CLOCKS.items()}
        atomic_write_json(out, {**taken, "steps": summary["train"]["steps"], "phases": summary["seconds"]})
        return
    from sftloop.workflow.plan_time import plan_time

    result = plan_time(scenario, case.training, clock=_CLOCKS[what], **arguments)
    kept = ("pilots", "phases", "notes", "model_of_time")
    atomic_write_json(out, {key: result[key] for key in kept})


def _environment() -> dict[str, str]:
    quiet = {"HF_HUB_OFFLINE": "1", "GOMP_SPINCOUNT": "10000", "TOKENIZERS_PARALLELISM": "false"}
    return {**os.environ, **quiet, "OPENBLAS_NUM_THREADS": "1"}


def _summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for clock in _CLOCKS:
        for place, share in enumerate(("1/100", "1/10")):
            pilots = [row[clock]["pilots"][place] for row in rows if len(row[clock]["pilots"]) > place]
            if pilots:
                errors = sorted(abs(pilot["error"]) for pilot in pilots)
                found[f"{clock}, {share}"] = {
                    "n": len(pilots),
                    "median_error": statistics.median(errors),
                    "largest_error": errors[-1],
                    "covered": sum(pilot["inside"] for pilot in pilots) / len(pilots),
                }
    return found


def _lines(rows: list[dict[str, Any]]) -> list[str]:
    lines = [
        f"{row['case']} #{row['repeat']}: "
        + "; ".join(
            f"{clock} {row['run'][clock]:.0f} s, "
            + ", ".join(f"{pilot['share']} {pilot['error']:+.1%}" for pilot in row[clock]["pilots"])
            for clock in _CLOCKS
        )
        for row in rows
    ]
    return lines + [
        f"{name}: median {part['median_error']:.1%}, largest {part['largest_error']:.1%}, "
        f"covered {part['covered']:.0%} of {part['n']}"
        for name, part in _summary(rows).items()
    ]


if __name__ == "__main__":
    main()
