"""A pool gives every row with text once, whatever the file's shape, and its row back unchanged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sftloop.core.errors import DataError, UsageError
from sftloop.curate.filter.pool import Pool, PoolCounts, PoolRow, blocks, row_text


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"text": "one", "label": "x", "url": "http"}, "one"),
        ({"instruction": "do", "input": "", "output": "done", "system": "you are"}, "do\ndone"),
        (
            {
                "id": "a",
                "task": "t",
                "input": {"posts": ["p", " q "]},
                "answer": {"label": "yes", "reason": "since"},
                "tags": ["hard"],
            },
            "p\nq",
        ),
        (
            {
                "messages": [
                    {"role": "system", "content": "be brief"},
                    {"role": "user", "content": [{"type": "text", "text": "why"}]},
                    {"role": "assistant", "content": "because"},
                ]
            },
            "why\nbecause",
        ),
        ({"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "ho"}]}, "hi\nho"),
        ({"sentence": "好", "keywords": "", "id": 3, "stars": 5, "none": None}, "好"),
        ({"stars": 5}, ""),
    ],
)
def test_the_text_of_a_row(row: dict[str, Any], text: str) -> None:
    assert row_text(row) == text


def test_ids_and_rows_come_back(tmp_path: Path) -> None:
    own = {"id": "mine", "text": "a", "stars": 1}
    file = write(tmp_path / "pool.jsonl", own, {"id": 7, "text": "b"}, {"text": "c"}, {"text": " "})
    counts = PoolCounts()
    first, second, third = Pool(files=(file,)).rows(counts)
    assert first == PoolRow("mine", "a", own, "pool:1")
    assert second == PoolRow("pool:7", "b", {"id": "pool:7", "text": "b"}, "pool:2")
    assert third == PoolRow("pool:3", "c", {"id": "pool:3", "text": "c"}, "pool:3")
    assert counts == PoolCounts(rows=4, blank=1)


def test_every_form_of_file(tmp_path: Path) -> None:
    import polars

    (tmp_path / "a.csv").write_text("text,stars\none,5\n")
    (tmp_path / "b.txt").write_text("two\n\nthree\n")
    (tmp_path / "c.json").write_text('[{"text": "four"}]')
    polars.DataFrame({"question": ["five"], "answer": ["six"]}).write_parquet(tmp_path / "d.parquet")
    pool = Pool(files=tuple(tmp_path / name for name in ("a.csv", "b.txt", "c.json", "d.parquet")))
    assert [row.text for row in pool.rows()] == ["one", "two", "three", "four", "five\nsix"]
    assert [row.id for row in pool.rows()] == ["a:2", "b:1", "b:3", "c:1", "d:1"]


def test_files_of_one_name_keep_their_rows_apart(tmp_path: Path) -> None:
    files = []
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        files.append(write(tmp_path / folder / "pool.txt", "same"))
    assert [row.id for row in Pool(files=tuple(files)).rows()] == ["pool:1", "pool-2:1"]


def test_columns_name_the_text(tmp_path: Path) -> None:
    file = write(tmp_path / "p.jsonl", {"a": "1", "b": "2"}, {"b": "3"})
    assert [row.text for row in Pool(files=(file,), columns=("b",)).rows()] == ["2", "3"]
    assert [row.text for row in Pool(files=(file,), columns=("a",)).rows()] == ["1"]
    with pytest.raises(DataError, match=r"p\.jsonl' has no text in the column 'aa'\. Did you mean"):
        list(Pool(files=(file,), columns=("aa",)).rows())


def test_a_bad_row_is_named_or_counted(tmp_path: Path) -> None:
    file = write(tmp_path / "p.jsonl", {"text": "1"}, "{", {"text": "2"}, "[1]")
    with pytest.raises(DataError, match=r"p\.jsonl:2: Malformed JSON.*--skip-bad"):
        list(Pool(files=(file,)).rows())
    counts = PoolCounts()
    assert [row.text for row in Pool(files=(file,), skip_bad=True).rows(counts)] == ["1", "2"]
    assert (counts.rows, counts.bad) == (4, 2)
    assert [line.split(": ")[0].rsplit(":", 1)[1] for line in counts.first_bad] == ["2", "4"]


def test_text_files_in_another_encoding(tmp_path: Path) -> None:
    file = tmp_path / "p.txt"
    file.write_bytes("好的\n".encode("gb18030"))
    with pytest.raises(DataError, match="Not valid utf-8"):
        list(Pool(files=(file,)).rows())
    assert [row.text for row in Pool(files=(file,), encoding="gb18030").rows()] == ["好的"]


def test_a_pool_has_files() -> None:
    with pytest.raises(UsageError, match="no files"):
        Pool(files=())


def test_blocks_are_bounded_by_texts_and_by_characters() -> None:
    rows = [PoolRow(str(n), "x", {}, str(n)) for n in range(5000)]
    assert [len(block) for block in blocks(rows)] == [2048, 2048, 904]
    rows = [PoolRow(str(n), "x" * 400_000, {}, str(n)) for n in range(4)]
    assert [len(block) for block in blocks(rows)] == [3, 1]
