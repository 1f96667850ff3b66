"""A directory belongs to one run: the same run goes on, another is refused and told what differs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.patience import kill, start

from sftloop.core.errors import DataError, ExternalError, UsageError
from sftloop.core.rundir import MANIFEST, RunDirectory

INPUTS = {"scenario": "5ce", "test": "7e5"}
SETTINGS = {"split": "test", "limit": None, "tasks": ["intent"]}


def open_run(path: Path, **changes: Any) -> RunDirectory:
    options = {"verb": "eval", "command": ["sftloop", "eval"], "inputs": INPUTS, "settings": SETTINGS}
    return RunDirectory.open(path, **{**options, **changes})


def test_a_new_run_says_what_it_is(tmp_path: Path) -> None:
    run = open_run(tmp_path / "deep" / "run", command=["sftloop", "eval", "shop"])
    manifest = json.loads((run.path / MANIFEST).read_text())
    assert manifest["verb"] == "eval"
    assert manifest["command"] == ["sftloop", "eval", "shop"]
    assert (manifest["inputs"], manifest["settings"]) == (INPUTS, SETTINGS)
    assert {"python", "torch", "transformers", "sftloop"} <= set(manifest["versions"])
    assert manifest["machine"]["cores"] == os.cpu_count()
    assert manifest["steps"] == {}
    assert run.file("before/metrics.json") == run.path / "before" / "metrics.json"


def test_the_same_run_goes_on_where_it_was(tmp_path: Path) -> None:
    first = open_run(tmp_path / "run")
    assert not first.step_done("before")
    first.mark_done("before", seconds=1.5)
    again = open_run(tmp_path / "run", command=["another", "terminal"])
    assert again.step_done("before")
    assert not again.step_done("train")
    assert again.manifest["steps"]["before"]["seconds"] == 1.5
    assert again.manifest["command"] == ["sftloop", "eval"]
    assert again.manifest["started"] == first.manifest["started"]


DIFFERENT = {
    "verb": ({"verb": "train"}, "verb"),
    "input": ({"inputs": {**INPUTS, "test": "0dd"}}, "test"),
    "more inputs": ({"inputs": {**INPUTS, "adapter": "ada"}}, "adapter"),
    "setting": ({"settings": {**SETTINGS, "limit": 5}}, "limit"),
    "two": ({"inputs": {"scenario": "new", "test": "7e5"}, "settings": {}}, "scenario, limit, split, tasks"),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_different_run_is_refused_by_name(tmp_path: Path, name: str) -> None:
    changes, words = DIFFERENT[name]
    path = tmp_path / "run"
    open_run(path).mark_done("before")
    manifest = (path / MANIFEST).read_bytes()
    with pytest.raises(UsageError) as caught:
        open_run(path, **changes)
    assert caught.value.message == f"'{path}' holds a different run: {words} changed since."
    assert "--out" in caught.value.hint
    assert (path / MANIFEST).read_bytes() == manifest


def test_a_run_that_wrote_nothing_makes_room_for_another(tmp_path: Path) -> None:
    path = tmp_path / "run"
    open_run(path)
    (path / "train").mkdir()
    assert open_run(path, settings={}).manifest["settings"] == {}
    (path / "predictions.jsonl").write_text("{}\n")
    with pytest.raises(UsageError, match="holds a different run"):
        open_run(path)


def test_a_foreign_directory_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(UsageError, match="is not empty and holds no run of sftloop") as caught:
        open_run(tmp_path)
    assert "--out" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    assert open_run(tmp_path).path == tmp_path


def test_a_first_write_that_was_killed_is_no_foreign_file(tmp_path: Path) -> None:
    (tmp_path / f".{MANIFEST}.k3y.part").write_text('{"verb": "ev')
    assert not open_run(tmp_path).step_done("before")


def test_a_file_in_the_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("x")
    with pytest.raises(UsageError, match="holds no run"):
        open_run(tmp_path / "run")
    with pytest.raises(ExternalError, match="Not a directory"):
        open_run(tmp_path / "run" / "below")


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run"
    open_run(path)
    (path / MANIFEST).write_text('{"verb": "eval",')
    with pytest.raises(DataError, match=rf"{MANIFEST}:1:\d+: malformed JSON \(a run's manifest\)"):
        open_run(path)


@pytest.mark.parametrize("content", ["[]", '"text"', "{}", '{"name": "web app", "icons": []}'])
def test_another_programs_manifest_is_no_run(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(UsageError, match="holds no run of sftloop"):
        open_run(tmp_path)
    assert (tmp_path / MANIFEST).read_text() == content


def test_one_process_at_a_time_works_in_it(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from sftloop.core.locks import Claim\n"
        f"held = Claim.on(Path({str(tmp_path)!r})); print('there', flush=True); time.sleep(100)"
    )
    other = start([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert other.stdout is not None and other.stdout.readline() == b"there\n"
    with pytest.raises(UsageError, match="Another process works in"):
        open_run(tmp_path)
    kill(other)
    first = open_run(tmp_path)
    open_run(tmp_path)  # parts of one process share it
    del first


def test_a_run_of_another_version_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = open_run(tmp_path)
    run.mark_done("one")
    open_run(tmp_path)
    assert "begun by" not in capsys.readouterr().err
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    manifest["versions"]["sftloop"] = "0.0.9"
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    open_run(tmp_path)
    assert "was begun by sftloop 0.0.9" in capsys.readouterr().err
