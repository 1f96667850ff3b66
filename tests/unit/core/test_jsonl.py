"""JSON Lines: every error names file and line, a torn last line is cut, whole files or none."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftloop.core.errors import DataError, ExternalError
from sftloop.core.jsonl import JsonlAppender, dump_line, parse_line, read_jsonl, write_jsonl


def test_lines_are_numbered_as_an_editor_does(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(codecs.BOM_UTF8 + b'{"a": 1}\n\n   \n{"a": 2}\r\n{"a": 3}')
    assert list(read_jsonl(path)) == [(1, {"a": 1}), (4, {"a": 2}), (5, {"a": 3})]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b'{"a": 1,}', "malformed JSON at column 9"),
        (b'{"a": "open', "malformed JSON at column 12"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "malformed JSON: nested too deeply"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "malformed JSON: Exceeds the limit (4300 digits)"),
        (b"[1, 2]", "expected one JSON object per line, got list"),
        (b'"text"', "expected one JSON object per line, got str"),
        ('{"a": "你好"}'.encode("gbk"), "not UTF-8 (byte 0xc4 at column 8)"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, bad: bytes, words: str) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(b'{"a": 1}\n\n' + bad + b'\n{"a": 2}\n')
    rows = read_jsonl(path)
    assert next(rows) == (1, {"a": 1})
    with pytest.raises(DataError) as caught:
        next(rows)
    assert caught.value.message.startswith(f"{path}:3: ")
    assert words in caught.value.message


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_empty_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"data\.jsonl' \(records\) is empty"):
        list(read_jsonl(path, what="records"))


def test_missing_and_directory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        list(read_jsonl(tmp_path / "nowhere.jsonl"))
    with pytest.raises(DataError, match="can't be read: Is a directory"):
        list(read_jsonl(tmp_path))


def test_reading_is_streaming(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"a": 1}\nnot json\n')
    assert next(read_jsonl(path)) == (1, {"a": 1})


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
rows = st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), values, max_size=4)


@given(rows)
def test_a_row_is_one_line_and_comes_back(row: dict) -> None:
    line = dump_line(row)
    assert line.encode().count(b"\n") == 1
    assert parse_line(line.encode(), "here") == row


def test_writing_keeps_characters_and_counts(tmp_path: Path) -> None:
    path = tmp_path / "out" / "data.jsonl"
    assert write_jsonl(path, [{"a": "é\u2028好"}, {"b": None}]) == 2
    assert path.read_bytes() == '{"a": "é\u2028好"}\n{"b": null}\n'.encode()


def test_a_failing_row_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"old": 1}\n')

    def rows() -> Iterator[dict[str, int]]:
        yield {"new": 1}
        raise DataError("row 2 is bad")

    with pytest.raises(DataError, match="row 2"):
        write_jsonl(path, rows())
    assert path.read_text() == '{"old": 1}\n'
    assert [each.name for each in tmp_path.iterdir()] == ["data.jsonl"]


def test_each_append_is_on_disk_at_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "log.jsonl"
    with JsonlAppender(path) as log:
        for number in range(3):
            log.append({"n": number})
            assert [row["n"] for _, row in read_jsonl(path)] == list(range(number + 1))


@pytest.mark.parametrize("torn", [b'{"n": 2, "te', b"{", '{"n": "好'.encode()[:-1], b'{"n": 2}'])
def test_a_torn_last_line_is_cut(tmp_path: Path, torn: bytes) -> None:
    """A last line without its newline was being written when the process died, even if it parses."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"n": 0}\n{"n": 1}\n' + torn)
    with JsonlAppender(path) as log:
        assert path.read_bytes() == b'{"n": 0}\n{"n": 1}\n'
        log.append({"n": 2})
    assert [row["n"] for _, row in read_jsonl(path)] == [0, 1, 2]


def test_a_file_of_one_torn_line_becomes_empty(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"n": ')
    JsonlAppender(path).close()
    assert path.read_bytes() == b""


@given(st.lists(rows, min_size=1, max_size=4), st.data())
def test_killed_at_any_byte_only_whole_lines_stay(
    tmp_path_factory: pytest.TempPathFactory, written: list[dict], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("kill") / "log.jsonl"
    whole = "".join(map(dump_line, written)).encode()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    JsonlAppender(path).close()
    lines = path.read_bytes().splitlines(keepends=True)
    assert [json.loads(line) for line in lines] == written[: whole[:cut].count(b"\n")]


def test_a_place_that_can_not_be_written_is_an_external_error(tmp_path: Path) -> None:
    with pytest.raises(ExternalError, match=str(tmp_path)):
        JsonlAppender(tmp_path)


def test_half_a_character_is_written_as_its_escape(tmp_path: Path) -> None:
    row = {"text": "a\ud83d b"}
    with JsonlAppender(tmp_path / "log.jsonl") as log:
        log.append(row)
    write_jsonl(tmp_path / "whole.jsonl", [row])
    for path in tmp_path.iterdir():
        assert path.read_bytes() == b'{"text": "a\\ud83d b"}\n'
        assert list(read_jsonl(path)) == [(1, row)]
