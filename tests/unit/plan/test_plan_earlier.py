"""The rough time from earlier runs: tokens times seconds per token, and which runs count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.plan.proposal_cases import facts

from sftloop.workflow.plan_earlier import rough_time

TRAINING = {"method": "lora", "epochs": 2.0, "batch_size": 16}


def write_run(runs: Path, name: str, seconds: float, **more: object) -> None:
    run = runs / name
    (run / "train").mkdir(parents=True)
    manifest = {"inputs": {"model": more.pop("model", "m")}, "steps": {"train": {}}}
    (run / "manifest.json").write_text(json.dumps(manifest))
    result = {"seconds": seconds, "prefix_tokens": 400, "suffix_tokens": 600, "steps": 20, "method": "lora"}
    (run / "train/train.json").write_text(json.dumps({**result, **more}))


def test_tokens_times_seconds_per_token(tmp_path: Path) -> None:
    write_run(tmp_path, "a", 10.0)  # 0.01 s a token
    found = rough_time(facts(160), TRAINING, "m", tmp_path)
    assert found is not None
    assert found["tokens"] == 20 * 200 + 320 * 40, "20 prefixes of 200, 320 records of 40"
    assert found["train"] == {"seconds": 168.0, "low": 112.0, "high": 252.0}, "a third off either way"
    assert found["from"] == [str(tmp_path / "a")]
    in_full = rough_time(facts(160), {**TRAINING, "shared_prefix": False}, "m", tmp_path)
    assert in_full is not None and in_full["tokens"] == 320 * 240


def test_runs_that_differ_widen_the_range(tmp_path: Path) -> None:
    for name, seconds in (("a", 10.0), ("b", 40.0), ("c", 12.0)):
        write_run(tmp_path, name, seconds)
    found = rough_time(facts(160), TRAINING, "m", tmp_path)
    assert found is not None
    assert found["train"]["seconds"] == pytest.approx(201.6)
    assert found["train"]["high"] == pytest.approx(672.0)


def test_runs_that_tell_nothing(tmp_path: Path) -> None:
    write_run(tmp_path, "other-model", 10.0, model="n")
    write_run(tmp_path, "other-method", 10.0, method="full")
    write_run(tmp_path, "too-short", 10.0, steps=3)
    write_run(tmp_path, "damaged", 10.0)
    (tmp_path / "damaged/train/train.json").write_text("{")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/manifest.json").write_text("[]")
    assert rough_time(facts(160), TRAINING, "m", tmp_path) is None
    assert rough_time(facts(160), TRAINING, None, tmp_path) is None
    assert rough_time(facts(160), TRAINING, "m", tmp_path / "nowhere") is None
