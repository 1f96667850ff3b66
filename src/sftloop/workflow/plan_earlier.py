"""A rough forecast of the training's time from earlier trainings of the same model by the same method.

Tokens alone, no pilot: `plan time` measures. Reads the runs that lie where runs are written by default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from sftloop.core.errors import DataError
from sftloop.core.files import read_json
from sftloop.core.rundir import MANIFEST
from sftloop.plan.facts import Facts

_SPREAD = 1.5
"""Factor that a single earlier run may be off by: lengths, evaluation, other load."""
_FEWEST_STEPS = 10


class Earlier(NamedTuple):
    """One finished training."""

    run: str
    seconds_per_token: float


def rough_time(
    facts: Facts, training: Mapping[str, Any], model_hash: str | None, runs: Path
) -> dict[str, Any] | None:
    """Return seconds with a range, or None where no earlier training tells.

    Args:
        facts: tokens and records.
        training: the proposed settings.
        model_hash: of the base model, as runs' manifests have it.
        runs: where runs lie.
    """
    found = list(_earlier(runs, model_hash, str(training["method"]))) if model_hash else []
    if not found:
        return None
    tokens = _tokens(facts, training)
    each = sorted(run.seconds_per_token * tokens for run in found)
    middle = median(each)
    return {
        "train": {
            "seconds": round(middle, 1),
            "low": round(min(each[0], middle / _SPREAD), 1),
            "high": round(max(each[-1], middle * _SPREAD), 1),
        },
        "tokens": tokens,
        "from": [run.run for run in found],
    }


def _tokens(facts: Facts, training: Mapping[str, Any]) -> int:
    """Tokens that the whole training runs through the model, the prefix once a step where it is shared."""
    records = facts.total * float(training["epochs"])
    steps = ceil(records / int(training["batch_size"]))
    prefixes = records if training.get("shared_prefix") is False or training.get("dropout") else steps
    return round(prefixes * facts.tokens.prefix_mean + records * facts.tokens.own)


def _earlier(runs: Path, model_hash: str, method: str) -> Iterator[Earlier]:
    for file in sorted(runs.glob(f"*/{MANIFEST}")):
        try:
            manifest = read_json(file, "a run's manifest")
            if manifest["inputs"].get("model") != model_hash or "train" not in manifest["steps"]:
                continue
            result = read_json(file.parent / "train" / "train.json", "a training's result")
            tokens = result["prefix_tokens"] + result["suffix_tokens"]
            if result["method"] == method and tokens and result["steps"] >= _FEWEST_STEPS:
                yield Earlier(str(file.parent), result["seconds"] / tokens)
        except (DataError, KeyError, TypeError, AttributeError):
            continue  # not a run of ours, or a damaged one: it tells nothing
