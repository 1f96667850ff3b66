"""A file is written whole or not at all; what can't be read is named with the reason."""

from __future__ import annotations

import codecs
import errno
import hashlib
import os
from pathlib import Path

import pytest

from sftloop.core.errors import DataError, ExternalError
from sftloop.core.files import (
    atomic_write_json,
    atomic_write_text,
    atomic_writer,
    disk_errors,
    read_json,
    read_text,
    sha256_file,
    sha256_json,
)
from sftloop.core.jsonl import JsonlAppender


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_text_arrives_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "text.txt"
    atomic_write_text(path, "eins\nzwei 三\r\n")
    assert path.read_bytes() == "eins\nzwei 三\r\n".encode()
    assert names(path.parent) == ["text.txt"]


def test_permissions_are_those_of_an_ordinary_file(tmp_path: Path) -> None:
    (tmp_path / "ordinary").write_text("x")
    atomic_write_text(tmp_path / "atomic", "x")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_an_existing_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "private"
    path.write_text("old")
    path.chmod(0o600)
    atomic_write_text(path, "new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_one(tmp_path: Path, there: bool) -> None:
    target, link = tmp_path / "elsewhere" / "target", tmp_path / "link"
    target.parent.mkdir()
    if there:
        target.write_text("old")
    link.symlink_to(target)
    atomic_write_text(link, "new")
    assert link.is_symlink() and target.read_text() == "new" and not target.is_symlink()
    assert names(target.parent) == ["target"]


def test_a_pipe_or_folder_is_refused_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    (tmp_path / "folder").mkdir()
    for name, reason in (("pipe", "no ordinary file"), ("link", "no ordinary file"), ("folder", "a folder")):
        with pytest.raises(ExternalError, match=f"Can't write '.*{name}': it is {reason}"):
            atomic_write_text(tmp_path / name, "new")
    with pytest.raises(ExternalError, match="it is no ordinary file"):
        JsonlAppender(pipe)
    assert pipe.is_fifo() and names(tmp_path) == ["folder", "link", "pipe"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    path = tmp_path / "kept.txt"
    path.write_text("old")
    with pytest.raises(failure), atomic_writer(path) as stream:
        stream.write("new " * 50_000)
        raise failure
    assert path.read_text() == "old"
    assert names(tmp_path) == ["kept.txt"]


def test_a_reader_meanwhile_sees_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "read.txt"
    path.write_text("old")
    with atomic_writer(path) as stream:
        stream.write("new")
        stream.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_a_value_that_is_no_json_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    atomic_write_json(path, {"名": [1, 2.5]})
    with pytest.raises(TypeError):
        atomic_write_json(path, {"bad": object()})
    assert read_json(path, "a value") == {"名": [1, 2.5]}
    assert "名" in path.read_text(encoding="utf-8")


def test_a_folder_that_can_not_be_made_is_an_external_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    target = tmp_path / "file" / "below" / "a.txt"
    with pytest.raises(ExternalError) as caught:
        atomic_write_text(target, "x")
    assert str(target) in caught.value.message
    assert os.strerror(errno.ENOTDIR) in caught.value.message
    assert "again" in caught.value.hint


def test_a_directory_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(ExternalError, match="taken"):
        atomic_write_text(tmp_path / "taken", "x")
    assert names(tmp_path) == ["taken"]


def test_a_full_disk_is_an_external_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    full = Path("/dev/full")
    with pytest.raises(ExternalError, match=r"Can't write '/dev/full': No space left on device\.") as caught:
        with disk_errors(full), full.open("w") as stream:
            stream.write("x")
    assert isinstance(caught.value.__cause__, OSError)


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(codecs.BOM_UTF8 + "name: 店铺".encode())
    assert read_text(path, "the scenario") == "name: 店铺"


def test_gbk_is_named_with_byte_and_line(tmp_path: Path) -> None:
    path = tmp_path / "gbk.yaml"
    path.write_bytes("name: shop\nsystem: 你好\n".encode("gbk"))
    with pytest.raises(DataError) as caught:
        read_text(path, "the scenario")
    assert caught.value.message == f"'{path}' (the scenario) is not UTF-8: byte 0xc4 on line 2."
    assert "iconv -f GBK" in caught.value.hint


def test_utf_16_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "utf16.yaml"
    path.write_text("name: shop\n", encoding="utf-16")
    with pytest.raises(DataError, match=r"is not UTF-8: byte 0xf[ef] on line 1"):
        read_text(path, "the scenario")


@pytest.mark.parametrize("content", [b"", b" \n\t\n", codecs.BOM_UTF8])
def test_empty_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.yaml"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"empty\.yaml' \(the scenario\) is empty"):
        read_text(path, "the scenario")


def test_missing_and_directory_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere' \(the scenario\) does not exist"):
        read_text(tmp_path / "nowhere", "the scenario")
    with pytest.raises(DataError, match="can't be read: Is a directory"):
        read_text(tmp_path, "the scenario")


def test_malformed_json_is_named_with_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text('{"a": 1,\n  b: 2}')
    with pytest.raises(DataError, match=r"run\.json:2:3: malformed JSON \(a run's manifest\)"):
        read_json(path, "a run's manifest")


def test_hash_of_a_file_is_sha256sum(tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(b"ab" * 800_000)
    assert sha256_file(path) == hashlib.sha256(b"ab" * 800_000).hexdigest()


def test_hash_of_a_value_ignores_the_order_of_keys_only() -> None:
    assert sha256_json({"a": 1, "b": [1, 2]}) == sha256_json({"b": [1, 2], "a": 1})
    assert sha256_json({"b": [1, 2]}) != sha256_json({"b": [2, 1]})
    assert sha256_json({"a": 1}) != sha256_json({"a": "1"})
    assert sha256_json({}) == hashlib.sha256(b"{}").hexdigest()
