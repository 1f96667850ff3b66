import json
from datetime import date, datetime
from decimal import Decimal

import polars
import pytest

from sftloop.core.errors import DataError, UsageError
from sftloop.records import ForeignFile, detect_format
from sftloop.records.importing.sources import parquet_rows
from sftloop.scenario import Answer


@pytest.fixture
def take(scenario):
    """Import a file whole."""

    def run(path, **options):
        return list(ForeignFile(path=path, scenario=scenario, **{"task": "intent", **options}).records())

    return run


def write(path, content, encoding="utf-8"):
    path.write_bytes(content.encode(encoding))
    return path


def test_csv_with_a_mapping(tmp_path, take):
    file = write(
        tmp_path / "a.csv", 'text,category,note\n"Hello, ""you""\ntwo lines",refund,x\nwhere?,delivery,y\n'
    )
    first, second = take(file, mapping={"message": "text", "label": "category"})
    assert first.input == {"message": 'Hello, "you"\ntwo lines'}
    assert first.answer == Answer(label="refund")
    assert (first.source, second.source) == ("a.csv:2", "a.csv:4")
    assert first.id.startswith("intent-") and first.id != second.id


def test_columns_of_the_same_name_need_no_mapping(tmp_path, take):
    file = write(tmp_path / "a.csv", "id,message,label,tags,group\n7,hi,other,hard; boundary,g1\n")
    (record,) = take(file)
    assert (record.id, record.tags, record.group) == ("7", ("hard", "boundary"), "g1")


def test_an_empty_column_in_the_mapping_leaves_a_part_unread(tmp_path, take):
    file = write(tmp_path / "a.csv", "id,message,label\n7,hi,other\n")
    assert take(file, mapping={"id": ""})[0].id.startswith("intent-")


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimiters(tmp_path, take, delimiter):
    file = write(tmp_path / "a.csv", "message,label\n".replace(",", delimiter) + f"hi{delimiter}other\n")
    assert take(file)[0].answer.label == "other"


def test_unused_columns_are_named(tmp_path, scenario):
    file = write(tmp_path / "a.csv", "message,label,zip,note\nhi,other,1,2\n")
    foreign = ForeignFile(path=file, scenario=scenario, task="intent")
    list(foreign.records())
    assert foreign.unused == ("note", "zip")


@pytest.mark.parametrize(
    "raw",
    ["\ufeffmessage,label\nhé,other\n".encode(), "message,label\r\nhé,other\r\n".encode()],
    ids=["byte-order mark", "windows line ends"],
)
def test_files_from_a_spreadsheet(tmp_path, take, raw):
    file = tmp_path / "a.csv"
    file.write_bytes(raw)
    assert take(file)[0].input == {"message": "hé"}


def test_a_gbk_file_says_how_to_read_it_and_then_reads(tmp_path, take):
    file = write(tmp_path / "a.csv", "message,label\n退款什么时候到,refund\n", "gb18030")
    with pytest.raises(DataError) as caught:
        take(file)
    assert f"{file}:2: Not valid utf-8: byte 0xcd" in caught.value.message
    assert "--encoding gb18030" in caught.value.message
    assert take(file, encoding="gb18030")[0].input == {"message": "退款什么时候到"}


def test_a_gbk_header_says_how_to_read_it(tmp_path, take):
    file = write(tmp_path / "a.csv", "文本,标签\nhi,other\n", "gb18030")
    for mapping in ({}, {"message": "文本", "label": "标签"}):
        with pytest.raises(DataError, match=r"a\.csv:1: Not valid utf-8: byte 0xce.*--encoding gb18030"):
            take(file, mapping=mapping)
    assert take(file, encoding="gb18030", mapping={"message": "文本", "label": "标签"})


def test_utf16_is_named(tmp_path, take):
    file = write(tmp_path / "a.csv", "message,label\nhi,other\n", "utf-16")
    with pytest.raises(DataError, match=r"is UTF-16, not UTF-8. Pass --encoding utf-16"):
        take(file)
    assert take(file, encoding="utf-16")[0].input == {"message": "hi"}


def test_an_unknown_encoding_is_a_usage_error(tmp_path, take):
    with pytest.raises(UsageError, match="no encoding 'utf-9'"):
        take(write(tmp_path / "a.csv", "message,label\nhi,other\n"), encoding="utf-9")


def test_bad_rows_of_a_table_are_all_named(tmp_path, take):
    file = write(
        tmp_path / "a.csv", "message,label\nfine,other\n,refund\nhi,refnd\nhi,refund,more\nhi\nhi, \n"
    )
    with pytest.raises(DataError) as caught:
        take(file)
    text = caught.value.message
    assert f"{file}:3: 'message' is empty." in text
    assert f"{file}:4: Task 'intent' has no label 'refnd'. Did you mean 'refund'?" in text
    assert f"{file}:5: The row has 3 cells, the header has 2." in text
    assert f"{file}:6: The row has 1 cells, the header has 2." in text
    assert f"{file}:7: 'label' is empty." in text


def test_a_quote_that_never_closes_is_a_bad_row(tmp_path, take):
    file = write(tmp_path / "a.csv", 'message,label\nhi,other\n"open,other\nhi,other\n')
    with pytest.raises(DataError, match=f"{file}:3: Malformed CSV"):
        take(file)


def taken_and_rejected(file, scenario, task="intent"):
    """Import what is good; return the records and what the rejects file holds."""
    rejects = file.parent / "rejects.jsonl"
    records = list(
        ForeignFile(path=file, scenario=scenario, task=task).records(skip_bad=True, rejects=rejects)
    )
    return records, [json.loads(line) for line in rejects.read_text().splitlines()]


@pytest.mark.parametrize(
    ("tenth", "last"),
    [("m10,other", 11), ('"m ""10""",other', 11), ('"m 10",other', 11), ('"m\n10",other', 11)],
)
def test_a_stray_quote_costs_no_row_but_its_own(tmp_path, scenario, tenth, last):
    rows = [f"m{n},other" for n in range(1, 10)] + [tenth]
    rows[3] = '"他说 3,other'
    file = write(tmp_path / "a.csv", "message,label\n" + "\n".join(rows) + "\n")
    records, (reject,) = taken_and_rejected(file, scenario)
    assert [record.source for record in records] == [f"a.csv:{n}" for n in (2, 3, 4, 6, 7, 8, 9, 10, 11)]
    assert (reject["line"], reject["row"]) == (5, '"他说 3,other')
    assert f"lines 5 to {last}: a quote opened on line 5 is not closed" in reject["reason"]


def test_several_stray_quotes_are_each_a_bad_row(tmp_path, scenario):
    file = write(
        tmp_path / "a.csv", 'message,label\r\n"a,other\r\nb,other\r\n"c"d,other\r\ne,other\r\n"f,other'
    )
    records, rejects = taken_and_rejected(file, scenario)
    assert [record.input["message"] for record in records] == ["b", "e"]
    assert [reject["row"] for reject in rejects] == ['"a,other', '"c"d,other', '"f,other']
    assert "a quote opened on line 6 is not closed" in rejects[2]["reason"]


@pytest.mark.parametrize(
    ("content", "mapping", "message"),
    [
        ("text,label\nhi,other\n", {}, "no column 'message' for the input 'message'"),
        ("text,label\nhi,other\n", {}, "--map message=COLUMN"),
        ("message,kind\nhi,other\n", {}, "no column 'label' for the answer of task 'intent'"),
        ("message,label\nhi,other\n", {"label": "lable"}, "no column 'lable'. Did you mean 'label'?"),
        ("message,label\nhi,other\n", {"mesage": "message"}, "no part 'mesage'"),
        ("message,label\nhi,other\n", {"label": "message"}, "both the input and the answer"),
    ],
)
def test_mappings_that_cannot_work(tmp_path, take, content, mapping, message):
    with pytest.raises(UsageError) as caught:
        take(write(tmp_path / "a.csv", content), mapping=mapping)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n", "has no header"),
        ("message,label\n", "holds no rows"),
        ("message,label,label\nhi,other,other\n", "two columns are named 'label'"),
    ],
)
def test_files_without_content(tmp_path, take, content, message):
    with pytest.raises(DataError, match=message):
        take(write(tmp_path / "a.csv", content), format="csv")


def test_a_missing_file(tmp_path, take):
    with pytest.raises(DataError, match="does not exist"):
        take(tmp_path / "none.csv")


def test_repeated_inputs_get_ids_of_their_own_and_the_same_ones_each_time(tmp_path, take):
    file = write(tmp_path / "a.csv", "message,label\nhi,other\nhi,other\nhi,refund\n")
    ids = [record.id for record in take(file)]
    assert ids == [ids[0], f"{ids[0]}-2", f"{ids[0]}-3"]
    assert ids == [record.id for record in take(file)]


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


def test_parquet_with_decimals_days_and_bytes(tmp_path, scenario):
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
    (first, third), (reject,) = taken_and_rejected(file, scenario, "order")
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


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("price", ("price",)),
        ("price; service", ("price", "service")),
        ('["service", "price"]', ("service", "price")),
        ("price|quality", ("price", "quality")),
        ("none", ()),
        ("[]", ()),
    ],
)
def test_cells_with_several_labels(tmp_path, take, cell, labels):
    file = write(tmp_path / "a.jsonl", json.dumps({"message": "x", "labels": cell}) + "\n")
    assert take(file, task="topics")[0].answer.labels == labels


def test_an_empty_cell_of_labels_is_ambiguous_and_bad(tmp_path, take):
    file = write(tmp_path / "a.csv", "message,labels\nx,\n")
    with pytest.raises(DataError, match="write 'none' or"):
        take(file, task="topics")


def test_fields_out_of_columns(tmp_path, take):
    file = write(
        tmp_path / "a.csv",
        "message,product,n,day,gift,colours\nx,lamp,2,2026-01-31,yes,red; blue\ny,,2.5,,0,\n",
    )
    first, second = take(file, task="order", mapping={"count": "n"})
    assert first.answer.fields == {
        "product": "lamp",
        "count": 2,
        "day": "2026-01-31",
        "gift": True,
        "colours": ["red", "blue"],
    }
    assert second.answer.fields == {
        "product": None,
        "count": 2.5,
        "day": None,
        "gift": False,
        "colours": None,
    }


@pytest.mark.parametrize(
    ("row", "message"),
    [("x,lamp,two,,,", "'count' must be a number"), ("x,lamp,2,,maybe,", "'gift' must be true or false")],
)
def test_cells_of_the_wrong_type(tmp_path, take, row, message):
    file = write(tmp_path / "a.csv", f"message,product,count,day,gift,colours\n{row}\n")
    with pytest.raises(DataError, match=message):
        take(file, task="order")


def test_scores_and_texts(tmp_path, take):
    file = write(tmp_path / "a.csv", "message,score,text\nx,4.5,Dear you\n")
    assert take(file, task="mood")[0].answer == Answer(score=4.5)
    assert take(file, task="reply")[0].answer == Answer(text="Dear you")
    with pytest.raises(DataError, match="outside 1 to 5"):
        take(write(tmp_path / "b.csv", "message,score\nx,9\n"), task="mood")
    with pytest.raises(DataError, match="must be a number, got 'high'"):
        take(write(tmp_path / "c.csv", "message,score\nx,high\n"), task="mood")


def test_the_task_may_stand_in_a_column(tmp_path, take):
    file = write(
        tmp_path / "a.jsonl",
        '{"message":"x","label":"other","t":"intent"}\n{"message":"x","score":2,"t":"mood"}\n',
    )
    assert [record.task for record in take(file, task=None, mapping={"task": "t"})] == ["intent", "mood"]
    with pytest.raises(UsageError, match="7 tasks and the rows name none"):
        take(file, task=None)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.jsonl", '{"messages": []}', "openai"),
        ("a.json", '[{"conversations": []}]', "sharegpt"),
        ("a.json", '\n [\n{"instruction": "", "output": ""}]', "alpaca"),
        ("a.jsonl", '{"id": "a", "task": "t", "input": {}, "answer": {}}', "records"),
        ("a.jsonl", 'oops\n{"text": "x"}', "jsonl"),
        ("a.TSV", "a\tb", "csv"),
        ("a.csv", '{"messages": []}', "csv"),
    ],
)
def test_detection(tmp_path, name, content, found):
    assert detect_format(write(tmp_path / name, content)) == found


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"hello", "Can't tell the format"),
        ("a.xlsx", b"PK\x03\x04....", "Save the sheet as CSV"),
        ("a.jsonl", b"{\n{\n", ":1: Malformed JSON"),
        ("a.json", b"[]", "holds no rows"),
        ("a.jsonl", b"  \n", "is empty"),
    ],
)
def test_what_cannot_be_detected_is_explained(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        detect_format(tmp_path / name)
    assert message in str(caught.value)


def test_a_forced_format_wins_over_the_name(tmp_path, take):
    file = write(tmp_path / "a.txt", "message,label\nhi,other\n")
    assert take(file, format="csv")[0].answer.label == "other"
    with pytest.raises(UsageError, match=r"no format 'exel'\. Did you mean 'excel'"):
        take(file, format="exel")


def test_a_json_array_counts_lines_and_says_where_it_breaks(tmp_path, take):
    file = write(
        tmp_path / "a.json",
        '[\n {"message": "x",\n  "label": "other"},\n\n {"message": "y", "label": "refund"}\n]',
    )
    assert [record.source for record in take(file)] == ["a.json:2", "a.json:5"]
    with pytest.raises(DataError, match=r"b.json:2:\d+: malformed JSON"):
        take(write(tmp_path / "b.json", '[{"message": "x", "label": "other"}\n {"message": "y"}]'))
    with pytest.raises(DataError, match="ends inside"):
        take(write(tmp_path / "c.json", '[{"message": "x", "label": "other"},'))


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.yaml"])
def test_an_encoding_that_the_file_does_not_have_at_all(tmp_path, take, name):
    file = write(tmp_path / name, "message,label\nhi,other\n")
    with pytest.raises(DataError, match=r"is not utf-16: .* Name the file's own encoding with --encoding"):
        take(file, encoding="utf-16")


@pytest.mark.parametrize(
    "text", ['{"message": "hi", "label": "other", "n": %s}', '[{"message": "hi", "n": %s}]']
)
def test_a_number_of_too_many_digits(tmp_path, take, text):
    file = write(tmp_path / "a.jsonl", text % ("9" * 5000) + "\n")
    with pytest.raises(DataError, match=r"a\.jsonl:1: [mM]alformed JSON: Exceeds the limit \(4300 digits\)"):
        take(file)


@pytest.mark.parametrize(("behind", "line"), [('\n\n[{"message": "b"}]\n', 3), (" {}", 1), ("\n]", 2)])
def test_text_behind_an_array_is_refused(tmp_path, take, behind, line):
    array = '[{"message": "a", "label": "other"}]'
    file = write(tmp_path / "a.json", array + behind)
    with pytest.raises(DataError, match=rf"a\.json:{line}: text behind the end of the JSON array"):
        take(file)
    assert len(take(write(tmp_path / "a.json", array + "\n \n"))) == 1


def test_an_array_nested_too_deeply(tmp_path, take):
    with pytest.raises(DataError, match="nested too deeply"):
        take(write(tmp_path / "a.json", "[" * 100_000))
