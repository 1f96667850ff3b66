"""`sftloop prompt improve --formats` on a tiny model: what it finds, going on after a kill, what it refuses."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sftloop.scenario import load_scenario, render_system
from tests.character_case import write_character_case
from tests.command import SFTLOOP, call, environment, without_stamps

PATIENCE_SECONDS = 90
SEARCH = (
    "prompt",
    "improve",
    ".",
    "--formats",
    "--factor",
    "labels",
    "--factor",
    "answer",
    "--records",
    "400",
)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scenario whose model answers by letter far better than by name."""
    return write_character_case(tmp_path_factory.mktemp("lamps"), frequent="green")


@pytest.fixture(scope="module")
def found(case: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """A search that was killed amid its answers and started again, and its result."""
    place = tmp_path_factory.mktemp("search") / "case"
    shutil.copytree(case, place, ignore=shutil.ignore_patterns("model"))
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        [*SFTLOOP, *SEARCH, "--out", "run"], cwd=place, env=environment(), stdout=quiet, stderr=quiet
    )
    end = time.monotonic() + PATIENCE_SECONDS
    while not (kept := _answers(place)) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=PATIENCE_SECONDS)
    result = call(*SEARCH, "--out", "run", "--json", cwd=place)
    assert result.returncode == 0, result.stderr
    assert kept, "nothing was answered before the kill"
    after = _answers(place)
    for path, lines in kept.items():
        assert after[path][: len(lines) - 1] == lines[:-1], "an answer was asked for again"
    return place, json.loads(result.stdout)


def _answers(place: Path) -> dict[Path, list[str]]:
    found = {path: path.read_text().split("\n") for path in place.glob("run/formats/*/*.jsonl")}
    return {path: lines for path, lines in found.items() if len(lines) > 1}


def test_a_better_format_is_found_proved_and_tested(found: tuple[Path, dict]) -> None:
    place, result = found
    assert [one["name"] for one in result["variants"]] == [
        "names · plain",
        "names · json",
        "letters · plain",
        "letters · json",
    ]
    assert result["factors"] == {"labels": ["names", "letters"], "answer": ["plain", "json"]}
    assert result["n"] == {"halving": 20, "held_out": 20, "final": 20}
    decision = result["decision"]
    assert decision["accepted"].startswith("letters")
    assert "better than the present format" in decision["text"]
    assert "优于现有格式" in decision["zh"]["text"]
    compared = {one["name"]: one["tasks"]["lamp"] for one in result["finalists"]}
    taken = compared[decision["accepted"]]
    assert taken["verdict"] == "better"
    assert taken["p"] <= taken["p_adjusted"] < 0.05
    assert result["detectable"]["lamp"]["n"] == 20
    assert result["test"]["opened"] == 1
    assert result["test"]["tasks"]["lamp"]["n"] == result["test"]["n"] == 30
    assert len(list(place.glob("run/formats/*/test-*.jsonl"))) == 2, "the test was opened for others too"
    letters, names = (effect for effect in result["effects"][0]["levels"][::-1])
    assert letters["mean"] > names["mean"]
    for one in result["variants"]:
        assert one["prefix_tokens"]["lamp"] > 50
        assert one["tokens"]["prompt"] > one["prefix_tokens"]["lamp"]
        assert 0 <= one["tasks"]["lamp"]["format_valid"] <= 1


def test_no_round_saw_a_held_out_record(found: tuple[Path, dict]) -> None:
    place, _ = found
    seen: dict[str, set[str]] = {"halving": set(), "held-out": set()}
    for which, ids in seen.items():
        for path in place.glob(f"run/formats/*/{which}.jsonl"):
            ids |= {json.loads(line)["id"] for line in path.read_text().splitlines()}
    assert seen["halving"]
    assert seen["held-out"]
    assert not seen["halving"] & seen["held-out"]


def test_the_same_command_says_the_same_and_apply_writes_the_format(found: tuple[Path, dict]) -> None:
    place, first = found
    before = (place / "scenario.yaml").read_text()
    result = call(*SEARCH, "--out", "run", "--json", "--apply", cwd=place)
    assert result.returncode == 0, result.stderr
    second = json.loads(result.stdout)
    assert (place / second["applied"]["backup"]).read_text() == before
    stamps = {"applied": first["applied"]}
    assert without_stamps(second | stamps) == without_stamps(first)
    after = (place / "scenario.yaml").read_text()
    assert after == (place / first["improved"]).read_text()
    added = [line for line in after.splitlines() if line not in before.splitlines()]
    assert [f"+{line}" for line in added] == [
        line for line in first["diff"].splitlines() if line.startswith("+") and not line.startswith("+++")
    ]
    accepted = next(one for one in first["variants"] if one["name"] == first["decision"]["accepted"])
    written = load_scenario(place)
    assert written.format.labels == accepted["format"]["labels"] == "letters"
    assert "- A. red: It is red." in render_system(written, written.tasks["lamp"])
    page = (place / "run/formats.html").read_text()
    assert first["decision"]["text"].partition(":")[0] in page


def test_what_is_no_better_is_not_accepted_and_the_test_stays_closed(case: Path, tmp_path: Path) -> None:
    place = tmp_path / "case"
    shutil.copytree(case, place, ignore=shutil.ignore_patterns("model"))
    narrow = (*SEARCH[:4], "--factor", "answer", "--records", "80", "--out", "run", "--apply")
    before = (place / "scenario.yaml").read_bytes()
    result = call(*narrow, cwd=place)
    assert result.returncode == 0, result.stderr
    assert "The present format stays" in result.stdout
    assert "The test records were not opened" in result.stdout
    assert list(place.rglob("run/formats/*/test-*.jsonl")) == []
    assert (place / "scenario.yaml").read_bytes() == before


REFUSED = [
    (["--formats", "--factor", "lables"], ["no factor 'lables'", "'labels'"]),
    (["--formats", "--factor", "reason"], ["Nothing can vary", "'reason'"]),
    (["--formats", "--records", "20"], ["room for 20 answers", "--factor"]),
    (["--formats", "--task", "lamps"], ["lamps", "lamp"]),
    (["--formats", "--writer", "m"], ["--writer is not for --formats"]),
    (["--factor", "labels"], ["--factor belongs to --formats"]),
    (["--formats", "--budget", "1"], ["--budget", "no model is behind one"]),
    (["--formats", "--price", "m=1,2"], ["--price names 'm'"]),
]


@pytest.mark.parametrize(("arguments", "told"), REFUSED)
def test_what_makes_no_sense_is_refused(
    case: Path, tmp_path: Path, refused: Callable[..., str], arguments: list[str], told: list[str]
) -> None:
    place = tmp_path / "case"
    shutil.copytree(case, place, ignore=shutil.ignore_patterns("model"))
    message = refused("prompt", "improve", ".", *arguments, "--out", tmp_path / "run", cwd=place)
    assert all(each in message for each in told), message


def test_too_few_records_are_refused(case: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    place = tmp_path / "case"
    shutil.copytree(case, place, ignore=shutil.ignore_patterns("model"))
    lines = (place / "validation.jsonl").read_text().splitlines(keepends=True)
    (place / "validation.jsonl").write_text("".join(lines[:5]))
    message = refused("prompt", "improve", ".", "--formats", cwd=place)
    assert "5 validation records are too few" in message
