"""A disk that is full or fills up midway: exit code 3, one message, and with room the run goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import patience
from tests.command import SFTLOOP, call, environment, without_stamps

SHORT = ("--epochs", "2", "--json")


@dataclass(frozen=True)
class SmallDisk:
    """A file system of its own, as large as `resize` says."""

    path: Path

    def resize(self, kilobytes: int) -> None:
        patience.run(["mount", "-o", f"remount,size={kilobytes}k", self.path], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4k", "sftloop-test", path]
    try:
        done = patience.run(command)
    except FileNotFoundError:
        pytest.skip("there is no mount command here, so no small disk")
    if done.returncode:
        pytest.skip(f"no small disk may be mounted here: {done.stderr.strip()}")
    yield SmallDisk(path)
    patience.run(["umount", path], check=True)


def test_a_run_survives_a_disk_that_is_full_again_and_again(
    tiny_case: Path, tmp_path: Path, disk: SmallDisk
) -> None:
    """It runs out of room while it writes predictions, the best weights, a checkpoint and its result."""
    whole = call("run", tiny_case, *SHORT, "--out", "whole", cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    run = disk.path / "run"
    for kilobytes in (4, 16, 80, 220, 340):
        disk.resize(kilobytes)
        result = call("run", tiny_case, *SHORT, "--out", run, cwd=tmp_path)
        assert result.returncode == 3, (kilobytes, result.stderr)
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        assert sum(line.startswith("Error: ") for line in result.stderr.splitlines()) == 1
        assert str(run) in result.stderr and "again" in result.stderr
        assert not (run / "summary.json").exists()
        json.loads((run / "manifest.json").read_text())
    disk.resize(100_000)
    result = call("run", tiny_case, *SHORT, "--out", run, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert without_stamps(json.loads(result.stdout)) == without_stamps(json.loads(whole.stdout))


def test_an_import_into_a_full_disk_leaves_the_records_as_they_were(own_case: Path, disk: SmallDisk) -> None:
    disk.resize(24)
    for name in ("scenario.yaml", "train.jsonl"):
        (disk.path / name).write_bytes((own_case / name).read_bytes())
    table = own_case / "more.csv"
    table.write_text("text,label\n" + "".join(f"w51 w{number},w31\n" for number in range(60, 159)))
    before = (disk.path / "train.jsonl").read_bytes()
    options = ("--task", "kind", "--map", "text=text", "--map", "label=label", "--split", "train")
    result = call("import", disk.path, table, *options, cwd=own_case)
    assert result.returncode == 3, result.stderr
    assert "No space left on device" in result.stderr and "Traceback" not in result.stderr
    assert (disk.path / "train.jsonl").read_bytes() == before
    assert sorted(path.name for path in disk.path.iterdir()) == ["scenario.yaml", "train.jsonl"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_standard_output_on_a_full_disk(tiny_case: Path) -> None:
    command = [*SFTLOOP, "prompt", "show", str(tiny_case), "--task", "kind"]
    with Path("/dev/full").open("w") as full:
        done = patience.run(command, stdout=full, env=environment())
    assert done.returncode == 3, done.stderr
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
