"""Probabilities of 15 labels at evaluation, beside lm-evaluation-harness (hf) on the same tokens.

Both score the labels of the same test messages of banking77-15 with the same model in fp32, each in a process of
its own, in turn. The harness runs every label behind every prompt; it gets the batch size that is fastest for it.
Writes `results/label_scoring.json`:

    python -m benchmarks.label_scoring --data DIR [--records 60] [--peer-records 6] [--repeats 3]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.cases import public_data
from benchmarks.peer_environments import peer_python
from sftloop.core.files import atomic_write_json
from sftloop.core.progress import say

_ROOT = Path(__file__).parent.parent
_RESULTS = Path(__file__).parent / "results" / "label_scoring.json"
_MODEL, _SCENARIO, _TASK = "smollm2-135m-instruct", _ROOT / "examples/bench/banking77-15", "intent"
_BATCHES = (1, 5, 15)


def main() -> None:
    """Measure in turn, compare the probabilities, write the ratio and its spread."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--records", type=int, default=60)
    parser.add_argument("--peer-records", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=_RESULTS)
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ours:
        options.ours.write_text(json.dumps(score(options.records)), encoding="utf-8")
        return
    data = str(public_data(options.data))
    convert = [sys.executable, str(_ROOT / "examples/bench/convert.py"), "--data", data, _SCENARIO.name]
    subprocess.run(convert, check=True, stdout=subprocess.DEVNULL)
    peer = peer_python("lm_eval")
    with tempfile.TemporaryDirectory() as work:
        rounds = [_round(options, peer, Path(work)) for _ in range(options.repeats)]
    ratios = [row["ratio"] for row in rounds]
    middle = sorted(ratios)[len(ratios) // 2]
    found = {"ratio": middle, "spread": [min(ratios), max(ratios)], "rounds": rounds}
    atomic_write_json(options.out, found)
    print(json.dumps({key: found[key] for key in ("ratio", "spread")}))


def _round(options: argparse.Namespace, peer: Path, work: Path) -> dict[str, Any]:
    ours = work / "ours.json"
    command = [sys.executable, "-m", "benchmarks.label_scoring", "--ours", str(ours)]
    subprocess.run([*command, "--records", str(options.records)], check=True)
    mine = json.loads(ours.read_text(encoding="utf-8"))
    asked = {
        "model": mine["model"],
        "requests": mine["requests"][: options.peer_records],
        "batches": _BATCHES,
    }
    (work / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    answer = work / "theirs.json"
    script = str(Path(__file__).parent / "runners" / "lm_eval_labels.py")
    subprocess.run([str(peer), script, str(work / "asked.json"), str(answer)], check=True)
    theirs = json.loads(answer.read_text(encoding="utf-8"))
    pairs = zip(mine["probabilities"], theirs["probabilities"], strict=False)
    worst = max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True))
    seconds = min(theirs["seconds_per_record"].values())
    row = {
        "ratio": seconds / mine["seconds_per_record"],
        "seconds_per_record": mine["seconds_per_record"],
        "peer_seconds_per_record": theirs["seconds_per_record"],
        "peer_version": theirs["version"],
        "largest_difference": worst,
    }
    say(json.dumps(row))
    return row


def score(count: int) -> dict[str, Any]:
    """Score with this package; return time, probabilities, and what was asked in tokens.

    Args:
        count: test records, all with 15 labels.
    """
    import torch

    from sftloop.models import LocalModel, PromptEncoder, TaskTokens, resolve_model
    from sftloop.records import load_split
    from sftloop.scenario import load_scenario

    scenario = load_scenario(_SCENARIO)
    records = load_split(scenario, "test", tasks=[_TASK], limit=count)
    path = resolve_model(_MODEL)
    loaded = LocalModel.load(path, dtype=torch.float32)
    model = LocalModel(loaded.model, loaded.encoder, _MODEL, write_choices=False)
    list(model.predict(scenario, _TASK, records[:4]))
    began = time.monotonic()
    found = {each.id: each.probabilities or {} for each in model.predict(scenario, _TASK, records)}
    seconds = time.monotonic() - began
    tokens = TaskTokens.of(scenario, _TASK, PromptEncoder.from_directory(path))
    tree = tokens.tree
    assert tree is not None
    labels = [[tree.tokens[node] for node in nodes] for nodes in tree.paths]
    return {
        "model": str(path),
        "seconds_per_record": seconds / len(records),
        "probabilities": [[found[record.id][label] for label in tree.labels] for record in records],
        "requests": [{"prompt": tokens.prompt(record), "labels": labels} for record in records],
    }


if __name__ == "__main__":
    main()
