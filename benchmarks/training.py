"""`python -m benchmarks.training`: seconds per record and peak memory of LoRA fine-tuning, system by system.

Reads the command line, chooses cases and systems, writes the result file after every measurement and prints
the table. What is measured and how: README.md beside this file.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.cases import CASES, chosen_cases, data_directory, scenario_directory
from benchmarks.measure import TEMPLATES, Bench, Extent
from benchmarks.peer_environments import peer_python
from benchmarks.systems import SYSTEMS, chosen_systems
from benchmarks.table import render, with_other_cases
from sftloop.core.errors import SftloopError, UsageError
from sftloop.core.files import atomic_write_json, read_json
from sftloop.core.progress import say

_RESULTS = Path(__file__).parent / "results"
_REPEATS = 3


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except SftloopError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("Interrupted; what was measured so far is saved.", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace) -> int:
    from sftloop.models import resolve_model

    extent = _extent(options)
    data = data_directory(options.data)
    systems, cases = chosen_systems(options.systems), chosen_cases(options.cases, data)
    for case in cases:
        if options.micro_batch and case.batch % options.micro_batch:
            wrong = f"--micro-batch must divide the batch of {case.name}, {case.batch}"
            raise UsageError(f"{wrong}; got {options.micro_batch}.")
    for peer in dict.fromkeys(system.peer for system in systems if system.peer):
        peer_python(peer)
    out = options.out or _RESULTS / ("quick.json" if options.quick else "training.json")
    with TemporaryDirectory(prefix="sftloop-bench-") as work:
        model = resolve_model(options.model, log=say)
        earlier = read_json(out, "an earlier run's results") if out.exists() else {}
        bench = Bench(
            extent,
            model,
            options.model,
            Path(work),
            save=lambda found: atomic_write_json(out, with_other_cases(found, earlier)),
        )
        for case in cases:
            bench.measure_case(case, systems, scenario_directory(case, data))
    rows = bench.results()["rows"]
    print(render(rows))
    say(f"Written: {out}")
    return 1 if any("error" in row for row in rows) else 0


def _extent(options: argparse.Namespace) -> Extent:
    for name, value in (("--steps", options.steps), ("--repeats", options.repeats)):
        if value is not None and value < 1:
            raise UsageError(f"{name} must be at least 1, got {value}.")
    return Extent(
        repeats=options.repeats or (1 if options.quick else _REPEATS),
        steps=options.steps or (1 if options.quick else None),
        micro_batch=options.micro_batch,
        try_settings=not options.quick,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--data", type=Path, help="directory of the public data (else SFTLOOP_BENCH_DATA)")
    parser.add_argument("--model", choices=[*TEMPLATES], default=next(iter(TEMPLATES)))
    parser.add_argument("--systems", help=f"comma-separated, of: {', '.join(SYSTEMS)} (default all)")
    parser.add_argument("--cases", help=f"comma-separated, of: {', '.join(CASES)}")
    parser.add_argument("--repeats", type=int, help=f"rounds (default {_REPEATS})")
    parser.add_argument("--steps", type=int, help="timed optimizer steps of every system")
    parser.add_argument("--micro-batch", type=int, help="records per forward pass of the ordinary systems")
    parser.add_argument("--quick", action="store_true", help="one round of one timed step, to quick.json")
    parser.add_argument("--out", type=Path, help="result file (default benchmarks/results/training.json)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
