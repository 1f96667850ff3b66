"""Where `select attribute` ranks planted harmful records, and whether training without them confirms it.

300 training records of banking77-15, of which 30 get a wrong label and 30 are replaced by open instructions with
any label. Every way to attribute ranks them for the validation split; then the better and the worse half by loss
drop, and a random half, are trained with several seeds and measured on every second test record. What is finished
in `--runs` is not done again. Writes `results/attribution.json`:

    python -m benchmarks.attribution --data DIR [--by loss-drop,gradient-cosine,less] [--seeds 3]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.cases import CASES, public_data, scenario_directory
from sftloop.core.files import atomic_write_json, read_json
from sftloop.core.jsonl import read_jsonl
from sftloop.core.rundir import RunDirectory
from sftloop.core.seeds import derive_seed
from sftloop.curate.baselines import nearest_by_words
from sftloop.curate.quota import best_of_each_label
from sftloop.models import resolve_model
from sftloop.records import Record, load_split, write_records
from sftloop.scenario import Answer, Scenario, choose_training, load_scenario
from sftloop.workflow.proof import prove

_RESULTS = Path(__file__).parent / "results" / "attribution.json"
_PLANTED = 30
"""Records of each kind."""
_TRAINING = {"epochs": 4}


def main() -> None:
    """Plant, attribute, train on halves; write after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--by", default="loss-drop,gradient-cosine,less")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each half; 0: none")
    parser.add_argument("--runs", type=Path, default=Path("runs/attribution"))
    parser.add_argument("--out", type=Path, default=_RESULTS)
    options = parser.parse_args()
    data = public_data(options.data)
    directory = options.runs / "mix"
    plant(scenario_directory(CASES["banking77-15"], data), data, directory)
    scenario = load_scenario(directory)
    records = load_split(scenario, "train")
    found = read_json(options.out, "earlier results") if options.out.exists() else {}
    found["ranks"] = found.get("ranks", {}) | _simple(scenario, records)
    for by in options.by.split(","):
        run = options.runs / by
        command = [sys.executable, "-m", "sftloop", "select", "attribute", str(directory), "--by", by]
        if not (run / "select.json").exists():
            subprocess.run([*command, "--out", str(run)], check=True)
        scores = {
            row["id"]: float(row["score"]) for _, row in read_jsonl(run / "scores.jsonl", what="scores")
        }
        seconds = read_json(run / "select.json", "the selection")["seconds"]
        found["ranks"][by] = aucs(records, scores) | {"seconds": seconds}
        atomic_write_json(options.out, found)
        if by == "loss-drop" and options.seeds:
            found["proof"] = halves(options.runs / "proof", scenario, records, scores, options.seeds)
            atomic_write_json(options.out, found)
    print(json.dumps(found, indent=1))


def plant(source: Path, data: Path, directory: Path) -> None:
    """Write the scenario with its planted records; a record's source says what was done to it."""
    scenario = load_scenario(source)
    draw = random.Random(derive_seed("attribution"))
    records = load_split(scenario, "train")
    labels = [*scenario.tasks["intent"].labels]
    rows = json.loads((data / "instruct" / "alpaca_en_demo.json").read_text(encoding="utf-8"))
    others = draw.sample([row["instruction"] for row in rows if not row["input"]], _PLANTED)
    for place, at in enumerate(draw.sample(range(len(records)), 2 * _PLANTED)):
        old = records[at]
        if place < _PLANTED:
            wrong = draw.choice([label for label in labels if label != old.answer.label])
            changed: dict[str, Any] = {"answer": Answer(label=wrong), "source": "flipped"}
        else:
            changed = {
                "input": {"message": others.pop()},
                "answer": Answer(label=draw.choice(labels)),
                "source": "other",
            }
        records[at] = dataclasses.replace(old, **changed)
    (directory / "data").mkdir(parents=True, exist_ok=True)
    shutil.copy(source / "scenario.yaml", directory)
    write_records(directory / "data/train.jsonl", records)
    write_records(directory / "data/validation.jsonl", load_split(scenario, "validation"))
    write_records(directory / "data/test.jsonl", load_split(scenario, "test")[::2])


def aucs(records: Sequence[Record], scores: Mapping[str, float]) -> dict[str, float]:
    """Return per planted kind how surely one ranks below an untouched record; 0.5 is chance."""
    found = {}
    for kind in ("flipped", "other"):
        asked = [record for record in records if record.source in (kind, "banking77")]
        harmful = [record.source == kind for record in asked]
        found[kind] = round(float(roc_auc_score(harmful, [-scores[r.id] for r in asked])), 4)
    return found


def halves(
    place: Path, scenario: Scenario, records: Sequence[Record], scores: Mapping[str, float], seeds: int
) -> dict[str, Any]:
    """Train on the better, the worse and a random half of each label; return what each reached."""
    half = len(records) // 2
    better = best_of_each_label(records, scores, half)
    kept = {record.id for record in better}
    worse = [record for record in records if record.id not in kept]
    draws = []
    for seed in range(seeds):
        chance = random.Random(derive_seed("half", seed))
        draws.append(best_of_each_label(records, {record.id: chance.random() for record in records}, half))
    sides = {"better half": [better] * seeds, "random half": draws, "worse half": [worse] * seeds}
    settings = {**_TRAINING, "seeds": seeds}
    run = RunDirectory.open(place, verb="benchmark", command=sys.argv, inputs={}, settings=settings)
    (found,) = prove(
        run,
        scenario,
        sides,
        validation=load_split(scenario, "validation"),
        test=load_split(scenario, "test"),
        base=resolve_model(scenario.model),
        choices=choose_training(scenario.training, _TRAINING),
    )
    planted = {name: sum(r.source != "banking77" for r in side[0]) for name, side in sides.items()}
    return found | {"planted": planted}


def _simple(scenario: Scenario, records: Sequence[Record]) -> dict[str, dict[str, float]]:
    """Return what ranking by BM25 to the validation texts, and at random, reaches."""
    texts = [record.text() for record in load_split(scenario, "validation")]
    ranked = nearest_by_words(records, len(records), texts)
    places = {name: -float(place) for place, name in enumerate(ranked)}
    chance = np.random.default_rng(0).random(len(records))
    return {
        "bm25": aucs(records, places),
        "random": aucs(records, dict(zip((r.id for r in records), chance.tolist(), strict=True))),
    }


if __name__ == "__main__":
    main()
