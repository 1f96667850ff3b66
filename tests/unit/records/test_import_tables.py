import json

import pytest

from sftloop.core.errors import DataError, UsageError
from sftloop.records import ForeignFile
from sftloop.scenario import Answer


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


@pytest.mark.parametrize(
    ("tenth", "last"),
    [("m10,other", 11), ('"m ""10""",other', 11), ('"m 10",other', 11), ('"m\n10",other', 11)],
)
def test_a_stray_quote_costs_no_row_but_its_own(tmp_path, taken_and_rejected, tenth, last):
    rows = [f"m{n},other" for n in range(1, 10)] + [tenth]
    rows[3] = '"他说 3,other'
    file = write(tmp_path / "a.csv", "message,label\n" + "\n".join(rows) + "\n")
    records, (reject,) = taken_and_rejected(file)
    assert [record.source for record in records] == [f"a.csv:{n}" for n in (2, 3, 4, 6, 7, 8, 9, 10, 11)]
    assert (reject["line"], reject["row"]) == (5, '"他说 3,other')
    assert f"lines 5 to {last}: a quote opened on line 5 is not closed" in reject["reason"]


def test_several_stray_quotes_are_each_a_bad_row(tmp_path, taken_and_rejected):
    file = write(
        tmp_path / "a.csv", 'message,label\r\n"a,other\r\nb,other\r\n"c"d,other\r\ne,other\r\n"f,other'
    )
    records, rejects = taken_and_rejected(file)
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
