"""`select prune` proved by training: banking77's 10,003 messages to 1,000, beside random and balanced choices.

Writes a scenario of all training messages and every second test message, answered by a scoring head, then calls
the command line as a user would. A head reads no label names, so intents are numbered and the prompt is short:
nine trainings end in hours on two cores. What is finished in `--runs` is not done again. Writes
`results/pruning.json`:

    python -m benchmarks.pruning --data DIR [--n 1000] [--seeds 3] [--runs runs/pruning]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from benchmarks.cases import public_data
from benchmarks.filtering import banking_messages
from sftloop.core.files import atomic_write_json, atomic_write_text, read_json
from sftloop.core.seeds import derive_seed
from sftloop.records import Record, write_records
from sftloop.scenario import Answer

_RESULTS = Path(__file__).parent / "results" / "pruning.json"
_VALIDATION = 154
"""So many training messages are set aside, drawn at random, to pick each training's best epoch."""
_TRAINING = ["--set", "head={dropout: 0.1}", "--batch-size", "32", "--epochs", "3"]


def main() -> None:
    """Write the scenario, select, train all and write what was reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--runs", type=Path, default=Path("runs/pruning"))
    parser.add_argument("--out", type=Path, default=_RESULTS)
    options = parser.parse_args()
    scenario = options.runs / "banking77-all"
    write_scenario(scenario, public_data(options.data), options.model)
    run = options.runs / f"prune-{options.n}"
    command = [sys.executable, "-m", "sftloop", "select", "prune", str(scenario), "--n", str(options.n)]
    command += ["--prove", "--against", "random", "--against", "balanced", "--seeds", str(options.seeds)]
    subprocess.run([*command, *_TRAINING, "--out", str(run)], check=True)
    facts = read_json(run / "select.json", "the selection")
    atomic_write_json(options.out, {name: facts[name] for name in ("n_in", "n_out", "trained", "proof")})
    print(json.dumps(facts["proof"], indent=1))


def write_scenario(directory: Path, data: Path, model: str) -> None:
    """Write the scenario and its three splits: train, what is set aside of it for validation, and test."""
    messages = {split: banking_messages(data, split) for split in ("train", "test")}
    intents = sorted({intent for _, intent in messages["train"]})
    numbers = {intent: f"{number:02}" for number, intent in enumerate(intents, start=1)}
    train, test = (
        [
            Record(
                id=f"{split}-{row:05}",
                task="intent",
                input={"message": text},
                answer=Answer(label=numbers[intent]),
            )
            for row, (text, intent) in enumerate(messages[split], start=1)
        ]
        for split in ("train", "test")
    )
    aside = {r.id for r in sorted(train, key=lambda r: derive_seed("aside", r.id))[:_VALIDATION]}
    task: dict[str, Any] = {
        "kind": "choice",
        "input": ["message"],
        "instruction": "Choose the label for what the customer of a bank writes about.",
        "labels": dict.fromkeys(numbers.values(), ""),
    }
    case = {
        "name": "banking77-all",
        "model": model,
        "prompt": {"order": "instruction_first"},
        "data": {name: f"data/{name}.jsonl" for name in ("train", "validation", "test")},
        "tasks": {"intent": task},
    }
    atomic_write_text(directory / "scenario.yaml", yaml.safe_dump(case, sort_keys=False))
    write_records(directory / "data/train.jsonl", [record for record in train if record.id not in aside])
    write_records(directory / "data/validation.jsonl", [record for record in train if record.id in aside])
    write_records(directory / "data/test.jsonl", test[::2])


if __name__ == "__main__":
    main()
