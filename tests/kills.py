"""`python -m tests.kills [--kills 20]`: `kill -9` at random moments of whole runs, and the results stay the same.

For each method a run to its end, then one that is killed again and again at a random moment and started with the
same command each time. Losses, weights and predictions must equal those of the untouched run, bit for bit.
The test suite kills a few times; this is for many.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.command import SFTLOOP, environment, without_stamps
from tests.patience import finish, kill, start
from tests.tiny_scenario import write_scenario

METHODS = {
    "full": ["--method", "full", "--learning-rate", "0.003"],
    "lora": ["--method", "lora"],
    "plora": ["--method", "plora", "--set", "period=2"],
}
_EXACT = ("train/history.json", "before/predictions.jsonl", "after/predictions.jsonl")


def main() -> None:
    """Kill, go on, compare; say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    with TemporaryDirectory() as place:
        case = write_scenario(Path(place) / "case")
        for index, (name, arguments) in enumerate(METHODS.items()):
            kills = (options.kills + index) // len(METHODS)
            whole, killed = case / f"{name}-whole", case / f"{name}-killed"
            began = time.monotonic()
            finish(_start(case, whole, arguments))
            seconds = time.monotonic() - began
            moments = [
                _kill(case, killed, arguments, draw.uniform(0.2, 0.95) * seconds) for _ in range(kills)
            ]
            last = _start(case, killed, arguments)
            finish(last)
            differing = [f"exit code {last.returncode}"] if last.returncode else []
            differing += _differences(whole, killed)
            hit = [moment for moment in moments if moment]
            during = ", ".join(sorted(set(hit)))
            print(f"{name}: {len(hit)} kills during {during}; differing: {differing or 'nothing'}")


def _start(case: Path, out: Path, arguments: list[str]) -> subprocess.Popen[bytes]:
    command = [*SFTLOOP, "run", str(case), "--out", str(out), *arguments]
    quiet = subprocess.DEVNULL
    return start(command, cwd=case, env=environment(), stdout=quiet, stderr=quiet)


def _kill(case: Path, out: Path, arguments: list[str], after: float) -> str | None:
    """Start, kill after so many seconds, and return what was going on; None if it was over before."""
    process = _start(case, out, arguments)
    time.sleep(after)
    if process.poll() is not None:
        return None
    kill(process)
    return _stage(out)


def _stage(out: Path) -> str:
    if not (out / "manifest.json").exists():
        return "loading"
    for name, stage in (
        ("after", "evaluation after"),
        ("train", "training"),
        ("before", "evaluation before"),
    ):
        if (out / name).exists():
            return stage
    return "the linear baseline"


def _differences(whole: Path, killed: Path) -> list[str]:
    """Return what isn't the same in the two runs."""
    found = [name for name in _EXACT if _stable(whole / name) != _stable(killed / name)]
    for weights in whole.glob("train/*/*.safetensors"):
        other = killed / weights.relative_to(whole)
        if not other.exists() or other.read_bytes() != weights.read_bytes():
            found.append(str(weights.relative_to(whole)))
    return found


def _stable(path: Path) -> object:
    """Return a file's content without times; predictions in the order of their ids."""
    if path.suffix == ".json":
        rows = json.loads(path.read_text())
    else:
        rows = sorted(map(json.loads, path.read_text().splitlines()), key=lambda row: str(row["id"]))
    return without_stamps(rows)


if __name__ == "__main__":
    main()
