"""Accuracy after the same LoRA training by this package and by TRL: the faster way must reach the same place.

Both train on the same records in the same batches, with the same rank, rate and schedule, in the precision that is
fast here; then one evaluation measures both adapters on the test split. What is finished in `--runs` is kept.
Writes `results/accuracy.json`:

    python -m benchmarks.accuracy --data DIR [--epochs 2] [--seeds 1] [--threads 2]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.cases import CASES, public_data, scenario_directory
from benchmarks.children import run_child
from benchmarks.measure import ALPHA, RANK, THREADS
from benchmarks.peer_environments import peer_python
from benchmarks.runners.job import Job
from sftloop.core.files import atomic_write_json
from sftloop.core.jsonl import write_jsonl
from sftloop.core.progress import say
from sftloop.models.device import choose_dtype

_RESULTS = Path(__file__).parent / "results" / "accuracy.json"
_CASE, _MODEL = CASES["banking77-15"], "smollm2-135m-instruct"
_BATCH, _MICRO, _RATE = 16, 2, 1e-3


def main() -> None:
    """Train with both, evaluate both, compare record by record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--runs", type=Path, default=Path("runs/accuracy"))
    parser.add_argument("--out", type=Path, default=_RESULTS)
    options = parser.parse_args()
    options.runs = options.runs.resolve()
    os.environ |= {"OMP_NUM_THREADS": str(options.threads), "SFTLOOP_THREADS": str(options.threads)}
    scenario = scenario_directory(_CASE, public_data(options.data))
    found = []
    for seed in range(options.seeds):
        ours = _train_here(scenario, options.runs / f"ours-{seed}", options.epochs, seed)
        theirs = _train_there(scenario, options.runs / f"trl-{seed}", options, seed)
        found.append(_compare(scenario, ours, theirs, seed) | {"epochs": options.epochs})
        atomic_write_json(options.out, found)
        say(json.dumps(found[-1]))


def _train_here(scenario: Path, run: Path, epochs: int, seed: int) -> Path:
    settings = ["--rank", RANK, "--alpha", ALPHA, "--learning-rate", _RATE, "--batch-size", _BATCH]
    settings += ["--epochs", epochs, "--seed", seed, "--set", "warmup=0"]
    _sftloop("train", scenario, "--out", run, *settings)
    return run / "train" / "adapter"


def _train_there(scenario: Path, place: Path, options: argparse.Namespace, seed: int) -> Path:
    """Give TRL the batches that this package's plan makes, as one long epoch in order."""
    if (place / "adapter" / "adapter_config.json").exists():
        return place / "adapter"
    import torch

    from sftloop.models import resolve_model
    from sftloop.records import load_split
    from sftloop.records.exporters import export_rows
    from sftloop.scenario import load_scenario
    from sftloop.train.schedule import plan_steps

    loaded = load_scenario(scenario)
    records = load_split(loaded, "train")
    labels = [record.answer.label for record in records if record.answer]
    steps = plan_steps(
        [_CASE.task] * len(records), labels, epochs=options.epochs, batch_size=_BATCH, seed=seed
    )
    rows = [records[index] for step in steps for index in step]
    rows = rows[: len(rows) // _BATCH * _BATCH]
    place.mkdir(parents=True, exist_ok=True)
    write_jsonl(place / "conversations.jsonl", export_rows(rows, loaded, "openai"))
    model = resolve_model(_MODEL)
    job = Job(
        model=str(model),
        conversations=str(place / "conversations.jsonl"),
        scenario=str(scenario),
        task=_CASE.task,
        work="",
        result="",
        dtype="bf16" if choose_dtype("cpu") is torch.bfloat16 else "fp32",
        records=len(rows),
        pool=len(rows),
        batch=_BATCH,
        micro_batch=_MICRO,
        warmup_records=_BATCH,
        threads=options.threads,
        rank=RANK,
        alpha=ALPHA,
        learning_rate=_RATE,
        seed=seed,
        shared_prefix=False,
        template="",
        adapter=str(place / "adapter"),
    )
    facts = run_child(peer_python("trl"), "trl", job)
    first, last = facts["losses"][0], facts["losses"][-1]
    say(f"TRL: {facts['seconds_per_record']:.2f} s/record, losses {first:.3f} … {last:.3f}")
    return place / "adapter"


def _compare(scenario: Path, ours: Path, theirs: Path, seed: int) -> dict[str, Any]:
    from sftloop.evaluate import paired_comparison
    from sftloop.evaluate.predict import read_predictions
    from sftloop.records import load_split
    from sftloop.scenario import load_scenario

    loaded = load_scenario(scenario)
    records = load_split(loaded, "test")
    predictions, measured = [], []
    for adapter in (ours, theirs):
        out = adapter.parent / "evaluated"
        said = _sftloop("eval", scenario, "--model", _MODEL, "--adapter", adapter, "--out", out)
        measured.append(said["tasks"][_CASE.task]["metrics"]["accuracy"])
        predictions.append(read_predictions(Path(said["predictions"])))
    paired = paired_comparison(loaded.tasks[_CASE.task], records, *predictions)
    kept = ("difference", "low", "high", "p", "verdict", "n")
    own = {name: paired[name] for name in kept}
    return {"seed": seed, "sftloop": measured[0], "trl": measured[1], "trl_minus_sftloop": own}


def _sftloop(*arguments: Any) -> dict[str, Any]:
    command = [sys.executable, "-m", "sftloop", *map(str, arguments), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in {0, 1}:
        raise SystemExit(f"{' '.join(command[2:])} ended with {done.returncode}")
    said: dict[str, Any] = json.loads(done.stdout)
    return said


if __name__ == "__main__":
    main()
