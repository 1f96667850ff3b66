"""Workbooks as people keep them: typed cells, several sheets, gaps, formulas; and files that are none."""

from __future__ import annotations

import zipfile
from datetime import date, datetime

import pytest
from openpyxl import Workbook, load_workbook

from sftloop.core.errors import DataError
from sftloop.records import detect_format
from sftloop.records.importing.excel import excel_rows
from sftloop.scenario import Answer


@pytest.fixture
def sheet(tmp_path):
    """Write rows into the first sheet of a new file."""

    def run(*rows, name="a.xlsx"):
        book = Workbook()
        for row in rows:
            book.active.append(row)
        book.save(tmp_path / name)
        return tmp_path / name

    return run


def test_a_sheet_is_a_table(sheet, take):
    file = sheet(["编号", "消息", "类别"], [7, "钱没退\n第二行", "refund"], ["007", "快递呢", "delivery"])
    assert detect_format(file) == "excel"
    first, second = take(file, mapping={"id": "编号", "message": "消息", "label": "类别"})
    assert (first.id, second.id) == ("7", "007")
    assert first.input == {"message": "钱没退\n第二行"} and second.answer == Answer(label="delivery")
    assert (first.source, second.source) == ("a.xlsx:2", "a.xlsx:3")


def test_cells_keep_their_kind(sheet):
    file = sheet(
        ["n", "share", "day", "moment", "yes", "empty"],
        [3, 0.25, date(2026, 5, 1), datetime(2026, 5, 1, 8, 30), True, None],
    )
    [row] = excel_rows(file)
    assert row.value == {
        "n": 3, "share": 0.25, "day": "2026-05-01", "moment": "2026-05-01T08:30:00", "yes": True, "empty": None,
    }  # fmt: skip


def test_gaps_are_no_rows_and_lines_are_the_sheets(sheet):
    file = sheet([], ["message", "label", None], [], ["hi", "other"], [None, " "], ["no", None])
    assert [(row.line, row.value["message"], row.value["label"]) for row in excel_rows(file)] == [
        (4, "hi", "other"),
        (6, "no", None),
    ]


def test_a_row_wider_than_the_header_is_bad(sheet, take):
    file = sheet(["message", "label"], ["hi", "other", "and more"])
    with pytest.raises(DataError, match=r"a.xlsx:2: The row has 3 cells, the header has 2"):
        take(file)


def test_the_first_visible_sheet_is_read_and_the_others_are_named(sheet, take, capsys):
    file = sheet(["junk"])
    book = load_workbook(file)
    book.active.sheet_state = "hidden"
    for title, text in (("客服", "one"), ("old", "two")):
        for row in (["message", "label"], [text, "other"]):
            (book[title] if title in book else book.create_sheet(title)).append(row)
    book.save(file)
    assert [record.input["message"] for record in take(file)] == ["one"]
    said = capsys.readouterr().err
    assert "'客服' is read" in said and "Not read: 'old'" in said


def test_formulas_count_by_their_saved_values(sheet, tmp_path):
    """A library writes formulas without values; Excel saves both, and errors as text."""
    file = sheet(["message", "label", "n"], ["hi", "other", "=1+2"], ["no", "x", 4])
    changed = tmp_path / "b.xlsx"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                data = data.replace(b"<f>1+2</f><v></v>", b"<f>1+2</f><v>3</v>")
                data = data.replace(b"<f>1+2</f><v />", b"<f>1+2</f><v>3</v>")
                data = data.replace(b'<c r="C3" t="n"><v>4</v>', b'<c r="C3" t="e"><v>#N/A</v>')
            new.writestr(name, data)
    assert [row.value["n"] for row in excel_rows(changed)] == [3, None]


def test_cells_merged_over_rows_stand_in_each(sheet):
    """A label over its group of messages; a row that is empty otherwise is none."""
    file = sheet(
        ["label", "message"], ["refund", "a"], [None, "b"], [None, None], ["other", "c"], [None, "d"]
    )
    book = load_workbook(file)
    for area in ("A2:A4", "A5:A6"):
        book.active.merge_cells(area)
    book.save(file)
    found = [(row.line, row.value["label"], row.value["message"]) for row in excel_rows(file)]
    assert found == [(2, "refund", "a"), (3, "refund", "b"), (5, "other", "c"), (6, "other", "d")]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "holds no rows in its first sheet"),
        ([["message", "message"]], r"a.xlsx:1: two columns are named 'message'"),
        ([["message", "label"]], "holds no rows"),
    ],
)
def test_sheets_without_records(sheet, take, rows, words):
    with pytest.raises(DataError, match=words):
        take(sheet(*rows))


def test_files_that_are_no_workbooks(sheet, take, tmp_path):
    whole = sheet(["message", "label"], ["hi", "other"]).read_bytes()
    (tmp_path / "torn.xlsx").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512))
    with zipfile.ZipFile(tmp_path / "texts.zip", "w") as archive:
        archive.writestr("a.jsonl", "{}")
    with zipfile.ZipFile(tmp_path / "hollow.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<not closed")
    wanted = {
        "torn.xlsx": "can't be read as an Excel file",
        "old.xls": r"old kind \(.xls\), or has a password",
        "texts.zip": "is a zip archive",
        "hollow.xlsx": "can't be read as an Excel file",
    }
    for name, words in wanted.items():
        with pytest.raises(DataError, match=words):
            take(tmp_path / name)
