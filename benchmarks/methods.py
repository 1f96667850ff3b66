"""Every method, optimizer and loss on real data with several seeds: accuracy, parameters, seconds, memory.

Trains by the command line as a user would, one process per training; the test records' labels are scored, and
nothing is written to them. What is finished is kept, so that the table can be made in several sittings:

    python -m benchmarks.methods --data DIR [--table methods|optimizers|losses] [--scenario banking77-15|eprstmt]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.cases import public_data
from sftloop.core.files import atomic_write_json, read_json
from sftloop.core.progress import say
from sftloop.evaluate.metrics import task_metrics
from sftloop.evaluate.predict import predict_records
from sftloop.models import LocalModel
from sftloop.models.device import choose_device, choose_dtype
from sftloop.records import load_split
from sftloop.scenario import load_scenario
from sftloop.workflow.trained import find_weights

_ROOT = Path(__file__).parent.parent
_RESULTS = Path(__file__).parent / "results" / "methods.json"
_HOURS = 6

METHODS = {
    "lora": ["--method", "lora"],
    "full": ["--method", "full"],
    "pissa": ["--method", "pissa"],
    "lora+": ["--method", "lora+"],
    "plora": ["--method", "plora"],
    "ptuning": ["--method", "ptuning"],
    "rslora": ["--method", "lora", "--set", "rslora=true"],
    "dora": ["--method", "lora", "--set", "dora=true"],
    "qlora": ["--method", "qlora"],
    "prefix": ["--method", "prefix"],
    "prompt": ["--method", "prompt"],
    "head": ["--method", "lora", "--set", "head=true"],
}
SEEDED = ("lora", "full", "pissa", "lora+", "plora", "ptuning")
"""Run with three seeds; the others with one."""
OPTIMIZERS = {
    "adamw": ["--set", "optimizer=adamw"],
    "momentum": ["--set", "optimizer=momentum", "--learning-rate", "0.05"],
    "sgd": ["--set", "optimizer=sgd", "--learning-rate", "0.5"],
    "adam-then-momentum": ["--set", "optimizer=adam-then-momentum"],
    "adafactor": ["--set", "optimizer=adafactor"],
}
LOSSES = {
    "tokens": [],
    **{
        f"{name}, {activation}": ["--set", f"head={{loss: {name}, activation: {activation}}}"]
        for name in ("ce", "focal", "mse")
        for activation in ("softmax", "sigmoid")
        if (name, activation) != ("ce", "sigmoid")
    },
}
ONCE = ("sgd",)
"""Rows of these tables that need no second seed: far behind with the first."""
SAME = {("optimizers", "adamw"): "lora", ("losses", "tokens"): "lora", ("losses", "ce, softmax"): "head"}
"""Rows of the table of methods that stand in others too, not trained twice."""
SCENARIOS: dict[str, list[str]] = {
    "banking77-15": [],
    "eprstmt": ["--batch-size", "8"],
}


def main() -> None:
    """Train what isn't trained yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--table", choices=["methods", "optimizers", "losses"], default="methods")
    parser.add_argument("--scenario", choices=[*SCENARIOS], default="banking77-15")
    parser.add_argument("--only", help="comma-separated names of the table")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--runs", type=Path, default=Path("runs/methods"))
    parser.add_argument("--out", type=Path, default=_RESULTS)
    options = parser.parse_args()
    data = public_data(options.data)
    convert = [
        sys.executable,
        str(_ROOT / "examples/bench/convert.py"),
        "--data",
        str(data),
        options.scenario,
    ]
    subprocess.run(convert, check=True)
    rows: list[dict[str, Any]] = read_json(options.out, "earlier results") if options.out.exists() else []
    for seed in range(options.seeds):
        for row in _wanted(options, seed):
            if not any(all(old[key] == row[key] for key in row) for old in rows):
                rows.append(row | (_of_methods(rows, row) or _train(options, row)))
                atomic_write_json(options.out, rows)
    print(
        render([row for row in rows if (row["table"], row["scenario"]) == (options.table, options.scenario)])
    )


def render(rows: list[dict[str, Any]]) -> str:
    """Return a Markdown table, one line per name, the seeds' mean and range."""
    lines = [
        "| | accuracy (95 % interval of the first seed) | seeds | trainable | processor s | peak GB |",
        "|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(row["name"] for row in rows):
        own = [row for row in rows if row["name"] == name]
        good = [row for row in own if "accuracy" in row]
        if not good:
            lines.append(f"| {name} | {own[0]['error']} | | | | |")
            continue
        low, high = good[0]["interval"]
        values = [row["accuracy"] for row in good]
        costs = [row["processor_seconds"] for row in good if "processor_seconds" in row]
        cost = f"{statistics.mean(costs):.0f}" if costs else "–"
        spread = f"{min(values):.3f}–{max(values):.3f} ({len(values)})"
        lines.append(
            f"| {name} | {statistics.mean(values):.3f} [{low:.3f}, {high:.3f}] | {spread} | "
            f"{good[0]['trainable_parameters']:,} | {cost} | "
            f"{max(r['peak_memory_bytes'] for r in good) / 1e9:.2f} |"
        )
    return "\n".join(lines)


def _wanted(options: argparse.Namespace, seed: int) -> list[dict[str, Any]]:
    table = {"methods": METHODS, "optimizers": OPTIMIZERS, "losses": LOSSES}[options.table]
    names = options.only.split(",") if options.only else [*table]
    return [
        {"table": options.table, "scenario": options.scenario, "name": name, "seed": seed}
        for name in names
        if seed == 0 or (name in SEEDED if options.table == "methods" else name not in ONCE)
    ]


def _of_methods(rows: list[dict[str, Any]], row: dict[str, Any]) -> dict[str, Any] | None:
    """Return what the table of methods found for the same training, if it is there."""
    name = SAME.get((row["table"], row["name"]))
    same = {**row, "table": "methods", "name": name}
    for old in rows:
        if all(old[key] == same[key] for key in same):
            return {key: value for key, value in old.items() if key not in same}
    return None


def _train(options: argparse.Namespace, row: dict[str, Any]) -> dict[str, Any]:
    """Train and measure on the test split; return what the table shows, or the error's first line."""
    table = {"methods": METHODS, "optimizers": OPTIMIZERS, "losses": LOSSES}[row["table"]]
    scenario = str(_ROOT / "examples/bench" / row["scenario"])
    run = options.runs / f"{row['table']}-{row['scenario']}-{row['name']}-{row['seed']}"
    say(f"{run.name}")
    resumed, before = run.exists(), _processor_seconds()
    trained = _call(
        ["train", scenario, "--out", str(run), "--seed", str(row["seed"])]
        + SCENARIOS[row["scenario"]]
        + table[row["name"]]
    )
    if "error" in trained:
        return trained
    cost = {} if resumed else {"processor_seconds": round(_processor_seconds() - before, 1)}
    accuracy = _accuracy(Path(scenario), run)
    facts = {
        name: trained[name] for name in ("trainable_parameters", "seconds", "peak_memory_bytes", "steps")
    }
    say(f"{run.name}: {accuracy['value']:.3f}")
    facts["precision"] = str(choose_dtype(choose_device())).removeprefix("torch.")
    return facts | cost | {"accuracy": accuracy["value"], "interval": [accuracy["low"], accuracy["high"]]}


def _accuracy(directory: Path, run: Path) -> dict[str, Any]:
    """Return the test records' accuracy and its interval, from the labels' scores alone."""
    scenario = load_scenario(directory)
    records = load_split(scenario, "test")
    weights = find_weights(scenario.model, run)
    model = LocalModel.load(weights.path, adapter=weights.adapter)
    model.write_choices = False
    predictions = predict_records(model, scenario, records, Path(f"{run}-predictions.jsonl"))
    (task,) = scenario.tasks.values()
    found: dict[str, Any] = task_metrics(task, records, predictions)["metrics"]["accuracy"]
    return found


def _processor_seconds() -> float:
    """Return what the finished child processes have used so far; other load hardly changes it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _call(arguments: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "sftloop", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_HOURS * 3600)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["no message"])[-1][:200]}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
