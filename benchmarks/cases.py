"""What is trained on: prompts of about 430, about 2,000 and next to no shared tokens, real data where it is there.

Knows scenarios and how many records each way of training gets; doesn't know the systems.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sftloop.core.errors import ExternalError, UsageError, nearest

_ROOT = Path(__file__).parent.parent
_CONVERTER = _ROOT / "examples" / "bench" / "convert.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One set of conversations."""

    name: str
    scenario: str
    """Directory under the repository's `examples`."""
    task: str
    converted: bool
    """Whether the data comes from the public files."""
    batch: int
    """Records per optimizer step."""
    steps: int = 1
    """Timed steps of a shared prefix; the systems that run every record in full get one."""
    micro_batches: tuple[int, ...]
    """Records per forward pass that those systems try; the fastest counts. All fit into 24 GB."""
    note: str | None = None


_WHERE = "Give their directory with --data or SFTLOOP_BENCH_DATA (see examples/bench/README.md)."
_STAND_IN = "stands in for banking77: no public data directory was given"

CASES = {
    case.name: case
    for case in (
        Case(
            name="banking77-15",
            scenario="bench/banking77-15",
            task="intent",
            converted=True,
            batch=64,
            steps=2,
            micro_batches=(8, 2),
        ),
        Case(
            name="banking77",
            scenario="bench/banking77",
            task="intent",
            converted=True,
            batch=64,
            steps=2,
            micro_batches=(2, 1),
        ),
        Case(
            name="instruct",
            scenario="bench/instruct",
            task="reply",
            converted=True,
            batch=64,
            micro_batches=(4, 2, 1),
        ),
        Case(
            name="support",
            scenario="support",
            task="intent",
            converted=False,
            batch=8,
            steps=4,
            micro_batches=(8, 2),
            note=_STAND_IN,
        ),
    )
}


def chosen_cases(names: str | None, data: Path | None) -> list[Case]:
    """Return the cases of a comma-separated list; by default all that the data allows.

    Raises:
        UsageError: an unknown case, or one that needs the data directory.
    """
    if names is None:
        return [case for case in CASES.values() if case.converted == (data is not None)]
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in CASES:
            hint = nearest(name, CASES) or f"There are: {', '.join(CASES)}."
            raise UsageError(f"There is no benchmark case '{name}'.", hint=hint)
        if CASES[name].converted and data is None:
            raise UsageError(f"The case '{name}' needs the public data.", hint=_WHERE)
    return [CASES[name] for name in wanted]


def data_directory(given: Path | None) -> Path | None:
    """Return the directory of the public data: the one given, else `SFTLOOP_BENCH_DATA`, else None.

    Raises:
        UsageError: there is no such directory.
    """
    named = given or (
        Path(os.environ["SFTLOOP_BENCH_DATA"]) if os.environ.get("SFTLOOP_BENCH_DATA") else None
    )
    if named is not None and not named.is_dir():
        raise UsageError(f"There is no data directory '{named}'.", hint="Check --data or SFTLOOP_BENCH_DATA.")
    return named


def public_data(given: Path | None) -> Path:
    """Return the directory of the public data, where nothing can stand in for it.

    Raises:
        UsageError: none was given, or there is no such directory.
    """
    named = data_directory(given)
    if named is None:
        raise UsageError("This benchmark needs the public data.", hint=_WHERE)
    return named


def scenario_directory(case: Case, data: Path | None) -> Path:
    """Return the case's scenario, its records converted from the public data where it needs them.

    Raises:
        ExternalError: the converter failed; the message ends with its own.
    """
    if case.converted:
        name = Path(case.scenario).name
        command = [sys.executable, str(_CONVERTER), "--data", str(data), name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            tail = done.stderr.strip().splitlines()[-1:] or ["it printed nothing."]
            raise ExternalError(f"The records of '{name}' can't be converted: {tail[0]}")
    return _ROOT / "examples" / case.scenario
