import json
from datetime import date, datetime
from decimal import Decimal

import polars
import pytest

from sftloop.core.errors import DataError
from sftloop.records import ForeignFile
from sftloop.records.importing.sources import parquet_rows
from sftloop.scenario import Answer


def test_parquet_with_lists_numbers_and_nulls(tmp_path, scenario):
    file = tmp_path / "a.parquet"
    frame = {
        "posts": [["my son", "rain"], ["snow"], None],
        "label": ["yes_child", "cannot_tell", "cannot_tell"],
        "evidence": [["my son"], [], None],
        "reason": ["Said so.", None, ""],
        "nr": [1, 2, 3],
    }
    polars.DataFrame(frame).write_parquet(file)
    foreign = ForeignFile(path=file, scenario=scenario, task="child", mapping={"id": "nr"})
    records = list(foreign.records(skip_bad=True, rejects=tmp_path / "rejects.jsonl"))
    assert [record.id for record in records] == ["1", "2"]
    assert records[0].input == {"posts": ["my son", "rain"]}
    assert records[0].answer == Answer(label="yes_child", evidence=("my son",), reason="Said so.")
    assert records[1].answer == Answer(label="cannot_tell", evidence=())
    (reject,) = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert (reject["line"], reject["reason"]) == (3, "'posts' is empty.")


def test_parquet_with_dates_and_pictures_is_written_on(tmp_path):
    file = tmp_path / "a.parquet"
    meta = {"when": date(2026, 1, 2), "picture": {"bytes": b"\xff\xd8", "path": "a.jpg"}}
    polars.DataFrame({"text": ["hi"], "meta": [meta]}).write_parquet(file)
    (row,) = parquet_rows(file)
    plain = {"when": "2026-01-02", "picture": {"bytes": None, "path": "a.jpg"}}
    assert json.loads(json.dumps(row.raw)) == {"text": "hi", "meta": plain}


def test_parquet_with_decimals_days_and_bytes(tmp_path, taken_and_rejected):
    file = tmp_path / "a.parquet"
    rows = {
        "message": ["第一条".encode(), "b".encode("utf-16"), b"c"],
        "count": [Decimal("2.00"), Decimal("2.50"), None],
        "day": [datetime(2026, 1, 31), None, datetime(2026, 1, 31)],
        "gift": [True, False, None],
        "colours": [[b"red"], [], None],
        "product": [date(2026, 1, 2), None, None],
        "group": [datetime(2026, 1, 31, 8, 30), None, None],
        "picture": [b"\xff\xd8", None, None],
    }
    polars.DataFrame(rows).write_parquet(file)
    (first, third), (reject,) = taken_and_rejected(file, "order")
    assert first.input == {"message": "第一条"}
    assert first.answer.fields == {
        "product": "2026-01-02", "count": 2, "day": "2026-01-31", "gift": True, "colours": ["red"]
    }  # fmt: skip
    assert first.group == "2026-01-31T08:30:00" and third.input == {"message": "c"}
    assert json.dumps(first.to_json(), ensure_ascii=False).count('"count": 2,') == 1
    assert (reject["line"], reject["reason"]) == (
        2,
        "The column 'message' holds bytes that are not UTF-8 text.",
    )
    assert (reject["row"]["message"], reject["row"]["count"]) == (None, 2.5)


def test_parquet_with_decimal_scores_and_labels_in_bytes(tmp_path, take):
    file = tmp_path / "a.parquet"
    polars.DataFrame({"message": ["x"], "score": [Decimal("4.50")], "label": [b"refund"]}).write_parquet(file)
    assert take(file, task="mood")[0].answer == Answer(score=4.5)
    assert take(file)[0].answer == Answer(label="refund")


def test_parquet_longer_than_one_block(tmp_path, take):
    count = 9000
    file = tmp_path / "a.parquet"
    polars.DataFrame({"message": [f"m{n}" for n in range(count)], "label": ["other"] * count}).write_parquet(
        file
    )
    records = take(file)
    assert len(records) == count and records[-1].source == f"a.parquet:{count}"


def test_a_broken_parquet_file(tmp_path, take):
    file = tmp_path / "a.parquet"
    file.write_bytes(b"PAR1" + b"\x00" * 64)
    with pytest.raises(DataError, match="can't be read as Parquet"):
        take(file)
