"""`sftloop plan time`: the pilots, their forecast, what stays on disk, and the run that is scored against it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import call


def test_a_run_is_forecast_and_scored(own_case: Path) -> None:
    asked = ("--epochs", "4", "--limit", "40")
    result = call("plan", "time", own_case, *asked, "--out", "elsewhere", "--json", cwd=own_case)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert [pilot["share"] for pilot in found["pilots"]] == ["1/100", "1/10"]
    assert all(pilot["steps"] == 4 and pilot["seconds"] > 0 for pilot in found["pilots"])
    assert any("steps: 4 were timed instead" in note for note in found["notes"]), "too small a pilot is said"
    parts = found["forecast"]
    for part in parts.values():
        assert 0 < part["low"] < part["seconds"] < part["high"]
    assert sum(parts[name]["seconds"] for name in ("train", "evaluate", "load_save")) == pytest.approx(
        parts["total"]["seconds"], abs=0.01
    )
    costs = found["model_of_time"]["training"]
    assert costs["rows"] == 8
    assert costs["pairs"]["unit"] == "seconds per pair of tokens"

    again = call("plan", "time", own_case, *asked, "--out", "elsewhere", "--json", cwd=own_case)
    assert json.loads(again.stdout) == found, "what was measured is not measured again"

    finished = call("run", own_case, *asked, "--json", cwd=own_case)
    assert finished.returncode == 0, finished.stderr
    assert "against the forecast" in finished.stderr
    assert "Training steps left: " in finished.stderr
    summary = json.loads(finished.stdout)
    assert len(found["step_seconds"]) == summary["train"]["steps"]
    [score] = [json.loads(line) for line in (own_case / "runs/forecasts.jsonl").read_text().splitlines()]
    assert score["phases"]["train"]["clock"] == pytest.approx(summary["train"]["seconds"], abs=0.01)
    kept = json.loads((Path(own_case / summary["report"]).parent / "forecast.json").read_text())
    assert kept["error"] == score["error"]
    assert score["inside"] is (parts["total"]["low"] <= score["seconds"] <= parts["total"]["high"])


def test_a_pilot_that_was_killed_after_its_first_half_goes_on(own_case: Path) -> None:
    asked = ("--method", "full", "--learning-rate", "0.003", "--epochs", "2", "--out", "forecast")
    first = call("plan", "time", own_case, *asked, "--pilot", "1/100", "--json", cwd=own_case)
    assert first.returncode == 0, first.stderr
    saved = (own_case / "forecast/pilot-1-of-100.json").read_bytes()
    second = call("plan", "time", own_case, *asked, "--json", cwd=own_case)
    assert second.returncode == 0, second.stderr
    assert (own_case / "forecast/pilot-1-of-100.json").read_bytes() == saved
    assert (
        json.loads(second.stdout)["pilots"][0]["seconds"] == json.loads(first.stdout)["pilots"][0]["seconds"]
    )
    assert len(json.loads(second.stdout)["pilots"]) == 2


def test_an_unknown_model_is_refused(own_case: Path, refused: Callable[..., str]) -> None:
    message = refused(
        "plan", "time", own_case, "--model", "qwen99", cwd=own_case, PIP_NO_INDEX="1", SFTLOOP_OFFLINE="1"
    )
    assert "qwen99" in message


@pytest.mark.parametrize("head", [False, True], ids=["written", "head"])
def test_a_handful_of_records_is_timed_too(own_case: Path, head: bool) -> None:
    """All of them make one step of the usual batch; the pilot takes smaller ones."""
    options = ("--set", f"head={json.dumps(head)}", "--out", "forecast")
    result = call("plan", "time", own_case, "--limit", "1", *options, "--json", cwd=own_case)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    saved = json.loads((own_case / "forecast/pilot-1-of-100.json").read_text())
    assert bool(saved["run"]["head_start"]) is head, "heads are taught before the first step"
    assert all(pilot["steps"] == 4 for pilot in found["pilots"])
    assert found["forecast"]["total"]["seconds"] > 0
